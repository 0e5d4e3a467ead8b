"""The lanes of a target's page: what was concluded, answered, routed and announced, over one axis of time. Pure.

A lane is bands (something lasted), marks (something changed) and steps (a height over time), all placed in percent
of the window, so that a browser draws them at any width without a script.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

from monitor.history.answers import (
    CertificateChange,
    DnsAnswer,
    DnsChange,
    PathChange,
    Visibility,
    VisibilityStep,
)
from monitor.model import Incident, IncidentChange
from monitor.report.account import badge
from monitor.report.moment import clock
from monitor.report.safe_text import listed, one_line
from monitor.report.words import Language, Said, counted, pages
from monitor.web.dashboard.preferences import Preferences
from monitor.web.dashboard.state import Level, level_of
from monitor.web.dashboard.window import Window

MOST_MARKS = 400
MOST_PREFIXES = 12

_Change = TypeVar("_Change", DnsChange, PathChange, CertificateChange)


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """From `left`, `width` wide, `height` high, in percent."""

    left: float
    width: float
    level: Level
    label: str
    height: float = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A change at `left` percent; `at`: Unix seconds."""

    left: float
    at: float
    label: str
    level: Level = Level.WATCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """`said`: the lane in words, for who does not see it. `left_out`: marks beyond MOST_MARKS."""

    name: str
    said: str
    bands: tuple[Band, ...] = ()
    marks: tuple[Mark, ...] = ()
    left_out: int = 0


def verdict_lane(
    incidents: Sequence[tuple[Incident, Sequence[IncidentChange]]], window: Window, chosen: Preferences
) -> Lane:
    """What was concluded: a band for each cause as long as it was the incident's."""
    bands = tuple(band for incident, changes in incidents for band in _verdicts(incident, changes, window, chosen))
    language = chosen.language
    count = counted(pages.COUNT_INCIDENTS, len(incidents), language)
    said = count if incidents else pages.NO_INCIDENTS.text(language)
    return Lane(name=pages.VERDICT.text(language), said=said, bands=bands)


def _verdicts(
    incident: Incident, changes: Sequence[IncidentChange], window: Window, chosen: Preferences
) -> Iterator[Band]:
    stages = _stages(incident, changes)
    end = incident.closed_at if incident.closed_at is not None else window.until
    for (at, stage), (stop, _) in pairwise([*stages, (end, incident)]):
        since, until = clock(at, chosen.where), clock(stop, chosen.where)
        label = pages.STAGE.text(chosen.language, badge=badge(stage, chosen.language), since=since, until=until)
        yield from _band(at, stop, window, level_of(stage), label)


def _stages(incident: Incident, changes: Sequence[IncidentChange]) -> list[tuple[float, Incident]]:
    """From when on it had which cause."""
    stages: list[tuple[float, Incident]] = []
    for change in changes:
        now = change.incident
        if not stages or (stages[-1][1].cause, stages[-1][1].suspected) != (now.cause, now.suspected):
            stages.append((change.at, now))
        else:
            stages[-1] = (stages[-1][0], now)
    return stages or [(incident.opened_at, incident)]


def dns_lane(changes: Sequence[DnsChange], window: Window, chosen: Preferences) -> Lane:
    """Changes of name servers' answers."""

    def told(one: DnsChange) -> str:
        asked = f"{one_line(one.name, 100)} {one_line(one.rrtype, 10)}"
        old, new = _answer(one.old, chosen.language), _answer(one.new, chosen.language)
        return f", {one_line(one.server, 64)}: {asked} {old} → {new}"

    return _changes(pages.DNS_ANSWERS, changes, told, window, chosen)


def path_lane(changes: Sequence[PathChange], window: Window, chosen: Preferences) -> Lane:
    """Changes of traceroutes' paths."""

    def told(one: PathChange) -> str:
        to = one_line(one.address or pages.TO_TARGET.text(chosen.language), 64)
        changed = pages.PATH_CHANGED.text(chosen.language, to=to, hop=_parting(one.old, one.new))
        return f": {changed}"

    return _changes(pages.PATH, changes, told, window, chosen)


def certificate_lane(changes: Sequence[CertificateChange], window: Window, chosen: Preferences) -> Lane:
    """Changes of the certificate; a new key is worse than a renewal."""

    def told(one: CertificateChange) -> str:
        issuer = one_line(one.new.issuer or pages.NOT_KNOWN.text(chosen.language), 120)
        what = pages.OTHER_KEY if one.new_key else pages.RENEWED
        return f": {what.text(chosen.language, issuer=issuer)}"

    lane = _changes(pages.CERTIFICATE, changes, told, window, chosen)
    levels = (Level.BAD if one.new_key else Level.WATCH for one in changes)
    return replace(
        lane, marks=tuple(replace(mark, level=level) for mark, level in zip(lane.marks, levels, strict=False))
    )


def route_lanes(
    seen: Sequence[Visibility], declared: frozenset[int], window: Window, chosen: Preferences
) -> tuple[Lane, ...]:
    """How many BGP peers had each origin of each prefix: a lane each, its height the peers.

    An origin is usual when it is `declared`, or, where nothing is, when it stood at the window's start.
    """
    most = max((step.peers for one in seen for step in one.steps), default=1) or 1
    early = window.since + (window.until - window.since) * 0.05
    lanes = []
    for one in seen[:MOST_PREFIXES]:
        usual = set(one.origins) <= declared if declared else one.steps[0].at <= early
        lanes.append(_route_lane(one, most, Level.GOOD if usual else Level.BAD, window, chosen))
    return tuple(lanes)


def _route_lane(one: Visibility, most: int, level: Level, window: Window, chosen: Preferences) -> Lane:
    name = f"{one_line(one.prefix, 43)} {listed((f'AS{asn}' for asn in one.origins), 4)}"
    language = chosen.language
    ends = [*(step.at for step in one.steps[1:]), window.until]
    bands = tuple(
        replace(band, height=100.0 * step.peers / most)
        for step, end in zip(one.steps, ends, strict=True)
        if step.peers
        for band in _band(step.at, end, window, level, _since(name, step, chosen))
    )
    highest = counted(pages.PEERS, max(step.peers for step in one.steps), language)
    said = pages.AT_MOST.text(language, peers=highest, last=one.steps[-1].peers)
    return Lane(
        name=name, said=pages.UNUSUAL.text(language, seen=said) if level is Level.BAD else said, bands=bands
    )


def _since(name: str, step: VisibilityStep, chosen: Preferences) -> str:
    """How many peers had it, and from when on."""
    peers = counted(pages.PEERS, step.peers, chosen.language)
    return pages.PEERS_FROM.text(chosen.language, name=name, peers=peers, at=clock(step.at, chosen.where))


def _answer(found: DnsAnswer, language: Language) -> str:
    """A name server's answer in a few words."""
    shown = listed(found.answers, 4, limit=60)
    return shown or one_line(found.rcode or pages.NO_ANSWER.text(language), 20)


def _parting(old: Sequence[str | None], new: Sequence[str | None]) -> int:
    """The first TTL at which two paths differ where both are known; where one only ends, its end."""
    for ttl, (before, after) in enumerate(zip(old, new, strict=False), 1):
        if before is not None and after is not None and before != after:
            return ttl
    return min(len(old), len(new)) + 1


def _changes(
    name: Said, changes: Sequence[_Change], told: Callable[[_Change], str], window: Window, chosen: Preferences
) -> Lane:
    """A mark for each change, as far as they are not too many; `told`: what stands behind the vantage."""
    language = chosen.language
    marks = tuple(
        Mark(
            left=window.share(one.first_at),
            at=one.first_at,
            label=_repeated(
                f"{clock(one.first_at, chosen.where)} {one_line(one.vantage, 64)}{told(one)}", one.count, language
            ),
        )
        for one in changes[:MOST_MARKS]
    )
    count = len(changes)
    said = counted(pages.CHANGES, count, language) if count else pages.NO_CHANGE.text(language)
    return Lane(name=name.text(language), said=said, marks=marks, left_out=count - len(marks))


def _repeated(what: str, count: int, language: Language) -> str:
    """With how often, for what happened more than once."""
    return pages.REPEATED.text(language, what=what, count=count) if count > 1 else what


def _band(start: float, stop: float, window: Window, level: Level, label: str) -> Iterator[Band]:
    left, right = window.share(start), window.share(stop)
    if stop > window.since and start < window.until:
        yield Band(left=left, width=max(right - left, 0.15), level=level, label=label)
