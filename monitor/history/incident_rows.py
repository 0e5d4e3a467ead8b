"""Incidents and their changes in the store: whole JSON records, beside the columns that are searched."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from monitor.history.connection import Connection
from monitor.history.errors import HistoryError
from monitor.model import Incident, IncidentChange

_INCIDENT = msgspec.json.Decoder(Incident)
_CHANGE = msgspec.json.Decoder(IncidentChange)
# More incidents than this with one beginning are not listed in the error.
_NAMED_MATCHES = 5


def save(connection: Connection, changes: Sequence[IncidentChange]) -> None:
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


def still_open(connection: Connection) -> list[tuple[Incident, int]]:
    """Incidents without an end, oldest first, each with the sequence of its last change."""
    rows = connection.execute(
        "SELECT record, sequence FROM incident WHERE closed_at IS NULL ORDER BY opened_at, id"
    ).fetchall()
    return [(_INCIDENT.decode(record), sequence) for record, sequence in rows]


def open_at(connection: Connection, at: float) -> list[tuple[Incident, int]]:
    """Incidents that had begun and not ended by the changes up to `at`, as they were then; oldest first.

    An end is dated when the trouble was over, and told later: what counts is when it was told.
    """
    rows = connection.execute(
        "SELECT past.record FROM incident JOIN incident_change AS past ON past.incident = incident.id"
        " WHERE (incident.closed_at IS NULL OR EXISTS (SELECT 1 FROM incident_change AS later"
        " WHERE later.incident = incident.id AND later.at > ?1)) AND past.sequence = (SELECT max(sequence)"
        " FROM incident_change AS until WHERE until.incident = incident.id AND until.at <= ?1)"
        " ORDER BY incident.opened_at, incident.id",
        (at,),
    ).fetchall()
    changes = [_CHANGE.decode(record) for (record,) in rows]
    return [(change.incident, change.sequence) for change in changes if change.incident.closed_at is None]


def changes_since(connection: Connection, since: float) -> list[IncidentChange]:
    """All incidents' changes of `since` and later."""
    rows = connection.execute(
        "SELECT record FROM incident_change WHERE at >= ? ORDER BY at, incident, sequence", (since,)
    ).fetchall()
    return [_CHANGE.decode(record) for (record,) in rows]


def between(
    connection: Connection, since: float, until: float, *, open_only: bool, as_of: float | None
) -> list[Incident]:
    """Incidents that were open at some moment of [since, until), oldest first.

    One that turned out to be a share of another is left out: the other tells it. `find` has it. `as_of`: as they
    were known then, when one that was closed or joined later was neither.
    """
    record = "record" if as_of is None else _KNOWN_THEN
    rows = connection.execute(
        f"SELECT {record} FROM incident WHERE opened_at < ? AND (closed_at IS NULL OR closed_at >= ?)"  # noqa: S608
        " ORDER BY opened_at, id",
        (*_then(as_of), until, since),
    ).fetchall()
    found = [_known(record, as_of) for (record,) in rows]
    return [
        one
        for one in found
        if one is not None
        and one.joined is None
        and (one.closed_at is None or (one.closed_at >= since and not open_only))
    ]


# The last change that was known; NULL: it was not open yet.
_KNOWN_THEN = """(SELECT record FROM incident_change WHERE incident = incident.id
    AND at <= ? ORDER BY sequence DESC LIMIT 1)"""


def _then(as_of: float | None) -> tuple[float, ...]:
    return () if as_of is None else (as_of,)


def _known(record: str | None, as_of: float | None) -> Incident | None:
    """The incident as its own record has it, or the change that was the last one then."""
    if record is None:
        return None
    return _INCIDENT.decode(record) if as_of is None else _CHANGE.decode(record).incident


def find(connection: Connection, beginning: str, *, as_of: float | None) -> Incident | None:
    """The incident with this id, or the only one whose id begins so; None: there is none, or was none `as_of`.

    :raises HistoryError: several ids begin so
    """
    record = "record" if as_of is None else _KNOWN_THEN
    rows = connection.execute(
        f"SELECT id, {record} FROM incident WHERE id = ?"  # noqa: S608
        f" UNION ALL SELECT id, {record} FROM incident WHERE substr(id, 1, length(?)) = ? AND id != ?"
        " LIMIT ?",
        (*_then(as_of), beginning, *_then(as_of), beginning, beginning, beginning, _NAMED_MATCHES + 1),
    ).fetchall()
    if not rows or not beginning:
        return None
    if len(rows) > 1 and rows[0][0] != beginning:
        names = ", ".join(repr(str(name)[:80]) for name, _ in rows[:_NAMED_MATCHES])
        raise HistoryError(f"{beginning[:80]!r} begins the ids of several incidents: {names}")
    return _known(rows[0][1], as_of)


def changes_of(connection: Connection, incident_id: str, *, as_of: float | None) -> list[IncidentChange]:
    """An incident's changes in their sequence, those that were known `as_of`."""
    rows = connection.execute(
        "SELECT record FROM incident_change WHERE incident = ? AND at <= ? ORDER BY sequence",
        (incident_id, math.inf if as_of is None else as_of),
    ).fetchall()
    return [_CHANGE.decode(record) for (record,) in rows]
