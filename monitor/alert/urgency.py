"""What may wake somebody, and what is told whoever works on the target. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.model import Cause, Incident
from monitor.model.alert_policy import Severity

# Nobody's own work takes a prefix away or has resolvers lie; and while a server is silent for maintenance, these
# would go unseen.
ATTACKS = frozenset({Cause.ROUTE_HIJACK, Cause.DNS_TAMPERED})

# Nobody can do more about these at night than in the morning, or nothing is broken yet.
_CAN_WAIT = frozenset({
    Cause.INSUFFICIENT, Cause.PATH_CONGESTION, Cause.ROUTE_CHANGE, Cause.ROUTE_MOVED, Cause.VANTAGE_FAULT,
})  # fmt: skip


def targets_of(incident: Incident) -> tuple[str, ...]:
    """The targets that an incident concerns; none when it is a vantage's own."""
    if incident.target is None:
        return ()
    return incident.members or (incident.target,)


def is_urgent(incident: Incident, severities: Mapping[str, Severity]) -> bool:
    """Whether an incident is told in quiet hours. `severities`: of the targets that have another than normal."""
    if incident.target is None:
        return False
    weights = {severities.get(target, Severity.NORMAL) for target in targets_of(incident)}
    if Severity.CRITICAL in weights:
        return True
    return Severity.NORMAL in weights and incident.cause not in _CAN_WAIT


def has_quorum(incident: Incident, quorums: Mapping[str, int]) -> bool:
    """Whether enough vantages see it at any target that it concerns; what few vantages there are is enough.

    `quorums`: of the targets that ask for more than one. An attack needs none: BGP alone may show it.
    """
    if incident.target is None or incident.cause in ATTACKS:
        return True
    seen = {share.target: (len(share.affected), share.vantages) for share in incident.shares}
    whole = (len(incident.affected), incident.vantages)
    return any(
        count >= min(quorums.get(target, 1), max(of, 1))
        for target in targets_of(incident)
        for count, of in [seen.get(target, whole)]
    )
