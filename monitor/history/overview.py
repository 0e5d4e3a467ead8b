"""The overview: all the answers to one window, gathered for a person or as JSON lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from monitor.history.answers import (
    CertificateChange,
    DnsChange,
    Failures,
    Gap,
    Latency,
    PathChange,
    RouteSummary,
)
from monitor.history.reader import Reader
from monitor.model import Incident


class Section(StrEnum):
    """A part of the overview."""

    LATENCY = "latency"
    FAILURES = "failures"
    PATHS = "paths"
    DNS = "dns"
    CERTIFICATES = "certificates"
    ROUTES = "routes"
    INCIDENTS = "incidents"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked: [since, until) in Unix seconds, one target or all, one vantage or all.

    `by`: some of vantage and phase, which keep latency apart; targets always are. `bucket_s`: of latency
    over time.
    """

    since: float
    until: float
    target: str | None = None
    vantage: str | None = None
    sections: frozenset[Section] = frozenset(Section)
    by: frozenset[str] = frozenset({"vantage", "phase"})
    bucket_s: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The answers; a section that was not asked for is None, one without anything is empty."""

    question: Question
    latency: list[Latency] | None = None
    failures: list[Failures] | None = None
    gaps: list[Gap] | None = None
    paths: list[PathChange] | None = None
    dns: list[DnsChange] | None = None
    certificates: list[CertificateChange] | None = None
    routes: list[RouteSummary] | None = None
    incidents: list[Incident] | None = None

    def answers(self) -> Iterator[msgspec.Struct]:
        """Every answer, section by section; all but incidents carry their section in `view`."""
        for section in (
            self.latency, self.failures, self.gaps, self.paths, self.dns, self.certificates, self.routes,
            self.incidents,
        ):  # fmt: skip
            yield from section or ()


def overview(reader: Reader, question: Question) -> Overview:
    """Ask the history for every section that the question names."""
    wanted = question.sections
    window = (question.since, question.until)
    target, vantage = question.target, question.vantage
    return Overview(
        question=question,
        latency=reader.latency(
            *window, target=target, vantage=vantage, by=question.by | {"target"}, bucket_s=question.bucket_s
        )
        if Section.LATENCY in wanted
        else None,
        failures=reader.failures(*window, target=target, vantage=vantage) if Section.FAILURES in wanted else None,
        gaps=reader.gaps(*window, target=target, vantage=vantage) if Section.FAILURES in wanted else None,
        paths=reader.path_changes(*window, target=target, vantage=vantage) if Section.PATHS in wanted else None,
        dns=reader.dns_changes(*window, target=target, vantage=vantage) if Section.DNS in wanted else None,
        certificates=reader.certificate_changes(*window, target=target, vantage=vantage)
        if Section.CERTIFICATES in wanted
        else None,
        routes=reader.route_events(*window, target=target) if Section.ROUTES in wanted else None,
        incidents=_incidents(reader, question) if Section.INCIDENTS in wanted else None,
    )


def _incidents(reader: Reader, question: Question) -> list[Incident]:
    found = reader.incidents(question.since, question.until, target=question.target)
    return [each for each in found if question.vantage is None or question.vantage in each.affected]
