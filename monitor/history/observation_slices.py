"""Observations of a window, slice by slice of time: in order, and never more than some ten thousands in memory.

A slice is as long as the one before it suggests. Five minutes of a hub that takes 5,000 facts a second are 1.5
million, of which a process would hold 2 GB; of most hubs a slice is five minutes long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from monitor.history.connection import Connection
from monitor.history.glossary import ReadingGlossary
from monitor.history.resolution import bound_micros
from monitor.history.scope import scope
from monitor.history.shelf import Shelf
from probes.observation import Observation, completed_at

FIRST_US, SHORTEST_US, LONGEST_US = 1_000_000, 1_000, 300_000_000
"""Microseconds. The first is short, for nobody knows yet how much there is."""

FACTS = 20_000
"""Of a slice: some 30 MB. Asking where the next one begins, of each target, is then a tenth of the cost."""

GROWTH = 4
"""From one slice to the next, at most: the minutes after a quiet hour may be busy."""


@dataclass(frozen=True, slots=True)
class Slices:
    """What is asked for. `targets` None: of all; `vantage` None: from all."""

    connection: Connection
    glossary: ReadingGlossary
    shelves: Sequence[Shelf[Observation]]
    targets: tuple[str, ...] | None
    vantage: str | None

    def between(
        self, since: float, until: float, snapshot: Callable[[], AbstractContextManager[None]]
    ) -> Iterator[Observation]:
        """Those complete in [since, until), Unix seconds, by completion; each slice in a snapshot of its own."""
        start, last, length = bound_micros(since), bound_micros(until), FIRST_US
        while self.targets != ():
            with snapshot():
                first = self._next_completion(start, last)
                if first is None:
                    return
                start = min(first + length, last)
                found = self._slice(first, start)
            yield from found
            length = next_length(length, len(found))

    def _slice(self, start: int, end: int) -> list[Observation]:
        """Those of [start, end), microseconds; those of one moment vantage by vantage, in the order they came."""
        within = scope(self.connection, start / 1e6, end / 1e6, vantage=self.vantage, targets=self.targets)
        if within is None:
            return []
        found: list[tuple[float, int, int, Observation]] = []
        for shelf in self.shelves:
            rows = self.connection.execute(f"{shelf.select} WHERE {within.condition}", within.values)
            facts = ((row[2], row[3], shelf.from_row(row, self.glossary)) for row in rows)
            found += [(completed_at(fact), vantage, seq, fact) for vantage, seq, fact in facts]
        found.sort(key=lambda entry: entry[:3])
        return [fact for *_, fact in found]

    def _next_completion(self, start: int, last: int) -> int | None:
        """The first completion in [start, last), so that empty years cost nothing; None: there is none."""
        names = self.targets or ()
        of = "" if self.targets is None else f" WHERE name IN ({', '.join('?' * len(names))})"
        earliest: list[int] = []
        for shelf in self.shelves:
            rows = self.connection.execute(
                f"SELECT (SELECT done FROM {shelf.table} WHERE target = target.id AND done >= ?"  # noqa: S608
                f" ORDER BY done LIMIT 1) FROM target{of}",
                (start, *names),
            )
            earliest += [done for (done,) in rows if done is not None and done < last]
        return min(earliest, default=None)


def next_length(length: int, found: int) -> int:
    """How long the next slice is, microseconds, after one of `length` that had so many facts."""
    wanted = length * FACTS // max(found, 1)
    return max(SHORTEST_US, min(wanted, length * GROWTH, LONGEST_US))
