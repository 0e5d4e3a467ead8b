"""When the round trip of one series moved to another level, up or down, by however little. Pure.

A change *triggers* a closer look; whether it hurts is another question (`Baseline.is_raised`), and what it means
is decided across vantages. This file knows neither targets nor vantages, and no clock: it counts values.

Two one-sided cumulative sums (Page 1954) of scores clipped as Huber does (1964), so that no outlier, however
far, is worth more than `clip`: `limit / (clip - drift)` values in a row are the fewest that can fire, and a
single one or a short burst cannot. Three things are not as in the textbook, because round trips are not as in
the textbook:

- The scale is one for each side, from the quintiles around the median: queues make a long tail above and none
  below, and the MAD, which is of both, calls the tail a change.
- A value is learned only some values later, so that a change does not teach the reference to expect it.
- What is found must also be `scales` away, by its median: sums alone fire on hours of a faint drift.

After a change the reference is what came since: where the sum left zero is the estimate of when it began (Page).
Memory is that of the window; a value costs a few microseconds.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass
from statistics import median

QUINTILE_OF_NORMAL = 0.8416
"""The distance of the outer quintiles of a normal distribution from its median, in standard deviations."""

ENOUGH = 3
"""Values before there is a level that could change."""

WELL_KNOWN = 20
"""Values of a new level before its own scale is believed; until then that of the level before has a part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """What counts as a change. The defaults are those that `tests/bench/latency_trigger.py` found.

    `clip`, `drift`, `limit`: of the sums, in standard deviations. `floor_s`: the least of those.
    `scales`: the least difference of two levels, in standard deviations. `window`: values of the
    reference. `lag`: values that wait before they are learned.
    """

    clip: float = 3.0
    drift: float = 1.5
    limit: float = 8.0
    floor_s: float = 0.0005
    scales: float = 2.0
    window: int = 60
    lag: int = 4


@dataclass(frozen=True, slots=True)
class LatencyChange:
    """A new level, which began `values_ago` values before the newest one. Levels are medians, in seconds."""

    values_ago: int
    before_s: float
    after_s: float


class _Sum:
    """One side's cumulative sum, and the number of values since it left zero."""

    __slots__ = ("count", "total")

    def __init__(self) -> None:
        self.total = 0.0
        self.count = 0

    def add(self, step: float) -> None:
        self.total += step
        self.count += 1
        if self.total <= 0.0:
            self.total, self.count = 0.0, 0


class LatencyChanges:
    """Watches one series. `add` its values in order; seconds."""

    __slots__ = ("_above_s", "_below_s", "_down", "_order", "_sorted", "_tuned", "_up", "_waiting")

    def __init__(self, tuned: Sensitivity = Sensitivity()) -> None:
        self._tuned = tuned
        self._above_s = self._below_s = tuned.floor_s
        self._start(())

    def add(self, value_s: float) -> LatencyChange | None:
        """Take the next value; gives the change that it makes certain."""
        if len(self._order) < ENOUGH:
            self._learn(value_s)
            return None
        centre_s, above_s, below_s = self._level()
        away_s = value_s - centre_s
        clip, drift = self._tuned.clip, self._tuned.drift
        score = max(-clip, min(clip, away_s / (above_s if away_s > 0 else below_s)))
        self._up.add(score - drift)
        self._down.add(-score - drift)
        self._waiting.append(value_s)
        for side, scale_s in ((self._up, above_s), (self._down, below_s)):
            if side.total > self._tuned.limit:
                since = list(self._waiting)[-side.count :]
                after_s = median(since)
                if abs(after_s - centre_s) >= self._tuned.scales * scale_s:
                    self._above_s, self._below_s = above_s, below_s
                    self._start(since)
                    return LatencyChange(len(since) - 1, centre_s, after_s)
        if len(self._waiting) > self._tuned.lag:
            self._learn(self._waiting.popleft())
        return None

    def _start(self, values: list[float] | tuple[()]) -> None:
        self._order: deque[float] = deque()
        self._sorted: list[float] = []
        self._waiting: deque[float] = deque()
        self._up, self._down = _Sum(), _Sum()
        for value in values:
            self._learn(value)

    def _learn(self, value: float) -> None:
        if len(self._order) >= self._tuned.window:
            del self._sorted[bisect_left(self._sorted, self._order.popleft())]
        self._order.append(value)
        insort(self._sorted, value)

    def _level(self) -> tuple[float, float, float]:
        """The median of the reference, and its scale above and below."""
        ordered, count = self._sorted, len(self._sorted)
        centre, fifth = ordered[count // 2], count // 5
        above = (ordered[count - 1 - fifth] - centre) / QUINTILE_OF_NORMAL
        below = (centre - ordered[fifth]) / QUINTILE_OF_NORMAL
        if count < WELL_KNOWN:
            own = count / WELL_KNOWN
            above = own * above + (1.0 - own) * self._above_s
            below = own * below + (1.0 - own) * self._below_s
        floor = self._tuned.floor_s
        return centre, max(above, floor), max(below, floor)
