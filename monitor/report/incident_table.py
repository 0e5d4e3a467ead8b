"""Incidents as a table for a terminal, one a row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from monitor.model import Incident
from monitor.report.cause_name import percent
from monitor.report.headline import began_at, phrase, subject_of, witnesses
from monitor.report.moment import as_datetime
from monitor.report.safe_text import one_line


def incident_table(incidents: Sequence[Incident], *, zone: tzinfo, now: float) -> RenderableType:
    """Oldest first. `now`: Unix seconds, how long an open one has lasted."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title="Incidents", title_justify="left")
    for heading in ("id", "opened", "lasted", "whose", "cause", "conf.", "seen by", "what decides"):
        table.add_column(heading, no_wrap=heading in ("id", "opened", "cause"))
    for incident in incidents:
        is_open = incident.closed_at is None
        lasted = (now if incident.closed_at is None else incident.closed_at) - began_at(incident)
        cause = incident.cause.value + (" (suspected)" if incident.suspected else "")
        table.add_row(
            Text(one_line(incident.id, 40)),
            Text(f"{as_datetime(incident.opened_at, zone):%Y-%m-%d %H:%M:%S}"),
            Text(_span(lasted) + (", open" if is_open else "")),
            Text(subject_of(incident)),
            Text(cause, style="bold red" if is_open else "bold"),
            Text(percent(incident.confidence)),
            Text(witnesses(incident)),
            Text(phrase(incident)),
        )
    return table


def _span(seconds: float) -> str:
    """`42 s`, `7 min`, `3 h 05 min`, `2 d 4 h`."""
    whole = max(round(seconds), 0)
    if whole < 120:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"
