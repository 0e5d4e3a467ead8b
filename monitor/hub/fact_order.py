"""Puts facts from many sources into the order in which they became known. Pure; time is an argument.

Probes end at different times and route collectors are seconds behind. The engine wants one order, the same
live as in replay, so facts wait for a small grace before they are fed. A fact that comes later than that
is fed late rather than lost, and counted.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable

from monitor.diagnose.fact import Fact, known_at


class FactOrder:
    """A bounded wait: `push` facts as they come, `release` those that nothing earlier should precede."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Fact]] = []
        # Equal times keep the order of arrival, and facts themselves are never compared.
        self._arrival = itertools.count()
        self._released_until = float("-inf")
        self.late = 0
        """How many facts came after later ones had been released."""

    def __len__(self) -> int:
        return len(self._waiting)

    def push(self, facts: Iterable[Fact]) -> None:
        """Take facts in any order."""
        for fact in facts:
            at = known_at(fact)
            self.late += at < self._released_until
            heapq.heappush(self._waiting, (at, next(self._arrival), fact))

    def release(self, until: float) -> list[Fact]:
        """The facts known up to and including `until`, in order; they are forgotten here."""
        released: list[Fact] = []
        while self._waiting and self._waiting[0][0] <= until:
            released.append(heapq.heappop(self._waiting)[2])
        self._released_until = max(self._released_until, until)
        return released
