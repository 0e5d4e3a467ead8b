"""The two clocks of a measurement, at the resolution that facts are kept in.

Wall time stamps a fact (`wall`, Unix seconds UTC, to the millisecond); the monotonic clock measures a
duration (`elapsed`, seconds, to the microsecond). Rounding here, where facts are made, keeps a stored
fact equal to the live one.
"""

from __future__ import annotations

import time


def wall() -> float:
    """Now, Unix seconds UTC, to the millisecond."""
    return round(time.time(), 3)


def monotonic() -> float:
    """A point on the monotonic clock, seconds; only differences mean anything."""
    return time.perf_counter()


def duration(seconds: float) -> float:
    """A duration to the microsecond, never negative."""
    return round(max(seconds, 0.0), 6)


def elapsed(start: float, end: float | None = None) -> float:
    """Seconds from `start` to `end` (default: now) on the monotonic clock, to the microsecond."""
    return duration((monotonic() if end is None else end) - start)
