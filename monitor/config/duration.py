"""Durations as people write them in the file: `"30s"`, `"250ms"`, `"1h"`, or a number of seconds.

Values inside the program are float seconds; this is the one place that knows the units' letters.
"""

from __future__ import annotations

import math
import re

from monitor.config.table import Reader, UnfitError

MINUTE = 60.0
HOUR = 3600.0
DAY = 86400.0

_UNITS = {"ms": 0.001, "s": 1.0, "m": MINUTE, "h": HOUR, "d": DAY}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(ms|s|m|h|d)")


def parse_duration(text: str) -> float:
    """Read `"30s"`, `"1.5h"`, `"250ms"`, `"5m"` or `"1d"` as seconds.

    :raises ValueError: not a number followed by one of the units ms, s, m, h, d
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not a duration: {text[:40]!r}")
    return float(match[1]) * _UNITS[match[2]]


def format_duration(seconds: float) -> str:
    """Write seconds in the largest unit that keeps them a whole number, else in seconds or milliseconds."""
    for unit in ("d", "h", "m", "s"):
        count = seconds / _UNITS[unit]
        if count >= 1 and count == int(count):
            return f"{int(count)}{unit}"
    return f"{seconds:g}s" if seconds >= 1 else f"{seconds * 1000:g}ms"


def duration(least: float, most: float) -> Reader[float]:
    """A reader of durations from `least` to `most` seconds, both included."""
    allowed = f'a duration from {format_duration(least)} to {format_duration(most)}, such as "30s" or "5m"'

    def read(value: object) -> float:
        """Seconds."""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise UnfitError(allowed)
        try:
            # Compared before it is made a float: an integer of the file may be too large for one.
            seconds = parse_duration(value) if isinstance(value, str) else value
        except ValueError as error:
            raise UnfitError(allowed) from error
        if not least <= seconds <= most or math.isnan(seconds):
            raise UnfitError(allowed)
        return float(seconds)

    return read
