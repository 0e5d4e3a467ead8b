"""What was told before this process: the ledger's pages, made anew from the history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.alert.ledger import FORGET_S, Page, Told
from monitor.history import Reader
from monitor.model import ChangeKind, Incident, IncidentChange

LOOK_BACK_S = 30 * 86_400.0
"""How far back notices are looked at; an incident that is open for longer is told of again, once."""

MOST_INCIDENTS = 500


def pages_of(reader: Reader, now: float) -> Iterator[Page]:
    """A page for each incident that is open, or was until lately, the newest of them.

    :raises HistoryError: the history cannot be read
    """
    last = {incident: (sequence, at) for incident, sequence, at in reader.told(now - LOOK_BACK_S)}
    open_now = [incident for incident, _ in reader.open_incidents()]
    lately = reader.incidents(now - FORGET_S, now + FORGET_S)
    known: dict[str, Incident] = {incident.id: incident for incident in (*open_now, *lately)}
    for identity in list(known)[-MOST_INCIDENTS:]:
        if changes := reader.changes(identity):
            yield _page(changes, last.get(identity))


def _page(changes: Sequence[IncidentChange], told: tuple[int, float] | None) -> Page:
    newest, stated = changes[-1], _stated(changes)
    return Page(
        incident=newest.incident,
        sequence=newest.sequence,
        cause=stated.cause,
        suspected=stated.suspected,
        told=None if told is None else _told(changes, *told),
    )


def _told(changes: Sequence[IncidentChange], sequence: int, at: float) -> Told | None:
    """What readers know who were told of the change `sequence` last."""
    until = [change for change in changes if change.sequence <= sequence]
    if not until:
        return None
    stated = _stated(until)
    return Told(
        at=at,
        cause=stated.cause,
        suspected=stated.suspected,
        closed=until[-1].incident.closed_at is not None,
    )


def _stated(changes: Sequence[IncidentChange]) -> Incident:
    """The incident as its last change that is worth a word has it."""
    worth = [change for change in changes if change.kind is not ChangeKind.UPDATED]
    return (worth or changes)[-1].incident
