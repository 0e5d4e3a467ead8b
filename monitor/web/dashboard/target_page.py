"""A target's page: its lanes over one window, what they say in words, and what was known at a chosen moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.model import Incident
from monitor.web.dashboard.lanes import Lane, certificate_lane, dns_lane, path_lane, route_lanes, verdict_lane
from monitor.web.dashboard.moment import Moment, moment_of
from monitor.web.dashboard.overview import still_open
from monitor.web.dashboard.preferences import Preferences
from monitor.web.dashboard.source import Source
from monitor.web.dashboard.state import Level, cell_of, verdict_of
from monitor.web.dashboard.window import Window

MOST_LANES_S = 7 * 86_400.0
"""Changes are looked for in single facts; a longer window has the roll-ups' lanes alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPage:
    """What stands above the lanes, and costs little. `vantage` None: all of them.

    `changes_told`: whether the window is short enough for lanes of changes.
    """

    name: str
    url: str | None
    level: Level
    verdict: str
    vantage: str | None
    vantages: tuple[str, ...]
    window: Window
    incidents: tuple[Incident, ...]
    changes_told: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLanes:
    """What every fact of the window was read for, and what was known at the moment that was chosen."""

    lanes: tuple[Lane, ...]
    moment: Moment | None


def target_page(
    source: Source, name: str, window: Window, vantage: str | None, chosen: Preferences
) -> TargetPage | None:
    """The page; None: neither the configuration nor the history has heard of the target."""
    reader, now = source.reader, source.now()
    target = source.target(name)
    if target is None and name not in (*source.controls, *reader.targets()):
        return None
    newest = reader.newest(now - source.fresh_s(name), now + source.fresh_s(name), target=name)
    cells = tuple(cell_of(one.observation.vantage, one, chosen.language) for one in newest)
    level, verdict = verdict_of(name, still_open(source, now), cells, chosen.language)
    incidents = reader.incidents(window.since, window.until, target=name, as_of=source.as_of)
    return TargetPage(
        name=name,
        url=target.url if target is not None else None,
        level=level,
        verdict=verdict,
        vantage=vantage,
        vantages=tuple(reader.vantages()),
        window=window,
        incidents=tuple(reversed(incidents)),
        changes_told=window.until - window.since <= 1.01 * MOST_LANES_S,
    )


def target_lanes(source: Source, page: TargetPage, chosen: Preferences) -> TargetLanes:
    """The lanes of that page's window."""
    window, reader = page.window, source.reader
    told = [(one, reader.changes(one.id, as_of=source.as_of)) for one in reversed(page.incidents)]
    changes = _lanes_of_changes(source, page.name, window, page.vantage, chosen) if page.changes_told else ()
    moment = None
    if window.at is not None:
        moment = moment_of(source, page.name, window.at, page.incidents, chosen.language)
    return TargetLanes(lanes=(verdict_lane(told, window, chosen), *changes), moment=moment)


def _lanes_of_changes(
    source: Source, name: str, window: Window, vantage: str | None, chosen: Preferences
) -> Sequence[Lane]:
    reader, stretch = source.reader, (window.since, window.until)
    target = source.target(name)
    declared = frozenset(map(int, (target.origins | target.allowed_origins) if target is not None else ()))
    return (
        dns_lane(reader.dns_changes(*stretch, target=name, vantage=vantage), window, chosen),
        path_lane(reader.path_changes(*stretch, target=name, vantage=vantage), window, chosen),
        certificate_lane(reader.certificate_changes(*stretch, target=name, vantage=vantage), window, chosen),
        *route_lanes(reader.visibility(*stretch, target=name), declared, window, chosen),
    )
