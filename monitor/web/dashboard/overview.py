"""The first screen: open incidents, each target at each vantage, what the monitor itself is worth just now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.history.answers import Newest
from monitor.model import Cause, FeedState, Incident
from monitor.report.moment import length
from monitor.web.dashboard.source import FRESH_S, Source
from monitor.web.dashboard.state import Cell, Level, cell_of, verdict_of
from probes.observation import completed_at

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
    """The page. `faulty`: vantages whose own fault is known."""

    at: float
    notices: tuple[Notice, ...]
    open_incidents: tuple[Incident, ...]
    closed: tuple[Incident, ...]
    vantages: tuple[str, ...]
    faulty: frozenset[str]
    rows: tuple[Row, ...]
    controls: tuple[Row, ...]


def overview(source: Source) -> Overview:
    """The state now."""
    now = source.now()
    names = source.targets()
    newest = {name: source.reader.newest(now - source.fresh_s(name), now + _AHEAD_S, target=name)
              for name in (*names, *source.controls)}  # fmt: skip
    open_incidents = still_open(source, now)
    recent = source.reader.incidents(now - CLOSED_S, now)
    closed = [one for one in recent if one.closed_at is not None and one.closed_at <= now]
    vantages = tuple(sorted({one.observation.vantage for found in newest.values() for one in found}))

    def row(name: str) -> Row:
        by_vantage = {one.observation.vantage: one for one in newest[name]}
        cells = tuple(cell_of(vantage, by_vantage.get(vantage)) for vantage in vantages)
        level, verdict = verdict_of(name, open_incidents, cells)
        return Row(name=name, level=level, verdict=verdict, cells=cells)

    return Overview(
        at=now,
        notices=_notices(source, now, [one for found in newest.values() for one in found]),
        open_incidents=tuple(reversed(open_incidents)),
        closed=tuple(reversed(closed[-MOST_CLOSED:])),
        vantages=vantages,
        faulty=frozenset(_faulty(open_incidents)),
        rows=tuple(sorted(map(row, names), key=lambda one: _ORDER[one.level])),
        controls=tuple(map(row, source.controls)),
    )


_ORDER = {Level.BAD: 0, Level.WATCH: 1, Level.NONE: 2, Level.GOOD: 3}


def still_open(source: Source, now: float) -> list[Incident]:
    """Incidents that are open at `now`, oldest first."""
    found = source.reader.incidents(now, now + _AHEAD_S)
    return [one for one in found if one.opened_at <= now and (one.closed_at is None or one.closed_at > now)]


def _faulty(open_incidents: Sequence[Incident]) -> list[str]:
    return [name for one in open_incidents if one.cause is Cause.VANTAGE_FAULT for name in one.affected]


def _notices(source: Source, now: float, newest: Sequence[Newest]) -> tuple[Notice, ...]:
    found: list[Notice] = []
    last = max((completed_at(one.observation) for one in newest), default=None)
    if last is None:
        found.append(Notice(level=Level.BAD, text="No fresh measurement: no monitor writes this history."))
    elif now - last > min(map(source.fresh_s, source.targets()), default=FRESH_S):
        found.append(Notice(level=Level.BAD, text=f"The newest measurement is {length(now - last)} old."))
    found += [_blind(state) for state in source.reader.feed_states(now + _AHEAD_S) if not state.live]
    for contact in source.reader.contacts():
        silent_s = now - contact.received_at
        if silent_s > FRESH_S:
            text = f"The vantage {contact.vantage} is silent: its newest facts came {length(silent_s)} ago."
            found.append(Notice(level=Level.WATCH, text=text))
    return tuple(found)


def _blind(state: FeedState) -> Notice:
    why = f": {state.reason}" if state.reason else ""
    return Notice(level=Level.WATCH, text=f"The route feed {state.source} is blind{why}.")
