"""Which changes of an incident are worth waking somebody for. Pure."""

from __future__ import annotations

from monitor.model import Cause, ChangeKind, IncidentChange


def worth_telling(change: IncidentChange, *, told_before: bool | None = None) -> bool:
    """Whether people are told of `change`: opened with a cause, cause changed, or closed.

    A cause that is confirmed (suspected before, not now) is a changed cause, even when its name stays.
    `updated` is never told. An incident without a cause is not told until it has one; its close is told
    only if something was: `told_before` says so when the caller knows, else the incident's times do.
    """
    incident = change.incident
    match change.kind:
        case ChangeKind.OPENED:
            return incident.cause is not Cause.INSUFFICIENT
        case ChangeKind.CAUSE_CHANGED:
            return incident.cause is not Cause.INSUFFICIENT or change.previous_cause is not Cause.INSUFFICIENT
        case ChangeKind.CLOSED:
            return _had_a_cause(change) if told_before is None else told_before
        case ChangeKind.UPDATED:
            return False


def _had_a_cause(change: IncidentChange) -> bool:
    """Whether the incident ever had a cause, as far as its own times tell.

    One that ends as `insufficient` and was not opened as that (it was named so later) had another before.
    """
    incident = change.incident
    return incident.cause is not Cause.INSUFFICIENT or incident.named_at > incident.opened_at
