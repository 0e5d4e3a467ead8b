"""An incident's page: the verdict, what speaks for and against it, what happened when, and each vantage's view."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.model import Evidence, Incident
from monitor.report.account import Account, account_of
from monitor.report.circumstances import Circumstances, Picture, picture_of
from monitor.report.headline import began_at
from monitor.report.safe_text import listed, one_line
from monitor.report.sums import CauseSum, sums_of
from monitor.report.timeline import timeline
from monitor.web.dashboard.ladder import Ladder
from monitor.web.dashboard.path_graph import PathGraph, path_graph
from monitor.web.dashboard.source import Source
from monitor.web.dashboard.state import Level, level_of, milliseconds, short_failure
from monitor.web.dashboard.ways import ways_during

BEFORE_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """One evidence rule with all that it said. `terms`: log-likelihoods by cause, as text."""

    number: int
    rule: str
    group: str
    weight: float
    seen: str
    witnesses: str
    text: str
    terms: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one vantage saw: before the trouble and during it."""

    vantage: str
    affected: bool
    failed: str
    failure: str
    last_good_at: float | None
    connect: tuple[str, str]
    wait: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentPage:
    """`target`: whose page tells more; None: a vantage's own fault. `window_end`: of what the page looked at."""

    incident: Incident
    account: Account
    level: Level
    ledger: tuple[Ledger, ...]
    sums: tuple[CauseSum, ...]
    events: tuple[tuple[float, str], ...]
    began_at: float
    views: tuple[View, ...]
    ladders: tuple[Ladder, ...]
    graph: PathGraph | None


def incident_page(source: Source, incident: Incident, timezone: str) -> IncidentPage:
    """The page of an incident as it is kept, told as of now."""
    now = source.now()
    began, end = began_at(incident), incident.closed_at if incident.closed_at is not None else now
    picture = picture_of(incident, source.reader, now)
    ladders = _ladders(source, incident, began, end)
    return IncidentPage(
        incident=incident,
        account=account_of(incident, timezone=timezone, now=now, circumstances=Circumstances(picture=picture)),
        level=level_of(incident) if incident.closed_at is None else Level.NONE,
        ledger=tuple(_ledger(number, item) for number, item in enumerate(incident.evidence, 1)),
        sums=tuple(sums_of(incident)),
        events=tuple(timeline(incident, source.reader.changes(incident.id, as_of=source.as_of))),
        began_at=began,
        views=_views(source, incident, picture, end),
        ladders=ladders,
        graph=path_graph(ladders),
    )


def _ledger(number: int, item: Evidence) -> Ledger:
    terms = sorted(item.likelihoods.items(), key=lambda term: -abs(term[1]))
    return Ledger(
        number=number,
        rule=one_line(item.rule, 80),
        group=one_line(item.group, 64),
        weight=item.weight,
        seen=f"{item.seen} of {item.of}",
        witnesses=listed(item.witnesses, 30),
        text=one_line(item.text, 1000),
        terms=listed((f"{cause} {value:+.2f}" for cause, value in terms if value), 20),
        at=item.at,
    )


def _views(source: Source, incident: Incident, picture: Picture | None, end: float) -> tuple[View, ...]:
    """Each vantage that measured the target then, those that were affected first."""
    if picture is None:
        return ()
    began = began_at(incident)
    start = began - began % 60.0
    before = _medians(source, picture.target, start - BEFORE_S, start)
    during = _medians(source, picture.target, start, max(end, start + 60.0))
    return tuple(
        View(
            vantage=one_line(one.vantage, 64),
            affected=one.affected,
            failed=f"{one.failed} of {one.rounds}",
            failure=short_failure(one.failure or ""),
            last_good_at=one.last_good_at,
            connect=_from_to(before, during, one.vantage, "connect"),
            wait=_from_to(before, during, one.vantage, "wait"),
        )
        for one in picture.sightings
    )


_Medians = dict[tuple[str | None, str], float]


def _medians(source: Source, target: str, since: float, until: float) -> _Medians:
    """The median of each phase by vantage. One bucket: only the whole window's figures are looked at."""
    bucket_s = max(60.0, -(-(until - since) // 60.0) * 60.0)
    series = source.reader.latency(since, until, target=target, bucket_s=bucket_s)
    return {(one.vantage, one.phase): one.p50_s for one in series}


def _from_to(before: _Medians, during: _Medians, vantage: str, phase: str) -> tuple[str, str]:
    return milliseconds(before.get((vantage, phase))), milliseconds(during.get((vantage, phase)))


def _ladders(source: Source, incident: Incident, began: float, end: float) -> tuple[Ladder, ...]:
    """The ways of before the trouble beside those of it, the affected vantages' first."""
    if incident.target is None:
        return ()
    found = ways_during(source, incident.target, began, end)
    return tuple(sorted(found, key=lambda one: one.vantage not in incident.affected))
