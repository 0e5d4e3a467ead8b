"""What simpler tools would say: from routes alone, from probes alone, from what happens at the same time.

Each names at most one cause for the main target of a folder, as an incident that opens at the first sign:

- routes only, as BGPalerter and ARTEMIS do: an origin that is not expected is a hijack, a prefix that most peers
  withdraw is withdrawn; nothing else exists.
- probes only, as blackbox_exporter with an alert rule: three bad exchanges in a row from most vantages, named by
  the failure.
- correlation only: as before, and a hijack when any route to the target changed around that time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from monitor.diagnose.routing import CORRELATION_S
from monitor.model.incident import Incident
from monitor.model.prefix import as_address, contains
from monitor.model.route import RouteEvent
from monitor.model.verdict import Cause, Detail
from monitor.replay import Folder
from probes.observation import HttpObservation

_IN_A_ROW = 3
_SLOW = 4.0  # times the median of what went before
_BY_LAYER = {
    "dns": Cause.DNS_FAILED,
    "tls": Cause.TLS_INVALID,
    "connection_refused": Cause.SERVER_DOWN,
    "connect": Cause.SERVER_DOWN,
    "network": Cause.SERVER_DOWN,
    "read": Cause.SERVER_OVERLOAD,
    "too_slow": Cause.SERVER_OVERLOAD,
    "status": Cause.SERVER_OVERLOAD,
    "body": Cause.SERVER_DOWN,
}


@dataclass(frozen=True, slots=True)
class _Alarm:
    at: float
    cause: Cause
    origin: int | None = None


def routes_only(folder: Folder) -> list[Incident]:
    """The first route by an origin that is not expected, or the loss of most."""
    target = folder.knowledge.targets[0]
    met = {fact.address or "" for fact in _http(folder) if fact.target == target.name}
    addresses = {address for text in met if (address := as_address(text)) is not None}
    table = folder.knowledge.prefix_table
    expected = set(target.origins | target.allowed_origins)
    if not expected and table is not None:
        expected = {asn for address in addresses if (found := table.lookup_prefix(address)) for asn in found[1]}
    have: dict[object, set[tuple[str, str]]] = {}
    peak: dict[object, int] = {}
    for fact in folder.facts:
        if not isinstance(fact, RouteEvent) or not any(contains(fact.prefix, one) for one in addresses):
            continue
        if fact.path is not None and expected and not fact.origins & expected:
            return _incident(folder, _Alarm(fact.at, Cause.ROUTE_HIJACK, min(fact.origins, default=None)))
        peers = have.setdefault(fact.prefix, set())
        (peers.add if fact.path is not None else peers.discard)((fact.collector, fact.peer))
        peak[fact.prefix] = max(peak.get(fact.prefix, 0), len(peers))
        if fact.path is None and len(peers) < 0.4 * peak[fact.prefix]:
            return _incident(folder, _Alarm(fact.at, Cause.ROUTE_WITHDRAWN))
    return []


def probes_only(folder: Folder) -> list[Incident]:
    """Three bad ones in a row from most vantages, by the commonest failure."""
    alarm = _probed(folder)
    return [] if alarm is None else _incident(folder, alarm)


def correlation_only(folder: Folder) -> list[Incident]:
    """As `probes_only`, and a hijack where a route moved at that time."""
    alarm = _probed(folder)
    if alarm is None:
        return []
    before, after = CORRELATION_S
    moved = any(
        isinstance(fact, RouteEvent) and alarm.at - before <= fact.at <= alarm.at + after for fact in folder.facts
    )
    return _incident(folder, _Alarm(alarm.at, Cause.ROUTE_HIJACK) if moved else alarm)


def _probed(folder: Folder) -> _Alarm | None:
    name = folder.knowledge.targets[0].name
    history: dict[str, list[float]] = {}
    bad: dict[str, list[str]] = {}
    for fact in _http(folder):
        if fact.target != name:
            continue
        usual, word = history.setdefault(fact.vantage, []), fact.failure.value if fact.failure else None
        total = fact.total_s or 0.0
        if word is None and len(usual) >= 10 and total > _SLOW * median(usual[-100:]):
            word = "too_slow"
        if word is None:
            usual.append(total)
            bad[fact.vantage] = []
            continue
        bad.setdefault(fact.vantage, []).append(word)
        down = [words for words in bad.values() if len(words) >= _IN_A_ROW]
        if 2 * len(down) > len(history):
            commonest = Counter(words[-1] for words in down).most_common(1)[0][0]
            return _Alarm(fact.at, _cause_of(commonest))
    return None


def _cause_of(word: str) -> Cause:
    return next((cause for start, cause in _BY_LAYER.items() if word.startswith(start)), Cause.SERVER_DOWN)


def _http(folder: Folder) -> Sequence[HttpObservation]:
    return [fact for fact in folder.facts if isinstance(fact, HttpObservation)]


def _incident(folder: Folder, alarm: _Alarm) -> list[Incident]:
    return [
        Incident(
            id="baseline",
            target=folder.knowledge.targets[0].name,
            cause=alarm.cause,
            detail=Detail(origin=alarm.origin),
            confidence=1.0,
            suspected=False,
            opened_at=alarm.at,
            named_at=alarm.at,
            closed_at=None,
            affected=(),
            vantages=0,
            evidence=(),
            runner_up=None,
            missing=None,
            updated_at=alarm.at,
        )
    ]


BASELINES: dict[str, Callable[[Folder], list[Incident]]] = {
    "routes only": routes_only,
    "probes only": probes_only,
    "correlation only": correlation_only,
}
