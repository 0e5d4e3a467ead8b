"""How long exchanges of one series took at each hour of the past weeks: an evening is not a morning. Pure.

Theory of operation. What is usual of late (`baseline`) knows nothing of last night, so the first hour of every
busy evening is news to it. Here each hour of the clock leaves one figure for the round trip and one for the think
time: the median over everything that was answered in it, slow or not, for what is found slow every evening would
else never be learned. What is usual at an hour is then

- the same hour of the week in at least `FEWEST_WEEKS` of the past `WEEKS` weeks, failing that
- the same hour of at least `FEWEST_DAYS` of the past seven days, failing that
- unknown, and everything is as if there were no such table: a young target is not excused from anything.

Of several weeks or days the lower median counts: an hour must have been so mostly, and not once. The hours before
and after count with it, the highest of the three, since no evening begins to the minute, and since the clocks of
most countries step by an hour twice a year.

It can only excuse, and only slowness: a failure is one however regularly it comes.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from math import isnan, nan
from statistics import median
from types import MappingProxyType
from typing import Annotated

import msgspec

HOUR_S = 3600
DAY, WEEK = 24, 168
WEEKS = 3
FEWEST_WEEKS, FEWEST_DAYS = 2, 3

MOST_HOUR = 10_000_000
"""Eleven centuries after 1970: a file that says more is mistaken."""

FEWEST_VALUES = 5
"""Exchanges of an hour before it has a figure."""

MOST_VALUES = 720
"""Values of the present hour that are kept: one each 5 s; of more every second one, then every fourth."""

MOST_LATE = 200
"""Exchanges in a row that come too late: more than a backlog brings between two fresh ones."""

KEPT_HOURS = WEEKS * WEEK + 2
"""Those of the past weeks, and the hour beside the oldest."""


class PastHour(msgspec.Struct, frozen=True, kw_only=True):
    """One hour of one series, as it is told to an engine that was not there: medians in seconds, None: unknown.

    `hour`: how many hours of Unix time lie before it.
    """

    target: str
    vantage: str
    hour: Annotated[int, msgspec.Meta(ge=0, le=MOST_HOUR)]
    rtt_s: Annotated[float, msgspec.Meta(ge=0.0, le=HOUR_S)] | None = None
    think_s: Annotated[float, msgspec.Meta(ge=0.0, le=HOUR_S)] | None = None


def comparable(since: int, until: int, first: int) -> list[range]:
    """The hours, from `first` on and before `since`, that what is usual in [since, until) is told by."""
    asked = range(since, until)
    back = [*(WEEK * n for n in range(1, WEEKS + 1)), *(DAY * n for n in range(1, WEEK // DAY + 1))]
    wanted = {hour - less + beside for hour in asked for less in back for beside in (-1, 0, 1)}
    found: list[range] = []
    for hour in sorted(hour for hour in wanted if first <= hour < since):
        if found and found[-1].stop == hour:
            found[-1] = range(found[-1].start, hour + 1)
        else:
            found.append(range(hour, hour + 1))
    return found


class UsualHours:
    """The hours of one series; some 4 kB once the first has passed."""

    __slots__ = ("_late", "_newest", "_rtt", "_think")

    def __init__(self) -> None:
        self._late = 0
        self._newest: int | None = None
        self._rtt, self._think = _Figure(), _Figure()

    def recall(self, past: PastHour) -> None:
        """Take in an hour of before; those of a series in order of time."""
        self._advance(past.hour)
        self._rtt.put(past.hour, past.rtt_s)
        self._think.put(past.hour, past.think_s)

    def add(self, at: float, rtt_s: float | None, think_s: float | None) -> None:
        """Take in an exchange that was known at a time; one of an hour that is over comes too late.

        When nothing else comes any more it was the newest hour that was wrong, by a clock, and all begins anew.
        """
        hour = int(at // HOUR_S)
        if self._newest is not None and hour < self._newest:
            self._late += 1
            if self._late < MOST_LATE:
                return
            self._newest, self._rtt, self._think = None, _Figure(), _Figure()
        self._late = 0
        self._advance(hour)
        self._rtt.add(rtt_s)
        self._think.add(think_s)

    def rtt_s(self, at: float) -> float | None:
        """The round trip that is usual at this hour of the week, in seconds; None: not known."""
        return self._rtt.usual(int(at // HOUR_S))

    def think_s(self, at: float) -> float | None:
        """The think time that is usual at this hour of the week, in seconds; None: not known."""
        return self._think.usual(int(at // HOUR_S))

    def _advance(self, hour: int) -> None:
        if self._newest is not None and hour > self._newest:
            self._rtt.turn(self._newest, hour)
            self._think.turn(self._newest, hour)
        self._newest = hour if self._newest is None else max(self._newest, hour)


class _Figure:
    """One figure of all hours: a ring of medians (not a number: unknown), and the values of the present hour."""

    __slots__ = ("_asked", "_cells", "_left_out", "_stride", "_values")

    def __init__(self) -> None:
        self._cells: array[float] | None = None
        self._values: array[float] = array("f")
        self._stride, self._left_out = 1, 0
        self._asked: tuple[int, float | None] | None = None

    def add(self, value: float | None) -> None:
        """Take in a value of the present hour; of very many every other one is kept."""
        if value is None:
            return
        self._left_out += 1
        if self._left_out < self._stride:
            return
        self._left_out = 0
        self._values.append(value)
        if len(self._values) > MOST_VALUES:
            self._values, self._stride = self._values[::2], 2 * self._stride

    def put(self, hour: int, value: float | None) -> None:
        """The median of an hour that is over; None: not known."""
        if self._cells is None:
            self._cells = array("f", [nan]) * KEPT_HOURS
        self._asked = None
        self._cells[hour % KEPT_HOURS] = nan if value is None else value

    def turn(self, hour: int, later: int) -> None:
        """The present hour is over, and it is `later` now; nothing is known of the hours between."""
        self.put(hour, median(self._values) if len(self._values) >= FEWEST_VALUES else self._at(hour))
        for missed in range(hour + 1, min(later, hour + KEPT_HOURS) + 1):
            self.put(missed, None)
        self._values, self._stride, self._left_out = array("f"), 1, 0

    def usual(self, hour: int) -> float | None:
        """What the same hour was like in weeks before, else on days before; None: too few of both."""
        if self._asked is None or self._asked[0] != hour:
            self._asked = (hour, self._usual(hour))
        return self._asked[1]

    def _usual(self, hour: int) -> float | None:
        weeks = self._around(hour - WEEK * back for back in range(1, WEEKS + 1))
        if len(weeks) >= FEWEST_WEEKS:
            return _lower_median(weeks)
        days = self._around(hour - DAY * back for back in range(1, WEEK // DAY + 1))
        return _lower_median(days) if len(days) >= FEWEST_DAYS else None

    def _around(self, hours: Iterable[int]) -> list[float]:
        """The highest figure of each hour and its neighbours, where any is known."""
        if self._cells is None:
            return []
        found = []
        for hour in hours:
            near = [v for beside in (-1, 0, 1) if (v := self._at(hour + beside)) is not None]
            if near:
                found.append(max(near))
        return found

    def _at(self, hour: int) -> float | None:
        value = nan if self._cells is None else self._cells[hour % KEPT_HOURS]
        return None if isnan(value) else value


def _lower_median(values: list[float]) -> float:
    return sorted(values)[(len(values) - 1) // 2]


PastHours = Mapping[tuple[str, str], UsualHours]
"""By target and vantage: what an engine was told of before its first fact."""

NO_PAST: PastHours = MappingProxyType({})


def by_series(hours: Iterable[PastHour]) -> PastHours:
    """Hours of any order, each in its series; in a twentieth of their space."""
    found: dict[tuple[str, str], UsualHours] = {}
    for past in sorted(hours, key=lambda one: one.hour):
        found.setdefault((past.target, past.vantage), UsualHours()).recall(past)
    return found
