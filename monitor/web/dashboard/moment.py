"""A target at one moment: what each vantage was answered, by whom, and by which way. Reads the history."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from monitor.model import Incident
from monitor.report.headline import began_at, failure_name
from monitor.report.moment import milliseconds
from monitor.report.safe_text import listed, one_line
from monitor.report.words import Language, pages
from monitor.web.dashboard.ladder import Ladder
from monitor.web.dashboard.path_graph import PathGraph, path_graph
from monitor.web.dashboard.source import Source
from monitor.web.dashboard.state import Level, cell_of
from monitor.web.dashboard.ways import ways_at, ways_during
from probes.observation import DnsObservation, HttpObservation

DNS_LOOK_BACK_S = 900.0
_PHASES = ("dns", "connect", "tls", "wait", "receive", "total")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A vantage's newest request of before the moment; `phases` as text, in the order of an exchange."""

    vantage: str
    at: float
    level: Level
    outcome: str
    address: str
    phases: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who answered, by certificate, and which vantages it was shown to."""

    key: str
    certificate: str
    issuer: str
    names: str
    not_after: float | None
    vantages: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a name was answered, and by whom."""

    question: str
    answer: str
    servers: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """All of it at `at`, Unix seconds. `incidents`: what was concluded of the target then."""

    at: float
    incidents: tuple[Incident, ...]
    exchanges: tuple[Exchange, ...]
    holders: tuple[Holder, ...]
    answers: tuple[Answer, ...]
    ladders: tuple[Ladder, ...]
    graph: PathGraph | None


def moment_of(source: Source, target: str, at: float, incidents: Iterable[Incident], language: Language) -> Moment:
    """What was last known of a target at `at`; `incidents`: its own, of around then."""
    newest = source.reader.newest(at - source.fresh_s(target), at + 0.001, target=target)
    seen = [one.observation for one in newest]
    exchanges = tuple(
        _exchange(one, cell_of(one.vantage, state, language).level, language)
        for one, state in zip(seen, newest, strict=True)
    )
    known_then = source.reader.incidents(at, at + 0.001, target=target, as_of=at)
    lasting = [one for one in incidents if began_at(one) <= at <= (one.closed_at or math.inf)]
    began = min((began_at(one) for one in lasting), default=None)
    ladders = ways_at(source, target, at) if began is None else ways_during(source, target, began, at)
    return Moment(
        at=at,
        incidents=tuple(one for one in known_then if one.closed_at is None or one.closed_at > at),
        exchanges=exchanges,
        holders=_holders(seen, language),
        answers=_answers(source, target, at, language),
        ladders=ladders,
        graph=path_graph(ladders, language),
    )


def _exchange(seen: HttpObservation, level: Level, language: Language) -> Exchange:
    failure = seen.failure
    outcome = pages.OK.text(language) if failure is None else failure_name(failure.value, language)
    status = f"{seen.status} " if seen.status is not None else ""
    return Exchange(
        vantage=one_line(seen.vantage, 64),
        at=seen.at,
        level=level,
        outcome=status + outcome,
        address=one_line(seen.address or "–", 64),
        phases=tuple(milliseconds(getattr(seen, f"{phase}_s")) for phase in _PHASES),
    )


def _holders(seen: Iterable[HttpObservation], language: Language) -> tuple[Holder, ...]:
    by_certificate: dict[tuple[str, str], list[HttpObservation]] = defaultdict(list)
    for one in seen:
        if one.spki_sha256 or one.certificate_sha256:
            by_certificate[one.spki_sha256 or "", one.certificate_sha256 or ""].append(one)
    found = [
        Holder(
            key=one_line(key, 64),
            certificate=one_line(certificate, 64),
            issuer=one_line(shown[0].issuer or pages.NOT_KNOWN.text(language), 200),
            names=listed(shown[0].certificate_names, 8, limit=80),
            not_after=shown[0].not_after,
            vantages=listed((one.vantage for one in shown), 20),
            count=len(shown),
        )
        for (key, certificate), shown in by_certificate.items()
    ]
    return tuple(sorted(found, key=lambda one: -one.count))


def _answers(source: Source, target: str, at: float, language: Language) -> tuple[Answer, ...]:
    newest: dict[tuple[str, str, str, str], DnsObservation] = {}
    for one in source.reader.observations(at - DNS_LOOK_BACK_S, at, target=target, kind="dns"):
        if isinstance(one, DnsObservation):
            newest[one.vantage, one.server, one.name, one.rrtype] = one
    by_answer: dict[tuple[str, str], list[DnsObservation]] = defaultdict(list)
    for one in newest.values():
        failure = failure_name(one.failure.value, language) if one.failure else pages.NO_ANSWER.text(language)
        said = listed(one.answers, 8, limit=80) or one_line(one.rcode or failure, 40)
        by_answer[f"{one_line(one.name, 200)} {one_line(one.rrtype, 10)}", said].append(one)
    found = [
        Answer(
            question=question,
            answer=said,
            servers=listed(sorted({f"{one.server} ({one.role})" for one in given}), 12, limit=90),
            count=len(given),
        )
        for (question, said), given in by_answer.items()
    ]
    return tuple(sorted(found, key=lambda one: (one.question, -one.count)))
