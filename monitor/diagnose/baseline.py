"""What is usual for one series: a robust centre and spread, learned from clean values only.

Median and MAD (Hampel 1974) because latency has heavy tails and the mean follows them. The spread has a
floor: on a quiet path the MAD is microseconds, and no operator cares about microseconds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque

CAPACITY = 400
"""Values kept for a series: 3.3 hours at one every 30 s."""

ENOUGH = 5
"""Values before a series has a baseline at all; below it, nothing is called unusual."""

SPREAD_EVERY = 8
"""The spread of a window of hundreds hardly moves with one value; working it out was half of all the cost."""

KEPT_LEVELS, LEVELS_APART = 8, 0.05
"""Centres of before that are remembered, and by what share one differs from the next to be another one."""

LEVEL_EVERY = 4
"""Values from one look at the centre to the next."""

LEVEL_LASTS = 2880
"""Values for which a centre of before is remembered: a day at one every 30 s."""

FEWEST_AT_LEVEL, SHARE_AT_LEVEL = 3, 0.1
"""So many of the values kept, and this share of them, make a level as well: that of a name with many addresses may
change before any of them was asked often enough for a centre."""

NORMAL_CONSISTENCY = 1.4826
"""Scales the MAD to the standard deviation of a normal distribution."""


class Baseline:
    """A sliding window of clean values with their median and spread."""

    __slots__ = ("_deviation", "_fresh_until", "_learned", "_levels", "_order", "_sorted")

    def __init__(self) -> None:
        self._order: deque[float] = deque()
        self._sorted: list[float] = []
        self._deviation = 0.0
        self._learned = 0
        self._fresh_until = 0
        self._levels: list[tuple[float, int]] = []

    def __len__(self) -> int:
        """How many values are kept."""
        return len(self._order)

    @property
    def known(self) -> bool:
        """Whether there are enough values to call another one unusual."""
        return len(self._order) >= ENOUGH

    def add(self, value: float) -> None:
        """Learn one clean value; the oldest is forgotten when the window is full."""
        if len(self._order) >= CAPACITY:
            oldest = self._order.popleft()
            del self._sorted[bisect_left(self._sorted, oldest)]
        self._order.append(value)
        insort(self._sorted, value)
        self._learned += 1
        if self.known and self._learned % LEVEL_EVERY == 0:
            self._note_level()

    @property
    def median(self) -> float:
        """The centre; 0.0 when empty."""
        return _middle(self._sorted) if self._sorted else 0.0

    @property
    def deviation(self) -> float:
        """The MAD scaled to a standard deviation, without a floor; at most `SPREAD_EVERY` values old."""
        if self._learned >= self._fresh_until:
            centre = self.median
            distances = sorted(abs(value - centre) for value in self._sorted)
            self._deviation = NORMAL_CONSISTENCY * _middle(distances) if distances else 0.0
            few = len(self._sorted) < 8 * SPREAD_EVERY
            self._fresh_until = self._learned + (1 if few else SPREAD_EVERY)
        return self._deviation

    def is_raised(self, value: float, *, sigmas: float, share: float, floor: float) -> bool:
        """Whether `value` lies above the usual by all of: `sigmas` deviations, `share` of the median, `floor`."""
        if not self.known:
            return False
        median = self.median
        # As nearly always: the spread need not be worked out.
        if value <= median + max(share * median, floor):
            return False
        return value > median + sigmas * self.deviation

    def was_at(self, value: float, slack: float) -> bool:
        """Whether the centre itself was within `slack` of `value` of late, wherever it is by now; or many are."""
        since = self._learned - LEVEL_LASTS
        if any(abs(value - level) <= slack for level, until in self._levels if until >= since):
            return True
        there = bisect_right(self._sorted, value + slack) - bisect_left(self._sorted, value - slack)
        return there >= max(FEWEST_AT_LEVEL, SHARE_AT_LEVEL * len(self._sorted))

    def _note_level(self) -> None:
        """Remember where the centre is: a new level, or the newest one for longer.

        It is one of the values: the mean of the two in the middle may lie between two levels, where none ever was.
        """
        centre = self._sorted[len(self._sorted) // 2]
        if self._levels and abs(centre - self._levels[-1][0]) <= LEVELS_APART * self._levels[-1][0]:
            centre = self._levels.pop()[0]
        self._levels = [*self._levels, (centre, self._learned)][-KEPT_LEVELS:]


def _middle(ordered: list[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
