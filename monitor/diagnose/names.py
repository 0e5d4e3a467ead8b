"""What name servers say of a target's name: failing, and saying something else than its own servers do. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.bgp.address_owners import Owners
from monitor.diagnose.name_agreement import Agreement, compare
from monitor.model.prefix import as_address
from probes.observation import DnsObservation, Failure

KEPT_ADDRESSES = 4096
"""Answers remembered for one target; a large CDN rotates through hundreds."""

_ADDRESS_TYPES = ("A", "AAAA")


@dataclass(frozen=True, slots=True)
class Tampered:
    """A recursive answer that the zone's own servers never gave."""

    vantage: str
    server: str
    answers: tuple[str, ...]
    reason: str
    at: float


_Question = tuple[str, str, str, str]
"""Vantage, server, transport, type."""


class NameMemory:
    """The latest answer per vantage, server, transport and type, and what the zone's own servers ever gave."""

    def __init__(self) -> None:
        self._latest: dict[_Question, tuple[DnsObservation, float]] = {}
        self._answered: dict[_Question, bool] = {}
        self._authoritative: dict[str, float] = {}

    def add(self, observation: DnsObservation, known_at: float) -> None:
        """Take one observation."""
        key = (observation.vantage, observation.server, observation.transport, observation.rrtype)
        self._latest[key] = (observation, known_at)
        if observation.failure is not None or observation.rrtype not in _ADDRESS_TYPES:
            return
        self._answered[key] = True
        if observation.role == "authoritative":
            self._authoritative.update(dict.fromkeys(filter(as_address, observation.answers), known_at))
        while len(self._authoritative) > KEPT_ADDRESSES:
            del self._authoritative[next(iter(self._authoritative))]

    def failing(self, since: float) -> dict[str, DnsObservation]:
        """Vantage to a failed answer, where every server of one role that used to answer failed since `since`."""
        by_vantage: dict[tuple[str, str], list[DnsObservation]] = {}
        for key, (observation, known_at) in self._latest.items():
            if known_at >= since and self._answered.get(key, observation.rrtype == "A"):
                by_vantage.setdefault((observation.vantage, observation.role), []).append(observation)
        failed = {}
        for (vantage, _role), latest in by_vantage.items():
            bad = [observation for observation in latest if _is_failure(observation)]
            if bad and len(bad) == len(latest):
                failed[vantage] = bad[0]
        return failed

    def asked_since(self, since: float) -> frozenset[str]:
        """The vantages that asked any server since `since`."""
        return frozenset(key[0] for key, (_, known_at) in self._latest.items() if known_at >= since)

    def tampered(self, since: float, table: Owners | None) -> list[Tampered]:
        """Recursive answers since `since` that contradict what the zone's own servers say."""
        own = [latest for latest, _ in self._latest.values() if latest.role == "authoritative"]
        if not own or table is None:
            return []
        found = []
        for observation, known_at in self._latest.values():
            if known_at < since or observation.role != "recursive" or not observation.answers:
                continue
            compared = compare(
                observation,
                own,
                networks=lambda text: table.lookup(text) or () if as_address(text) is not None else (),
                earlier=self._authoritative,
            )
            if compared is not None and compared.agreement is Agreement.CONTRADICTS:
                found.append(
                    Tampered(
                        observation.vantage, observation.server, observation.answers, compared.reason, known_at
                    )
                )
        return found


def _is_failure(observation: DnsObservation) -> bool:
    return observation.failure is not None and observation.failure is not Failure.MONITOR_FAULT
