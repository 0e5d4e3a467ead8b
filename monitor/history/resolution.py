"""The store's resolution: wall times and durations as integers, and back to the very same floats.

Wall times of observations are kept to the millisecond, durations and route times to the microsecond, as
probes and collectors give them. A decimal of at most that many places survives exactly: the integer
divided by a power of ten is the double nearest to the decimal, which is what the live value was. (For
microseconds of wall time that holds until the year 2255, where doubles become too coarse for them.)
"""

from __future__ import annotations

from monitor.history.errors import UnstorableFactError

# The last second of year 9999: what ISO 8601 and `datetime` can still write.
MAX_WALL_S = 253_402_300_799.0
# Certificates carry any year; notAfter before 1970 is as valid a statement as one in 9999.
MIN_NOT_AFTER_S = -62_135_596_800.0
# 2**32 s: a DNS TTL's field (RFC 2181 section 8 allows 31 bits of it); as microseconds below 2**53.
MAX_DURATION_S = 4_294_967_296.0


def micros(seconds: float | None) -> int | None:
    """A duration as whole microseconds; None stays None.

    :raises UnstorableFactError: negative, above 2**32 s, or not a number
    """
    if seconds is None:
        return None
    if 0.0 <= seconds <= MAX_DURATION_S:
        return round(seconds * 1e6)
    raise UnstorableFactError(f"a duration of {seconds!r} s is outside 0..{MAX_DURATION_S:.0f}")


def wall_millis(at: float) -> int:
    """A wall time as whole milliseconds.

    :raises UnstorableFactError: before 1970, after year 9999, or not a number
    """
    if 0.0 <= at <= MAX_WALL_S:
        return round(at * 1e3)
    raise UnstorableFactError(f"a time of {at!r} s is outside 0..{MAX_WALL_S:.0f} (years 1970 to 9999)")


def wall_micros(at: float) -> int:
    """A wall time as whole microseconds (collectors with extended timestamps, RFC 6396 section 3).

    :raises UnstorableFactError: before 1970, after year 9999, or not a number
    """
    if 0.0 <= at <= MAX_WALL_S:
        return round(at * 1e6)
    raise UnstorableFactError(f"a time of {at!r} s is outside 0..{MAX_WALL_S:.0f} (years 1970 to 9999)")


def not_after_millis(at: float | None) -> int | None:
    """A certificate's end as whole milliseconds; any year from 1 to 9999.

    :raises UnstorableFactError: outside these years
    """
    if at is None:
        return None
    if MIN_NOT_AFTER_S <= at <= MAX_WALL_S:
        return round(at * 1e3)
    raise UnstorableFactError(f"a certificate's end at {at!r} s is outside years 1 to 9999")


def bound_micros(at: float) -> int:
    """An end of a query's window as microseconds; infinities and far times become the nearest storable one."""
    return round(min(max(at, 0.0), MAX_WALL_S + MAX_DURATION_S + 1) * 1e6)


def day_of(at: float) -> int:
    """The day of a time, days since 1970; 0 for a time that cannot be kept anyway."""
    return int(at // 86_400) if 0.0 <= at <= MAX_WALL_S + MAX_DURATION_S else 0


def seconds(microseconds: int | None) -> float | None:
    """Whole microseconds as seconds; None stays None."""
    return None if microseconds is None else microseconds / 1e6
