"""Incidents and their changes in the store: whole JSON records, beside the columns that are searched."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from monitor.history.errors import HistoryError
from monitor.model import Incident, IncidentChange

_INCIDENT = msgspec.json.Decoder(Incident)
_CHANGE = msgspec.json.Decoder(IncidentChange)
# More incidents than this with one beginning are not listed in the error.
_NAMED_MATCHES = 5


def save(connection: sqlite3.Connection, changes: Sequence[IncidentChange]) -> None:
    """Keep changes, within the caller's transaction; one that is there already stays as it is.

    The incident's row follows the change with the highest sequence, in whatever order they come.
    """
    for change in changes:
        incident = change.incident
        connection.execute(
            "INSERT INTO incident_change (incident, sequence, at, kind, record) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (incident.id, change.sequence, change.at, change.kind.value, msgspec.json.encode(change).decode()),
        )
        connection.execute(
            "INSERT INTO incident (id, target, cause, opened_at, closed_at, sequence, record)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET target = excluded.target,"
            " cause = excluded.cause, opened_at = excluded.opened_at, closed_at = excluded.closed_at,"
            " sequence = excluded.sequence, record = excluded.record WHERE excluded.sequence > incident.sequence",
            (
                incident.id,
                incident.target,
                incident.cause.value,
                incident.opened_at,
                incident.closed_at,
                change.sequence,
                msgspec.json.encode(incident).decode(),
            ),
        )


def still_open(connection: sqlite3.Connection) -> list[tuple[Incident, int]]:
    """Incidents without an end, oldest first, each with the sequence of its last change."""
    rows = connection.execute(
        "SELECT record, sequence FROM incident WHERE closed_at IS NULL ORDER BY opened_at, id"
    ).fetchall()
    return [(_INCIDENT.decode(record), sequence) for record, sequence in rows]


def between(connection: sqlite3.Connection, since: float, until: float, *, open_only: bool) -> list[Incident]:
    """Incidents that were open at some moment of [since, until), oldest first.

    One that turned out to be a share of another is left out: the other tells it. `find` has it.
    """
    rows = connection.execute(
        "SELECT record FROM incident WHERE opened_at < ? AND (closed_at IS NULL OR (closed_at >= ? AND NOT ?))"
        " AND json_extract(record, '$.joined') IS NULL ORDER BY opened_at, id",
        (until, since, open_only),
    ).fetchall()
    return [_INCIDENT.decode(record) for (record,) in rows]


def find(connection: sqlite3.Connection, beginning: str) -> Incident | None:
    """The incident with this id, or the only one whose id begins so; None: there is none.

    :raises HistoryError: several ids begin so
    """
    rows = connection.execute(
        "SELECT id, record FROM incident WHERE id = ?1"
        " UNION ALL SELECT id, record FROM incident WHERE substr(id, 1, length(?1)) = ?1 AND id != ?1"
        " LIMIT ?2",
        (beginning, _NAMED_MATCHES + 1),
    ).fetchall()
    if not rows or not beginning:
        return None
    if len(rows) > 1 and rows[0][0] != beginning:
        names = ", ".join(repr(str(name)[:80]) for name, _ in rows[:_NAMED_MATCHES])
        raise HistoryError(f"{beginning[:80]!r} begins the ids of several incidents: {names}")
    return _INCIDENT.decode(rows[0][1])


def changes_of(connection: sqlite3.Connection, incident_id: str) -> list[IncidentChange]:
    """An incident's changes in their sequence."""
    rows = connection.execute(
        "SELECT record FROM incident_change WHERE incident = ? ORDER BY sequence", (incident_id,)
    ).fetchall()
    return [_CHANGE.decode(record) for (record,) in rows]
