"""The sightings of a picture as the cells of a table, with a bar chart of each. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.report.circumstances import Picture, Sighting
from monitor.report.moment import as_datetime, zone
from monitor.report.safe_text import one_line
from monitor.report.sparkline import sparkline

MOST_ROWS = 12
"""Vantages that a mail shows, the affected first; a dashboard has them all."""

_NOTHING = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class VantageRow:
    """A vantage's cells. `heights`: of each bar, 0 to 1 of the picture's highest; None: nothing was measured."""

    vantage: str
    affected: bool
    failed: str
    usually: str
    now: str
    last_good: str
    bars: str
    heights: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VantageTable:
    """The rows shown and how many were left out; `since` and `until` of the bars, and what the highest stands for.

    `began`: the place of the first bar of the trouble.
    """

    rows: tuple[VantageRow, ...]
    left_out: int
    since: str
    until: str
    top: str
    began: int


def vantage_rows(picture: Picture, timezone: str) -> VantageTable:
    """The table of `picture`, its times in the IANA zone `timezone`."""
    where = zone(timezone)
    shown = picture.sightings[:MOST_ROWS]
    top = max((bar for one in shown for bar in one.bars if bar is not None), default=0.0)
    day = "%m-%d %H:%M" if picture.until - picture.since > 86_400.0 else "%H:%M"
    return VantageTable(
        rows=tuple(_row(one, top, timezone) for one in shown),
        left_out=len(picture.sightings) - len(shown),
        since=f"{as_datetime(picture.since, where):{day}}",
        until=f"{as_datetime(picture.until, where):{day} %Z}",
        top=_milliseconds(top),
        began=picture.began,
    )


def _row(one: Sighting, top: float, timezone: str) -> VantageRow:
    good = _NOTHING if one.last_good_at is None else f"{as_datetime(one.last_good_at, zone(timezone)):%H:%M:%S}"
    return VantageRow(
        vantage=one_line(one.vantage, 24),
        affected=one.affected,
        failed=f"{one.failed}/{one.rounds}",
        usually=_milliseconds(one.usually_s),
        now=_milliseconds(one.now_s),
        last_good=good,
        bars=sparkline((*one.bars, top))[: len(one.bars)],
        heights=tuple(None if bar is None or top <= 0 else bar / top for bar in one.bars),
    )


def _milliseconds(seconds: float | None) -> str:
    if seconds is None:
        return _NOTHING
    return f"{seconds * 1e3:.0f} ms" if seconds < 9.9995 else f"{seconds:.1f} s"
