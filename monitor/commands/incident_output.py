"""Incidents that no history holds, shown: as reports, with every term, or as JSON lines."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import click
import msgspec
from rich.console import Console

from monitor.model.incident import Incident
from monitor.report.explain import explain
from monitor.report.text import incident_text

_PIPE_WIDTH = 110


def show_incidents(
    incidents: Sequence[Incident], timezone: ZoneInfo, *, as_json: bool, explained: bool, terms_by: str
) -> None:
    """Print each incident; `terms_by` is the command that prints all its terms."""
    if as_json:
        for incident in incidents:
            click.echo(msgspec.json.encode(incident))
        return
    if not incidents:
        click.echo("no incident")
    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    for incident in incidents:
        if explained:
            console.print(explain(incident, (), timezone=timezone.key))
        else:
            ended = incident.closed_at if incident.closed_at is not None else incident.updated_at
            click.echo(incident_text(incident, timezone=timezone.key, now=ended, terms_by=terms_by))
