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
    """`to_row` gives the values in the order of `columns`; its integer argument becomes the row's `seq`."""

    table: str
    columns: tuple[str, ...]
    to_row: Callable[[Any, int, WritingGlossary], Row]
    from_row: Callable[[Row, ReadingGlossary], Fact]
    newest_only: bool = False
    """Whether a row takes the place of the one with the same key."""

    @property
    def insert(self) -> str:
        """The statement for `executemany`."""
        marks = ", ".join("?" * len(self.columns))
        verb = "INSERT OR REPLACE" if self.newest_only else "INSERT"
        return f"{verb} INTO {self.table} ({', '.join(self.columns)}) VALUES ({marks})"

    @property
    def select(self) -> str:
        """The statement up to its WHERE."""
        return f"SELECT {', '.join(self.columns)} FROM {self.table}"  # noqa: S608
