"""One kind of fact and its table: how a fact becomes a row, and which fact a row was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from monitor.history.glossary import ReadingGlossary, WritingGlossary

Row = tuple[Any, ...]
Fact = TypeVar("Fact")


@dataclass(frozen=True, slots=True)
class Shelf(Generic[Fact]):
    """`to_row` gives the values in the order of `written` (empty: of `columns`); its integer argument becomes the
    row's `seq`. `from_row` takes them in the order of `columns`. `rows`: the table that is written, where `table`
    is a view over it.
    """

    table: str
    columns: tuple[str, ...]
    to_row: Callable[[Any, int, WritingGlossary], Row]
    from_row: Callable[[Row, ReadingGlossary], Fact]
    replaces: tuple[str, ...] = ()
    """The key by which a row takes another one's place; empty: none does."""
    rows: str = ""
    written: tuple[str, ...] = ()

    @property
    def stored_in(self) -> str:
        """The table that has the rows."""
        return self.rows or self.table

    @property
    def insert(self) -> str:
        """The statement for `executemany`."""
        columns = self.written or self.columns
        marks = ", ".join("?" * len(columns))
        return f"INSERT INTO {self.stored_in} ({', '.join(columns)}) VALUES ({marks}){self.on_conflict}"  # noqa: S608

    @property
    def on_conflict(self) -> str:
        """What an insert says of a row whose key is there already."""
        if not self.replaces:
            return ""
        new = ", ".join(f"{name} = excluded.{name}" for name in self.columns if name not in self.replaces)
        return f" ON CONFLICT ({', '.join(self.replaces)}) DO UPDATE SET {new}"

    @property
    def select(self) -> str:
        """The statement up to its WHERE."""
        return f"SELECT {', '.join(self.columns)} FROM {self.table}"  # noqa: S608
