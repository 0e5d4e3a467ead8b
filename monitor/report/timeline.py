"""What happened in an incident, in order: the first bad fact, when each rule first held, each change. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.model import Cause, Incident, IncidentChange
from monitor.report.account import badge
from monitor.report.cause_name import short_name
from monitor.report.headline import witnesses
from monitor.report.safe_text import one_line
from monitor.report.words import Language, pages


def timeline(
    incident: Incident, changes: Sequence[IncidentChange], language: Language = Language.EN
) -> list[tuple[float, str]]:
    """Times (Unix seconds) and events in their order."""
    return sorted(_events(incident, changes, language), key=lambda pair: pair[0])


def _events(
    incident: Incident, changes: Sequence[IncidentChange], language: Language
) -> Iterator[tuple[float, str]]:
    if incident.started_at is not None:
        yield incident.started_at, pages.FIRST_BAD.text(language)
    for number, item in enumerate(incident.evidence, 1):
        yield item.at, pages.RULE_HELD.text(language, number=number, rule=one_line(item.rule, 80))
    for change in changes:
        yield change.at, pages.HAPPENED[change.kind.value].text(language, state=_state(change, language))


def _state(change: IncidentChange, language: Language) -> str:
    state = f"{badge(change.incident, language)}, {witnesses(change.incident, language)}"
    if change.previous_cause in (None, change.incident.cause, Cause.OK):
        return state
    return pages.STATE_BEFORE.text(
        language, state=state, cause=short_name(change.previous_cause, language=language)
    )
