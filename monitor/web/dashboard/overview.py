"""The first screen: open incidents, each target at each vantage, what the monitor itself is worth just now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitor.model import Cause, FeedState, Incident
from monitor.report.moment import length
from monitor.report.safe_text import one_line
from monitor.report.words import Language, pages
from monitor.web.dashboard.source import FRESH_S, Source
from monitor.web.dashboard.state import Cell, Level, cell_of, verdict_of

CLOSED_S = 86_400.0
MOST_CLOSED = 8
_AHEAD_S = 300.0
"""A clock that is a little ahead elsewhere must not hide the newest facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A target or control: what is concluded of it, and a cell for each vantage."""

    name: str
    level: Level
    verdict: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something about the monitor itself that a reader must know before believing the page."""

    level: Level
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What stands above the grid, and costs little."""

    at: float
    notices: tuple[Notice, ...]
    open_incidents: tuple[Incident, ...]
    closed: tuple[Incident, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class States:
    """The grid: each target at each vantage. `faulty`: vantages whose own fault is known."""

    vantages: tuple[str, ...]
    faulty: frozenset[str]
    rows: tuple[Row, ...]
    controls: tuple[Row, ...]


def overview(source: Source, language: Language) -> Overview:
    """The state now."""
    now = source.now()
    open_incidents = still_open(source, now)
    recent = source.reader.incidents(now - CLOSED_S, now, as_of=source.as_of)
    closed = [one for one in recent if one.closed_at is not None and one.closed_at <= now]
    return Overview(
        at=now,
        notices=tuple(_notices(source, now, language)),
        open_incidents=tuple(reversed(open_incidents)),
        closed=tuple(reversed(closed[-MOST_CLOSED:])),
    )


def states(source: Source, found: Overview, language: Language) -> States:
    """The grid of that moment; reads every request of some minutes."""
    names, now = source.targets(), found.at
    newest = {name: source.reader.newest(now - source.fresh_s(name), now + _AHEAD_S, target=name)
              for name in (*names, *source.controls)}  # fmt: skip
    vantages = tuple(sorted({one.observation.vantage for seen in newest.values() for one in seen}))

    def row(name: str) -> Row:
        by_vantage = {one.observation.vantage: one for one in newest[name]}
        cells = tuple(cell_of(vantage, by_vantage.get(vantage), language) for vantage in vantages)
        level, verdict = verdict_of(name, found.open_incidents, cells, language)
        return Row(name=name, level=level, verdict=verdict, cells=cells)

    return States(
        vantages=vantages,
        faulty=frozenset(_faulty(found.open_incidents)),
        rows=tuple(sorted(map(row, names), key=lambda one: _ORDER[one.level])),
        controls=tuple(map(row, source.controls)),
    )


_ORDER = {Level.BAD: 0, Level.WATCH: 1, Level.NONE: 2, Level.GOOD: 3}


def still_open(source: Source, now: float) -> list[Incident]:
    """Incidents that are open at `now`, oldest first."""
    found = source.reader.incidents(now, now + _AHEAD_S, as_of=source.as_of)
    return [one for one in found if one.opened_at <= now and (one.closed_at is None or one.closed_at > now)]


def _faulty(open_incidents: Sequence[Incident]) -> list[str]:
    return [name for one in open_incidents if one.cause is Cause.VANTAGE_FAULT for name in one.affected]


def _notices(source: Source, now: float, language: Language) -> Iterator[Notice]:
    measured = source.reader.last_measured(now + _AHEAD_S)
    names = (*source.targets(), *source.controls)
    last = max((measured[name] for name in names if name in measured), default=None)
    if last is None:
        yield Notice(level=Level.BAD, text=pages.NO_MEASUREMENT.text(language))
    elif now - last > min(map(source.fresh_s, source.targets()), default=FRESH_S):
        yield Notice(level=Level.BAD, text=pages.NOT_FRESH.text(language, age=length(now - last, language)))
    for state in source.reader.feed_states(now + _AHEAD_S):
        if not state.live:
            yield Notice(level=Level.WATCH, text=_blind(state, language))
    for contact in source.reader.contacts():
        silent_s = now - contact.received_at
        if silent_s > FRESH_S:
            age = length(silent_s, language)
            text = pages.SILENT.text(language, name=one_line(contact.vantage, 64), age=age)
            yield Notice(level=Level.WATCH, text=text)


def _blind(state: FeedState, language: Language) -> str:
    source = one_line(state.source, 100)
    if not state.reason:
        return pages.BLIND.text(language, source=source)
    return pages.BLIND_WHY.text(language, source=source, why=one_line(state.reason, 160))
