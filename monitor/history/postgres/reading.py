"""The engine of a process that reads a history on a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from monitor.history.postgres.connecting import connect
from monitor.history.postgres.named_errors import is_lost, named_errors
from monitor.history.postgres.schema import check
from monitor.history.postgres.statements import PostgresConnection
from monitor.model.history_place import DatabaseUrl

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresReading:
    """A `ReadEngine` over a session that cannot write, not even by mistake."""

    def __init__(self, place: DatabaseUrl) -> None:
        self.place = place
        self.connection = PostgresConnection(connect(place))

    @classmethod
    def open(cls, place: DatabaseUrl) -> PostgresReading:
        """Open the history at `place`.

        :raises HistoryMissingError: the database, or a history in it, is missing
        :raises HistoryForeignError: it is not a history of this version
        :raises HistoryError: the server cannot be reached, or refuses
        """
        engine = cls(place)
        try:
            with named_errors(place):
                check(engine.connection, place)
        except BaseException:
            engine.close()
            raise
        return engine

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """A transaction that sees what was committed when it asked first."""
        with named_errors(self.place):
            self._begin()
            try:
                yield
            finally:
                raw = self.connection.raw
                if not raw.closed:
                    raw.rollback()

    def _begin(self) -> None:
        """Begin; over a new connection where the server has restarted since the last snapshot."""
        try:
            self.connection.run(_BEGIN)
        except psycopg.Error as error:
            if not is_lost(error, self.connection.raw):
                raise
            self.connection.raw.close()
            self.connection.raw = connect(self.place)
            self.connection.run(_BEGIN)

    def close(self) -> None:
        """Leave the server."""
        self.connection.raw.close()
