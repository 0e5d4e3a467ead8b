"""The writer of the history: one process, one connection, which does all writes and all checkpoints.

What a method was given is durable when it returns (`connection` says how). A method either keeps all that
it was given or, when it raises, nothing of it. The methods may be called from several threads, one at a
time; they block for about one disk sync.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from sqlite_utils import Database

from monitor.history import incident_rows, outbox
from monitor.history.connection import open_writer
from monitor.history.errors import HistoryError, named_errors
from monitor.history.fact_writer import FactWriter
from monitor.history.glossary import WritingGlossary
from monitor.history.notice import Notice, NoticeState
from monitor.history.retention import Keep
from monitor.history.shipment import Shipment, Taken
from monitor.history.upkeep import Tended, Upkeep
from monitor.history.write_lock import WriteLock
from monitor.model import IncidentChange, RouteFact
from probes.observation import Observation


class Store:
    """A history open for writing. Close it, or use it as a context manager.

    `interrupted`: keys of notices that an earlier process had handed over when it ended; opening made
    them `unknown`.
    """

    def __init__(self, path: Path, database: Database, lock: WriteLock) -> None:
        self.path = path
        self._database = database
        self._lock = lock
        self._glossary = WritingGlossary(database.conn)
        self._facts = FactWriter(database.conn, self._glossary)
        self._upkeep = Upkeep(database.conn, self._glossary)
        self._turn = threading.RLock()
        self._closed = False
        with self._transaction():
            self.interrupted = tuple(outbox.settle_interrupted(database.conn))

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open the history at `path`; makes it and its folders, and brings an older one up to date.

        :raises HistoryLockedError: another process writes it
        :raises HistoryForeignError: not a database, another program's, or a newer version's; it is left alone
        :raises HistoryError: it cannot be made or written
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HistoryError(f"history {path}: cannot make its folder: {error.strerror}") from error
        lock = WriteLock.take(path)
        try:
            database = open_writer(path)
            try:
                return cls(path, database, lock)
            except BaseException:
                database.conn.close()
                raise
        except BaseException:
            lock.release()
            raise

    def add_observations(self, observations: Sequence[Observation]) -> None:
        """Keep observations, all in one transaction.

        :raises UnstorableFactError: one is outside the store's limits; `index` says which, none was kept
        """
        with self._transaction():
            self._facts.add_observations(observations)

    def add_routes(self, facts: Sequence[RouteFact]) -> None:
        """Keep route facts, all in one transaction.

        :raises UnstorableFactError: one is outside the store's limits; `index` says which, none was kept
        """
        with self._transaction():
            self._facts.add_routes(facts)

    def take(self, shipments: Sequence[Shipment]) -> list[Taken]:
        """Keep what is new of shipments, with what they settle, all in one transaction; the answers in order.

        A fact that cannot be kept is refused with its reason and takes no other with it.

        :raises TooManyGapsError: a vantage's numbers have too many gaps; nothing of any shipment was kept
        """
        with self._transaction():
            return [self._facts.take(shipment) for shipment in shipments]

    def save_changes(self, changes: Sequence[IncidentChange], notices: Sequence[Notice]) -> None:
        """Keep changes of incidents and the notices that tell of them, in one transaction.

        A change with a known (incident.id, sequence) and a notice with a known key are left as they are.
        """
        with self._transaction():
            incident_rows.save(self._database.conn, changes)
            outbox.save(self._database.conn, notices)

    def due_notices(self, now: float, limit: int) -> list[Notice]:
        """Pending notices whose `next_try_at` has come, oldest first, at most `limit`; see `outbox.due`."""
        with self._turn, named_errors(self.path):
            return outbox.due(self._database.conn, now, limit)

    def mark_notice(
        self, key: str, state: NoticeState, at: float, error: str | None = None, next_try_at: float | None = None
    ) -> None:
        """Move a notice to a state; committed and durable before this returns (`outbox` draws the moves).

        :raises HistoryError: there is no such notice, or it cannot get there from where it is
        """
        with self._transaction():
            outbox.mark(self._database.conn, key, state, at, error, next_try_at)

    def tend(self, now: float, keep: Keep) -> Tended:
        """Do a piece of upkeep, some milliseconds long: fold roll-ups, forget what is older than `keep`.

        To be called every few seconds, and again at once while there is `more`; others may write in between.
        """
        with self._transaction():
            tended = self._upkeep.step(now, keep)
            if tended.deleted:
                self._glossary.forget()
            return tended

    def close(self) -> None:
        """Move the log into the file, close it and let the next writer in. Closing twice is fine."""
        with self._turn:
            if self._closed:
                return
            self._closed = True
            try:
                with named_errors(self.path):
                    self._database.conn.close()
            finally:
                self._lock.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._turn, named_errors(self.path):
            if self._closed:
                raise HistoryError(f"history {self.path}: it was closed")
            try:
                with self._database.atomic():
                    yield
            except BaseException:
                self._glossary.forget()
                raise
