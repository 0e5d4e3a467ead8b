"""What happened in an incident, in order: the first bad fact, when each rule first held, each change. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.model import Cause, Incident, IncidentChange
from monitor.report.account import badge
from monitor.report.cause_name import short_name
from monitor.report.headline import witnesses
from monitor.report.safe_text import one_line


def timeline(incident: Incident, changes: Sequence[IncidentChange]) -> list[tuple[float, str]]:
    """Times (Unix seconds) and events in their order."""
    return sorted(_events(incident, changes), key=lambda pair: pair[0])


def _events(incident: Incident, changes: Sequence[IncidentChange]) -> Iterator[tuple[float, str]]:
    if incident.started_at is not None:
        yield incident.started_at, "first bad fact"
    for item in incident.evidence:
        yield item.at, f"{one_line(item.rule, 80)} first held ({item.seen} of {item.of})"
    for change in changes:
        yield change.at, f"{change.kind.value.replace('_', ' ')}: {_state(change)}"


def _state(change: IncidentChange) -> str:
    state = f"{badge(change.incident)}, {witnesses(change.incident)}"
    if change.previous_cause in (None, change.incident.cause, Cause.OK):
        return state
    return f"{state}, before: {short_name(change.previous_cause)}"
