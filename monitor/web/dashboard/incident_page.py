"""An incident's page: the verdict, what speaks for and against it, what happened when, and each vantage's view."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.history.answers import Failures, Latency
from monitor.model import Evidence, Incident
from monitor.report.account import Account, account_of
from monitor.report.headline import began_at
from monitor.report.safe_text import listed, one_line
from monitor.report.sums import CauseSum, sums_of
from monitor.report.timeline import timeline
from monitor.web.dashboard.ladder import Ladder
from monitor.web.dashboard.source import Source
from monitor.web.dashboard.state import Level, level_of, milliseconds, short_failure
from monitor.web.dashboard.ways import ways_during

BEFORE_S = 3600.0
_LEAST_S = 60.0


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


def incident_page(source: Source, incident: Incident, timezone: str) -> IncidentPage:
    """The page of an incident as it is kept, told as of now."""
    now = source.now()
    began, end = began_at(incident), incident.closed_at if incident.closed_at is not None else now
    return IncidentPage(
        incident=incident,
        account=account_of(incident, timezone=timezone, now=now),
        level=level_of(incident) if incident.closed_at is None else Level.NONE,
        ledger=tuple(_ledger(number, item) for number, item in enumerate(incident.evidence, 1)),
        sums=tuple(sums_of(incident)),
        events=tuple(timeline(incident, source.reader.changes(incident.id))),
        began_at=began,
        views=_views(source, incident, began, max(end, began + _LEAST_S)),
        ladders=_ladders(source, incident, began, end),
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


def _views(source: Source, incident: Incident, began: float, end: float) -> tuple[View, ...]:
    """Each vantage that measured the target then, those that were affected first."""
    if incident.target is None:
        return ()
    reader, target = source.reader, incident.target
    failures = _commonest(reader.failures(began, end, target=target))
    start = began - began % 60.0
    before = _medians(reader.latency(start - BEFORE_S, start, target=target, bucket_s=_whole(BEFORE_S)))
    during = _medians(reader.latency(start, end, target=target, bucket_s=_whole(end - start)))
    names = sorted({name for name, _ in (*before, *during)} | set(incident.affected) | set(failures))

    def view(name: str) -> View:
        worst, failed, of = failures.get(name, ("", 0, 0))
        return View(
            vantage=one_line(name, 64),
            affected=name in incident.affected,
            failed=f"{failed} of {of}" if of else "none",
            failure=short_failure(worst),
            connect=(milliseconds(before.get((name, "connect"))), milliseconds(during.get((name, "connect")))),
            wait=(milliseconds(before.get((name, "wait"))), milliseconds(during.get((name, "wait")))),
        )

    return tuple(sorted(map(view, names), key=lambda one: not one.affected))


def _whole(seconds: float) -> float:
    """Buckets of whole minutes, few of them: only the window's own percentiles are looked at."""
    return max(60.0, -(-seconds // 60.0) * 60.0)


def _medians(series: list[Latency]) -> dict[tuple[str, str], float]:
    return {(one.vantage or "", one.phase): one.p50_s for one in series}


def _commonest(found: list[Failures]) -> dict[str, tuple[str, int, int]]:
    """By vantage: the commonest failure of its requests, how many failed in all, and of how many."""
    by_vantage: dict[str, tuple[str, int, int]] = {}
    for one in found:
        if one.kind != "http":
            continue
        word, failed, _ = by_vantage.get(one.vantage, (one.failure.value, 0, 0))
        by_vantage[one.vantage] = (word, failed + one.count, one.of)
    return by_vantage


def _ladders(source: Source, incident: Incident, began: float, end: float) -> tuple[Ladder, ...]:
    """The ways of before the trouble beside those of it, the affected vantages' first."""
    if incident.target is None:
        return ()
    found = ways_during(source, incident.target, began, end)
    return tuple(sorted(found, key=lambda one: one.vantage not in incident.affected))
