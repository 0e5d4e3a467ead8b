"""The sightings of an incident as the cells of a table with bar charts: for mail, page and report. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from functools import partial

from monitor.report.circumstances import Bars, Picture
from monitor.report.headline import failure_name
from monitor.report.moment import as_datetime, milliseconds, zone
from monitor.report.safe_text import listed, one_line
from monitor.report.sighting import Sighting
from monitor.report.sparkline import sparkline
from monitor.report.words import Language

MOST_ROWS = 12
"""Vantages that a mail shows, the affected first; pages have them all."""

_NOTHING = "–"
_MOST_FAILURES = 4


@dataclass(frozen=True, slots=True)
class Change:
    """A duration: what it usually was, and what it was in the trouble."""

    usually: str
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VantageRow:
    """A vantage's cells. `failures`: by name, with how often; `total`: of the whole exchange.

    `heights`: of each bar, 0 to 1 of the picture's highest; None: nothing was measured.
    """

    vantage: str
    target: str
    affected: bool
    failed: str
    failures: str
    first_failed: str
    last_failed: str
    last_good: str
    connect: Change
    wait: Change
    total: Change
    heights: tuple[float | None, ...]

    @property
    def bars(self) -> str:
        """The heights as text."""
        return sparkline((*self.heights, 1.0))[: len(self.heights)]


@dataclass(frozen=True, slots=True, kw_only=True)
class VantageTable:
    """The rows of a picture and how many were left out; `since` and `until` of the bars.

    `top`: what the highest bar stands for; `began`: the place of the first bar of the trouble.
    """

    rows: tuple[VantageRow, ...]
    left_out: int
    since: str
    until: str
    top: str
    began: int


def vantage_table(picture: Picture, timezone: str, language: Language = Language.EN) -> VantageTable:
    """What a mail has room for, with times in the IANA zone `timezone`."""
    where = zone(timezone)
    shown = picture.sightings[:MOST_ROWS]
    day = "%m-%d %H:%M" if picture.until - picture.since > 86_400.0 else "%H:%M"
    top = max((bar for one in shown for bar in picture.bars.get(one.vantage, ()) if bar is not None), default=0.0)
    return VantageTable(
        rows=tuple(
            vantage_row(one, picture.until, where, language, picture.bars.get(one.vantage, ()), top)
            for one in shown
        ),
        left_out=len(picture.sightings) - len(shown),
        since=f"{as_datetime(picture.since, where):{day}}",
        until=f"{as_datetime(picture.until, where):{day} %Z}",
        top=milliseconds(top),
        began=picture.began,
    )


def vantage_row(
    one: Sighting, until: float, where: tzinfo, language: Language = Language.EN, bars: Bars = (), top: float = 0.0
) -> VantageRow:
    """One row; a time has a date where it is of another day than `until`, Unix seconds. `top`: the highest bar."""
    seen = partial(_clock, until=until, where=where)
    failures = (f"{failure_name(word, language)} {count}" for word, count in one.failures.items())
    return VantageRow(
        vantage=one_line(one.vantage, 64),
        target=one_line(one.target, 64),
        affected=one.affected,
        failed=f"{one.failed}/{one.requests}",
        failures=listed(failures, _MOST_FAILURES),
        first_failed=seen(one.first_failed_at),
        last_failed=seen(one.last_failed_at),
        last_good=seen(one.last_good_at),
        connect=Change(milliseconds(one.usual_connect_s), milliseconds(one.connect_s)),
        wait=Change(milliseconds(one.usual_wait_s), milliseconds(one.wait_s)),
        total=Change(milliseconds(one.usual_total_s), milliseconds(one.total_s)),
        heights=tuple(None if bar is None or top <= 0 else bar / top for bar in bars),
    )


def _clock(at: float | None, until: float, where: tzinfo) -> str:
    if at is None:
        return _NOTHING
    local = as_datetime(at, where)
    return f"{local:%H:%M:%S}" if local.date() == as_datetime(until, where).date() else f"{local:%m-%d %H:%M:%S}"
