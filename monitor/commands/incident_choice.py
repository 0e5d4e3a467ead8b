"""The INCIDENT that a verb is about: its id, the first letters of it, or `last`."""

from __future__ import annotations

import click

from monitor.history import Reader
from monitor.model import Incident

LAST = "last"


def chosen(reader: Reader, name: str) -> Incident:
    """The incident that the user means; `last` is the one opened latest.

    :raises click.ClickException: there is none (exit 1)
    :raises HistoryError: several begin so
    """
    if name == LAST:
        everything = reader.incidents(0.0, float("inf"))
        if not everything:
            raise click.ClickException(f"{reader.path} holds no incident yet")
        return max(everything, key=lambda incident: incident.opened_at)
    incident = reader.incident(name)
    if incident is None:
        raise click.ClickException(
            f"no incident begins with {name[:128]!r} in {reader.path}; see whydown incidents"
        )
    return incident
