"""The writer of the history: one process, one connection, which does all writes and all checkpoints.

What a method was given is durable when it returns (`connection` says how). A method either keeps all that
it was given or, when it raises, nothing of it. The methods may be called from several threads, one at a
time; they block for about one disk sync.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlite_utils import Database

from monitor.history import incident_rows, outbox, retention
from monitor.history.connection import open_writer
from monitor.history.errors import HistoryError, UnstorableFactError, named_errors
from monitor.history.glossary import WritingGlossary, check_value
from monitor.history.notice import Notice, NoticeState
from monitor.history.observation_rows import SHELVES
from monitor.history.route_rows import ROUTE_SHELVES
from monitor.history.shelf import Row, Shelf
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
        self._add(observations, SHELVES)

    def add_routes(self, facts: Sequence[RouteFact]) -> None:
        """Keep route facts, all in one transaction.

        :raises UnstorableFactError: one is outside the store's limits; `index` says which, none was kept
        """
        self._add(facts, ROUTE_SHELVES)

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

    def prune(self, before: float) -> int:
        """Forget facts, closed incidents and ended notices from before `before`; how many rows went.

        The file keeps its size: the space is used again.
        """
        with self._turn, named_errors(self.path):
            try:
                return retention.prune(self._database, before)
            finally:
                self._glossary.forget()

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

    def _add(self, facts: Sequence[Any], shelves: Mapping[Any, Shelf[Any]]) -> None:
        """Number the facts, turn each into a row and insert the rows table by table."""
        if not facts:
            return
        with self._transaction():
            first = self._take_numbers(len(facts))
            batches: dict[str, list[Row]] = defaultdict(list)
            for index, fact in enumerate(facts):
                shelf = shelves[type(fact)]
                try:
                    batches[shelf.table].append(shelf.to_row(fact, first + index, self._glossary))
                except UnstorableFactError as error:
                    raise UnstorableFactError(error.reason, index) from error
            try:
                for shelf in shelves.values():
                    self._database.conn.executemany(shelf.insert, batches[shelf.table])
            except (OverflowError, UnicodeEncodeError) as error:
                raise self._blame(facts, shelves, error) from error

    def _blame(
        self, facts: Sequence[Any], shelves: Mapping[Any, Shelf[Any]], error: Exception
    ) -> UnstorableFactError:
        """Find the fact that SQLite could not take: `executemany` does not say. The rows are made once more."""
        for index, fact in enumerate(facts):
            for value in shelves[type(fact)].to_row(fact, 0, self._glossary):
                try:
                    check_value(value)
                except UnstorableFactError as unstorable:
                    return UnstorableFactError(unstorable.reason, index)
        return UnstorableFactError(str(error))

    def _take_numbers(self, count: int) -> int:
        rows = self._database.conn.execute(
            "UPDATE counter SET value = value + ? WHERE name = 'fact' RETURNING value - ?", (count, count)
        ).fetchall()
        return int(rows[0][0])

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
