"""The engine of a process that reads a history file, also while another one writes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monitor.history.connection import Connection
from monitor.history.sqlite.file import open_reader
from monitor.history.sqlite.named_errors import named_errors


class SqliteReading:
    """A `ReadEngine` over a file."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.place = path
        self._connection = connection

    @classmethod
    def open(cls, path: Path) -> SqliteReading:
        """Open the history at `path`.

        :raises HistoryMissingError: there is no such file
        :raises HistoryForeignError: it is not a history of this version
        :raises HistoryError: it cannot be read
        """
        return cls(path, open_reader(path))

    @property
    def connection(self) -> Connection:
        """The only one."""
        return self._connection

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """A read transaction of the write-ahead log."""
        with named_errors(self.place):
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
