"""What BGP says of the target's addresses, as findings."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.diagnose.finding import Finding
from monitor.diagnose.routing import CORRELATION_S, Anomaly, AnomalyKind
from monitor.diagnose.situation import Situation
from monitor.model.evidence import FactRef
from monitor.model.vrp import Validity

_RULES = {
    AnomalyKind.NEW_MORE_SPECIFIC: "routing.new_more_specific",
    AnomalyKind.NEW_ORIGIN: "routing.new_origin",
    AnomalyKind.AUTHORISED: "routing.authorised_origin",
    AnomalyKind.WITHDRAWN: "routing.withdrawn",
}
STIRRED_SHARE = 0.1
"""Paths of so many peers change every hour somewhere; fewer say nothing."""

FEW_PEERS = 2
"""A route that fewer peers carry may be one router's mistake."""


def relevant(situation: Situation) -> list[Anomaly]:
    """The anomalies that stand, or stood while the trouble lasted, the weightiest first."""
    return sorted(situation.routing.anomalies, key=weightiest)


def weightiest(anomaly: Anomaly) -> tuple[bool, int, float, str]:
    """Sorts the anomaly first that a reader should hear of: standing, widest seen, oldest."""
    return not anomaly.active, -anomaly.peers, anomaly.first_at, str(anomaly.prefix)


def detect(situation: Situation) -> Iterator[Finding]:
    """Anomalies, a quiet table, and paths that moved."""
    anomalies = relevant(situation)
    for anomaly in anomalies:
        yield from _anomaly(anomaly)
    routing = situation.routing
    before, _ = CORRELATION_S
    moves = routing.moved_since(situation.onset - before)
    stirred = len(moves) > STIRRED_SHARE * routing.peers
    if situation.trouble and routing.genuine and not anomalies and not stirred:
        yield Finding(rule="routing.quiet", seen=routing.peers, of=routing.peers, at=situation.onset)
    if stirred:
        at, old, new = moves[-1]
        yield Finding(
            rule="routing.path_changed",
            seen=len(moves),
            of=routing.peers,
            at=at,
            share=max(0.4, len(moves) / routing.peers),
            values={"old": str(old or "none"), "new": str(new or "none")},
        )


def _anomaly(anomaly: Anomaly) -> Iterator[Finding]:
    rule = _RULES[anomaly.kind]
    if anomaly.after_withdrawal and anomaly.kind in (AnomalyKind.NEW_MORE_SPECIFIC, AnomalyKind.NEW_ORIGIN):
        rule = "routing.stray_origin"
    values = {
        "prefix": str(anomaly.prefix),
        "origin": f"AS{anomaly.origin}",
        "expected": " or ".join(f"AS{asn}" for asn in sorted(anomaly.expected)) or "unknown",
        "path": str(anomaly.path) if anomaly.path is not None else "no path",
        "rpki": anomaly.validity.value,
    }
    fact = FactRef(kind="route", at=anomaly.first_at, prefix=str(anomaly.prefix))
    yield Finding(
        rule=rule,
        seen=anomaly.peers,
        of=anomaly.peers_of,
        at=anomaly.first_at,
        share=1.0 if anomaly.peers >= FEW_PEERS or anomaly.peers_of <= FEW_PEERS else 0.7,
        values=values,
        facts=(fact,),
    )
    if anomaly.validity is Validity.INVALID:
        yield Finding(
            rule="routing.rpki_invalid",
            seen=anomaly.peers,
            of=anomaly.peers_of,
            at=anomaly.first_at,
            values=values,
            facts=(fact,),
        )
