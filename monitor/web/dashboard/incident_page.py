"""An incident's page: the verdict, what speaks for and against it, what happened when, and each vantage's view."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.model import Evidence, Incident
from monitor.report.account import Account, account_of
from monitor.report.circumstances import Circumstances, picture_of
from monitor.report.evidence_words import evidence_text
from monitor.report.headline import began_at
from monitor.report.safe_text import listed, one_line
from monitor.report.sums import CauseSum, sums_of
from monitor.report.timeline import timeline
from monitor.report.vantage_table import VantageRow, vantage_row
from monitor.report.words import Language, labels
from monitor.web.dashboard.ladder import Ladder
from monitor.web.dashboard.path_graph import PathGraph, path_graph
from monitor.web.dashboard.preferences import Preferences
from monitor.web.dashboard.source import Source
from monitor.web.dashboard.state import Level, level_of
from monitor.web.dashboard.ways import ways_during


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
class IncidentPage:
    """`events`: Unix seconds and what happened; `views`: what each vantage saw, the affected first."""

    incident: Incident
    account: Account
    level: Level
    ledger: tuple[Ledger, ...]
    sums: tuple[CauseSum, ...]
    events: tuple[tuple[float, str], ...]
    began_at: float
    views: tuple[VantageRow, ...]
    ladders: tuple[Ladder, ...]
    graph: PathGraph | None


def incident_page(source: Source, incident: Incident, chosen: Preferences) -> IncidentPage:
    """The page of an incident as it is kept, told as of now."""
    now, language = source.now(), chosen.language
    began, end = began_at(incident), incident.closed_at if incident.closed_at is not None else now
    picture = picture_of(incident, source.reader, now)
    sightings = picture.sightings if picture is not None else ()
    ladders = _ladders(source, incident, began, end)
    return IncidentPage(
        incident=incident,
        account=account_of(
            incident,
            timezone=chosen.zone,
            now=now,
            language=language,
            circumstances=Circumstances(picture=picture),
        ),
        level=level_of(incident) if incident.closed_at is None else Level.NONE,
        ledger=tuple(_ledger(number, item, language) for number, item in enumerate(incident.evidence, 1)),
        sums=tuple(sums_of(incident)),
        events=tuple(timeline(incident, source.reader.changes(incident.id, as_of=source.as_of), language)),
        began_at=began,
        views=tuple(vantage_row(one, end, chosen.where, language) for one in sightings),
        ladders=ladders,
        graph=path_graph(ladders, language),
    )


def _ledger(number: int, item: Evidence, language: Language) -> Ledger:
    terms = sorted(item.likelihoods.items(), key=lambda term: -abs(term[1]))
    return Ledger(
        number=number,
        rule=one_line(item.rule, 80),
        group=one_line(item.group, 64),
        weight=item.weight,
        seen=labels.SEEN_OF.text(language, seen=item.seen, of=item.of),
        witnesses=listed(item.witnesses, 30),
        text=one_line(evidence_text(item, language), 1000),
        terms=listed((f"{cause} {value:+.2f}" for cause, value in terms if value), 20),
        at=item.at,
    )


def _ladders(source: Source, incident: Incident, began: float, end: float) -> tuple[Ladder, ...]:
    """The ways of before the trouble beside those of it, the affected vantages' first."""
    if incident.target is None:
        return ()
    found = ways_during(source, incident.target, began, end)
    return tuple(sorted(found, key=lambda one: one.vantage not in incident.affected))
