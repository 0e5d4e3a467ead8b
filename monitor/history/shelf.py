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
    newest_only: bool = False
    """Whether a row takes the place of the one with the same key."""
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
        verb = "INSERT OR REPLACE" if self.newest_only else "INSERT"
        return f"{verb} INTO {self.stored_in} ({', '.join(columns)}) VALUES ({marks})"

    @property
    def select(self) -> str:
        """The statement up to its WHERE."""
        return f"SELECT {', '.join(self.columns)} FROM {self.table}"  # noqa: S608
