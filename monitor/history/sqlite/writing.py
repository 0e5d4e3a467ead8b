"""The engine of the one process that writes a history file, and does all its checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from monitor.history.connection import Connection
from monitor.history.engine import Answer
from monitor.history.errors import HistoryError
from monitor.history.glossary import WritingGlossary
from monitor.history.observation_rows import SHELVES
from monitor.history.route_rows import ROUTE_SHELVES
from monitor.history.shelf import Row, Shelf
from monitor.history.sqlite import old_requests, requests
from monitor.history.sqlite.file import open_writer
from monitor.history.sqlite.named_errors import named_errors
from monitor.history.sqlite.write_lock import WriteLock

PIECE = 2_000
"""Rows that one piece deletes at most: three to ten milliseconds."""


class SqliteWriting:
    """A `WriteEngine` over a file."""

    def __init__(self, path: Path, database: Database, lock: WriteLock) -> None:
        self.place = path
        self._database = database
        self._lock = lock

    @classmethod
    def open(cls, path: Path) -> SqliteWriting:
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
            return cls(path, open_writer(path), lock)
        except BaseException:
            lock.release()
            raise

    @property
    def connection(self) -> Connection:
        """The only one."""
        return self._database.conn

    @property
    def dictionaries(self) -> Connection:
        """The same: nobody else writes."""
        return self._database.conn

    def transact(self, work: Callable[[], Answer], undone: Callable[[], object]) -> Answer:
        """Run `work` in a transaction, once."""
        with named_errors(self.place):
            try:
                with self._database.atomic():
                    return work()
            except BaseException:
                undone()
                raise

    def insert(self, shelf: Shelf[Any], rows: Sequence[Row]) -> None:
        """Row by row; SQLite has nothing faster."""
        if shelf.replaces:
            self.connection.executemany(shelf.insert, rows)
        else:
            self.insert_rows(shelf.stored_in, shelf.written or shelf.columns, rows)

    def insert_rows(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Requests with their times packed, others as they are."""
        if table == "request":
            self.connection.executemany(requests.INSERT, map(requests.packed, rows))
            return
        marks = ", ".join("?" * len(columns))
        names = ", ".join(f'"{column}"' for column in columns)
        statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
        self.connection.executemany(statement, rows)

    def columns_of(self, table: str) -> tuple[str, ...]:
        """As they were made."""
        rows = self.connection.execute("SELECT name FROM pragma_table_info(?) ORDER BY cid", (table,))
        return tuple(name for (name,) in rows)

    def hold_still(self) -> None:
        """Nobody else writes."""

    def ids_were_given(self) -> None:
        """SQLite goes on behind the highest by itself."""

    def mark(self, table: str, slots: Iterable[tuple[int, int]]) -> None:
        """A note that is there already is good for these rows too: no other transaction is under way."""
        statement = f"INSERT INTO {table} (target, slot) VALUES (?, ?) ON CONFLICT DO NOTHING"  # noqa: S608
        self.connection.executemany(statement, slots)

    def oldest_kept(self, before: int) -> int:
        """What was asked for: rows are deleted one by one."""
        return before

    def forget_facts(self, before: int) -> Iterator[int]:
        """Delete along the key, target by target."""
        targets = [target for (target,) in self.connection.execute("SELECT id FROM target").fetchall()]
        for shelf in SHELVES.values():
            for target in targets:
                yield from self._pieces(f"{shelf.stored_in} WHERE target = {target} AND", "done", before)
        for table in (shelf.table for shelf in ROUTE_SHELVES.values()):
            yield from self._pieces(f"{table} WHERE", "at", before)

    def _pieces(self, rows: str, column: str, before: int) -> Iterator[int]:
        """Delete in the order of `column`; rows of one moment go together."""
        while True:
            found = self.connection.execute(
                f"SELECT {column} FROM {rows} {column} < ? ORDER BY {column} LIMIT 1 OFFSET ?",  # noqa: S608
                (before, PIECE - 1),
            ).fetchone()
            last = before - 1 if found is None else found[0]
            yield self.connection.execute(f"DELETE FROM {rows} {column} <= ?", (last,)).rowcount  # noqa: S608
            if found is None:
                return

    def forget_words(self) -> None:
        """Nobody else uses any."""

    def has_old_rows(self) -> bool:
        """Whether an older version left requests in its own form."""
        return old_requests.waiting(self._database.conn)

    def move_old_rows(self, glossary: WritingGlossary) -> None:
        """Some milliseconds of them."""
        old_requests.move(self._database.conn, glossary)

    def is_caretaker(self) -> bool:
        """Yes: nobody else writes."""
        return True

    def is_teller(self, *, claim: bool) -> bool:
        """Yes: nobody else writes."""
        return True

    def stop_telling(self) -> None:
        """There is no other process."""

    def close(self) -> None:
        """Move the log into the file, close it and let the next writer in."""
        try:
            with named_errors(self.place):
                self._database.conn.close()
        finally:
            self._lock.release()
