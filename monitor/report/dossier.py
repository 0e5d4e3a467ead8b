"""An incident with what was measured and heard of it: the account for people who were not there.

A customer, an operator elsewhere, a CERT or the police get the verdict together with what it rests on: who saw it,
who answered, which ways the packets took, which routes were announced, and the very facts that each piece of
evidence refers to. Pure: it is given the facts, keeps bounded parts of them, and draws no conclusion of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from monitor.model import FactRef, Incident, IncidentChange, RouteEvent
from monitor.report.headline import began_at
from monitor.report.sighting import BEFORE_S, Sighting
from probes.observation import (
    DnsObservation,
    HttpObservation,
    NotMeasured,
    Observation,
    TraceObservation,
    completed_at,
    encode,
)

MOST_VANTAGES = 200
MOST_IDENTITIES = 50
MOST_TRACES = 100
MOST_ROUTES = 300
MOST_FACTS = 100
# Evidence refers to a fact by its time, which a person may have rounded.
_SAME_MOMENT_S = 0.002


class IdentitySight(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that answered, and how often: `before` the first bad fact and `since` then."""

    target: str
    spki_sha256: str
    certificate_sha256: str | None
    issuer: str | None
    names: tuple[str, ...]
    chain_sha256: tuple[str, ...]
    not_before: float | None
    not_after: float | None
    before: int
    since: int
    first_at: float
    last_at: float
    vantages: tuple[str, ...]


class WaySight(msgspec.Struct, frozen=True, kw_only=True):
    """A vantage's traceroutes to one address: the last before the first bad fact, and one since then.

    That one differs from the one before, if any did; hops that were silent are no difference.
    """

    vantage: str
    target: str
    address: str | None
    before: TraceObservation | None
    since: TraceObservation | None
    differs: bool


class RouteSight(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a BGP peer."""

    at: float
    kind: str
    prefix: str
    collector: str
    peer: str
    peer_asn: int
    path: str


class RawFact(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that evidence refers to, as its line of JSON; `numbers`: of the evidence, from 1."""

    numbers: tuple[int, ...]
    line: str


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """The incident and its circumstances. `left_out`: how many of a part were too many, by the part's name."""

    incident: Incident
    changes: tuple[IncidentChange, ...]
    made_at: float
    since: float
    until: float
    vantages: tuple[Sighting, ...] = ()
    identities: tuple[IdentitySight, ...] = ()
    ways: tuple[WaySight, ...] = ()
    routes: tuple[RouteSight, ...] = ()
    facts: tuple[RawFact, ...] = ()
    left_out: dict[str, int] = {}


def dossier_of(
    incident: Incident,
    changes: Sequence[IncidentChange],
    sightings: Sequence[Sighting],
    observations: Iterable[Observation],
    routes: Iterable[RouteEvent],
    *,
    now: float,
) -> Dossier:
    """Put together what is told of the incident; facts in the order in which they were complete."""
    gathered = _Gathered(incident)
    for fact in observations:
        gathered.take(fact)
    identities, ways = gathered.identities(), gathered.ways()
    messages, facts = [_route(event) for event in routes], gathered.raw_facts()
    beyond = {
        "vantages": len(sightings) - MOST_VANTAGES,
        "identities": len(identities) - MOST_IDENTITIES,
        "ways": len(ways) - MOST_TRACES,
        "routes": len(messages) - MOST_ROUTES,
        "facts": len(facts) - MOST_FACTS,
    }
    return Dossier(
        incident=incident,
        changes=tuple(changes),
        made_at=now,
        since=began_at(incident) - BEFORE_S,
        until=incident.closed_at if incident.closed_at is not None else now,
        vantages=tuple(sightings[:MOST_VANTAGES]),
        identities=tuple(identities[:MOST_IDENTITIES]),
        ways=tuple(ways[:MOST_TRACES]),
        routes=tuple(messages[:MOST_ROUTES]),
        facts=tuple(facts[:MOST_FACTS]),
        left_out={name: count for name, count in beyond.items() if count > 0},
    )


def _route(event: RouteEvent) -> RouteSight:
    return RouteSight(
        at=event.at, kind=event.kind.value, prefix=str(event.prefix), collector=event.collector, peer=event.peer,
        peer_asn=int(event.peer_asn), path=str(event.path) if event.path is not None else "",
    )  # fmt: skip


@dataclass(slots=True)
class _Identity:
    """One certificate of one member, with a request that showed it."""

    shown: HttpObservation
    counts: list[int] = field(default_factory=lambda: [0, 0])
    last_at: float = 0.0
    vantages: set[str] = field(default_factory=set)


class _Gathered:
    """Reads facts once and keeps what the parts need."""

    def __init__(self, incident: Incident) -> None:
        self._incident = incident
        self._begin = began_at(incident)
        self._members = frozenset(incident.members or ([incident.target] if incident.target else []))
        self._identities: dict[tuple[str, str | None, str | None], _Identity] = {}
        self._before: dict[tuple[str, str, str | None], TraceObservation] = {}
        self._since: dict[tuple[str, str, str | None], tuple[TraceObservation, bool]] = {}
        self._raw: dict[bytes, list[int]] = {}
        self._wanted: dict[tuple[str, str | None], list[tuple[int, FactRef]]] = {}
        for number, evidence in enumerate(incident.evidence, 1):
            for ref in evidence.facts:
                self._wanted.setdefault((ref.kind, ref.vantage), []).append((number, ref))

    def take(self, fact: Observation) -> None:
        """Take the next fact."""
        self._note_raw(fact)
        # Of a sick vantage's incident, which has no target, everything that the vantage measured is told.
        concerns = fact.target in self._members or (not self._members and fact.vantage in self._incident.affected)
        if concerns and isinstance(fact, HttpObservation):
            self._identity(fact)
        elif concerns and isinstance(fact, TraceObservation):
            self._trace(fact)

    def identities(self) -> list[IdentitySight]:
        """In the order in which they were first seen."""
        return [
            IdentitySight(
                target=one.shown.target, spki_sha256=one.shown.spki_sha256 or "",
                certificate_sha256=one.shown.certificate_sha256, issuer=one.shown.issuer,
                names=one.shown.certificate_names, chain_sha256=one.shown.chain_sha256,
                not_before=one.shown.not_before, not_after=one.shown.not_after, before=one.counts[0],
                since=one.counts[1], first_at=one.shown.at, last_at=one.last_at,
                vantages=tuple(sorted(one.vantages)),
            )
            for one in self._identities.values()
        ]  # fmt: skip

    def ways(self) -> list[WaySight]:
        """Those that differ first."""
        found = []
        for who in {**self._before, **self._since}:
            since, differs = self._since.get(who, (None, False))
            vantage, target, address = who
            found.append(
                WaySight(
                    vantage=vantage, target=target, address=address, before=self._before.get(who), since=since,
                    differs=differs,
                )
            )  # fmt: skip
        return sorted(found, key=lambda one: (not one.differs, one.vantage, one.target, one.address or ""))

    def raw_facts(self) -> list[RawFact]:
        """In the order of the facts."""
        return [RawFact(numbers=tuple(numbers), line=line.decode()) for line, numbers in self._raw.items()]

    def _identity(self, fact: HttpObservation) -> None:
        if fact.spki_sha256 is None:
            return
        key = (fact.target, fact.spki_sha256, fact.certificate_sha256)
        identity = self._identities.setdefault(key, _Identity(fact))
        identity.counts[fact.at >= self._begin] += 1
        identity.last_at = fact.at
        identity.vantages.add(fact.vantage)

    def _trace(self, fact: TraceObservation) -> None:
        who = (fact.vantage, fact.target, fact.address)
        if completed_at(fact) < self._begin:
            self._before[who] = fact
            return
        before = self._before.get(who)
        differs = before is not None and _differ(before, fact)
        if not self._since.get(who, (None, False))[1]:
            self._since[who] = (fact, differs)

    def _note_raw(self, fact: Observation) -> None:
        kind = fact.__struct_config__.tag
        for vantage in (fact.vantage, None):
            for number, ref in self._wanted.get((str(kind), vantage), ()):
                if ref.target in (None, fact.target) and abs(_referred_at(fact) - ref.at) <= _SAME_MOMENT_S:
                    numbers = self._raw.setdefault(encode(fact), [])
                    if number not in numbers:
                        numbers.append(number)


def _differ(one: TraceObservation, other: TraceObservation) -> bool:
    """Whether both cannot have gone the same way: other routers at one TTL."""
    known = {hop.ttl: hop.address for hop in one.hops if hop.address is not None}
    return any(hop.address is not None and known.get(hop.ttl, hop.address) != hop.address for hop in other.hops)


def _referred_at(fact: Observation) -> float:
    """The time by which evidence refers to a fact: a traceroute's is its end."""
    match fact:
        case TraceObservation():
            return completed_at(fact)
        case HttpObservation() | DnsObservation() | NotMeasured():
            return fact.at
