"""The stretch of time that a page shows, from its address: `span`, `until`, `at`. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

SPANS = {"1h": 3600.0, "6h": 21_600.0, "24h": 86_400.0, "7d": 604_800.0, "30d": 2_592_000.0}
USUAL_SPAN = "6h"
_BUCKETS = {"1h": 60.0, "6h": 60.0, "24h": 300.0, "7d": 1800.0, "30d": 7200.0}
_LATEST = 253_402_214_400.0  # a datetime ends with the year 9999


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """[since, until) in Unix seconds, `since` a whole bucket; `at`: the chosen moment within, if there is one."""

    span: str
    since: float
    until: float
    bucket_s: float
    at: float | None = None

    def share(self, at: float) -> float:
        """Where a time lies in the window, in percent of it, from 0 to 100."""
        return min(max((at - self.since) / (self.until - self.since), 0.0), 1.0) * 100.0


def window_of(query: Mapping[str, str], now: float, where: tzinfo) -> Window:
    """The window that a page's query asks for; what is no time or span is as if it were not there.

    Times are Unix seconds or ISO 8601; without an offset they are of the zone `where`. A moment outside of the
    window moves it there.
    """
    span = query.get("span", USUAL_SPAN)
    span = span if span in SPANS else USUAL_SPAN
    length, bucket_s = SPANS[span], _BUCKETS[span]
    at = parse_time(query.get("at", ""), where)
    until = parse_time(query.get("until", ""), where) or now
    if at is not None and not until - length <= at <= until:
        until = min(at + length / 2, max(now, at))
    until = min(max(until, length + bucket_s), _LATEST)
    since = math.floor((until - length) / bucket_s) * bucket_s
    return Window(span=span, since=since, until=until, bucket_s=bucket_s, at=at)


def parse_time(text: str, where: tzinfo) -> float | None:
    """Unix seconds of a number or of ISO 8601; None: neither, or beyond what a calendar has."""
    text = text.strip()[:40]
    try:
        found = float(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
            found = (moment if moment.tzinfo is not None else moment.replace(tzinfo=where)).timestamp()
        except (ValueError, OverflowError, OSError):
            return None
    return found if 0.0 < found <= _LATEST else None
