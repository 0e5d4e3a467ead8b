"""The seam between the history and what keeps it: a SQLite file, or a database on a PostgreSQL server.

Everything else of this package is written once, in SQL that both engines have: `?` or `?1` stands for a value,
conflicts are named by their columns, integers are divided as integers. What they do differently is here: how a
transaction is made sure of, how many rows are written at once, and what several writers have to agree on.

| | SQLite | PostgreSQL |
|---|---|---|
| writers | one process, held by a lock | any number |
| a lost connection | there is none | the transaction is asked for by its number |
| facts go | row by row | partition by partition, whole days |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from monitor.history.connection import Connection
from monitor.history.glossary import WritingGlossary
from monitor.history.shelf import Row, Shelf
from monitor.model.history_place import HistoryPlace

Answer = TypeVar("Answer")


class WriteEngine(Protocol):
    """A history open for writing. Called by one thread at a time."""

    @property
    def place(self) -> HistoryPlace:
        """Where it is."""
        ...

    @property
    def connection(self) -> Connection:
        """For what `transact` runs."""
        ...

    @property
    def dictionaries(self) -> Connection:
        """Where entries of dictionaries are found and added.

        With several writers that is done outside the transaction, so that none waits for another's words.
        """
        ...

    def transact(self, work: Callable[[], Answer], undone: Callable[[], object]) -> Answer:
        """Run `work` in a transaction; durable when this returns, and done once.

        `undone` is called when what `work` did was taken back, by its own error or before it is run again; and
        before it, when another process has deleted entries of dictionaries: ids that are remembered may be gone.

        :raises HistoryError: the engine failed
        """
        ...

    def insert(self, shelf: Shelf[Any], rows: Sequence[Row]) -> None:
        """Insert rows of a shelf, within the transaction."""
        ...

    def insert_rows(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert rows of a table, within the transaction; those of `request` as `http_rows.WRITTEN` has them."""
        ...

    def columns_of(self, table: str) -> tuple[str, ...]:
        """The columns of a table."""
        ...

    def hold_still(self) -> None:
        """Let nobody else write until this is closed, or its server ends."""
        ...

    def ids_were_given(self) -> None:
        """Entries came with ids of their own: go on behind them, within the transaction."""
        ...

    def mark(self, table: str, slots: Iterable[tuple[int, int]]) -> None:
        """Note (target, slot) in `stale` or `unsealed`, within the transaction.

        Whoever takes a note out sees all facts of the transactions that had made it by then; a transaction that
        was under way makes its note anew.
        """
        ...

    def oldest_kept(self, before: int) -> int:
        """From when on facts stay, if those of before `before` shall go: microseconds, not after it."""
        ...

    def forget_facts(self, before: int) -> Iterator[int]:
        """Delete the facts of before `before`, which `oldest_kept` gave.

        Each step deletes a piece and gives its rows, in the transaction in which it is asked for.
        """
        ...

    def forget_words(self) -> None:
        """Entries of dictionaries are about to be deleted: until the transaction ends, no other one uses any."""
        ...

    def has_old_rows(self) -> bool:
        """Whether there are rows in an older version's form."""
        ...

    def move_old_rows(self, glossary: WritingGlossary) -> None:
        """Give a piece of them the form of this version, within the transaction."""
        ...

    def is_caretaker(self) -> bool:
        """Whether upkeep is this process's to do, until the transaction ends."""
        ...

    def is_teller(self, *, claim: bool) -> bool:
        """Whether notices are this process's to send: from when it claimed them, until it ends or is cut off.

        `claim`: become it, if nobody is.
        """
        ...

    def stop_telling(self) -> None:
        """Let another process send the notices."""
        ...

    def close(self) -> None:
        """Close it and let others in."""
        ...


class ReadEngine(Protocol):
    """A history open for reading. Called by one thread at a time."""

    @property
    def place(self) -> HistoryPlace:
        """Where it is."""
        ...

    @property
    def connection(self) -> Connection:
        """For what is asked within a `snapshot`."""
        ...

    def snapshot(self) -> AbstractContextManager[None]:
        """One consistent view for as long as the block runs; what goes wrong in it becomes a HistoryError."""
        ...

    def close(self) -> None:
        """Close it."""
        ...
