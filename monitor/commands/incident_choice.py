"""The INCIDENT that a verb is about: its id, the first letters of it, or `last`."""

from __future__ import annotations

import click

from monitor.history import Reader
from monitor.model import Incident

LAST = "last"


def chosen(reader: Reader, name: str, *, as_of: float | None = None) -> Incident:
    """The incident that the user means, as it was known `as_of`; `last` is the one opened latest.

    :raises click.ClickException: there is none (exit 1)
    :raises HistoryError: several begin so
    """
    then = " yet" if as_of is None else " of before then"
    if name == LAST:
        everything = reader.incidents(0.0, float("inf"), as_of=as_of)
        if not everything:
            raise click.ClickException(f"{reader.place} holds no incident{then}")
        return max(everything, key=lambda incident: incident.opened_at)
    incident = reader.incident(name, as_of=as_of)
    if incident is None:
        raise click.ClickException(
            f"no incident{'' if as_of is None else then} begins with {name[:128]!r} in {reader.place};"
            " see whydown incidents"
        )
    return incident
