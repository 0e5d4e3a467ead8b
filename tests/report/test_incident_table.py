"""The table of incidents says the same of one as its report does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC

import msgspec
from rich.console import Console

from monitor.model import Incident, IncidentChange
from monitor.report.incident_table import incident_table
from monitor.report.text import incident_text


def _drawn(incident: Incident, now: float) -> str:
    console = Console(width=200, color_system=None)
    with console.capture() as capture:
        console.print(incident_table([incident], zone=UTC, now=now))
    return capture.get()


def test_an_incident_lasts_from_its_first_bad_fact(change_of: Callable[[str], IncidentChange]) -> None:
    """Not from the moment when the monitor was sure: users suffered before."""
    opened = change_of("hijack").incident
    incident = msgspec.structs.replace(
        opened, started_at=opened.opened_at - 40.0, closed_at=opened.opened_at + 50.0
    )
    now = opened.opened_at + 1e6

    assert " 90 s " in _drawn(incident, now)
    assert "after 1 min 30 s" in incident_text(incident, timezone="UTC", now=now)


def test_no_confidence_is_shown_as_certainty(change_of: Callable[[str], IncidentChange]) -> None:
    """0.995 is 99%, here as in a mail's subject."""
    incident = msgspec.structs.replace(change_of("hijack").incident, confidence=0.995)

    assert " 99% " in _drawn(incident, incident.opened_at + 10.0)
