"""Taking shipments in: which facts are new, what is settled now, and what the vantage's clock says.

All in the caller's transaction with the facts themselves, so that after any crash either both are there or
neither. What was settled is kept as ranges of numbers (`settled`); `settled_below` lets the gaps that a full
spool left behind be forgotten, so a vantage has a handful of ranges, not one for each gap of its life.
"""

from __future__ import annotations

from collections.abc import Iterable

from monitor.history.clock_offset import ClockOffset
from monitor.history.connection import Connection
from monitor.history.errors import TooManyGapsError
from monitor.history.number_ranges import Range, contains, united
from monitor.history.resolution import bound_micros, wall_millis
from monitor.history.shipment import Contact, Shipment, Taken

MOST_GAPS = 10_000
"""Ranges of one vantage: two lanes and what is on its way make some ten. Each is a row of 15 bytes."""

_REASON = 300

_MOMENTS_MS = 5_000
"""Shipments that follow each other within this share a row: a vantage of 200 targets sends seven facts a second,
and a row for each shipment would be four bytes a fact."""


def unsettled(connection: Connection, vantage: int, numbers: Iterable[int]) -> set[int]:
    """Those of the numbers that were not settled before."""
    wanted = set(numbers)
    if not wanted:
        return wanted
    known = _near(connection, vantage, min(wanted), max(wanted))
    return {number for number in wanted if not contains(known, number)}


def settle(connection: Connection, vantage: int, numbers: Iterable[int], below: int) -> None:
    """Note that these numbers and all lower than `below` need not be sent again.

    :raises TooManyGapsError: there would be more than MOST_GAPS ranges
    """
    added: list[Range] = [(number, number) for number in numbers]
    if below > 1:
        added.append((1, below - 1))
    if not added:
        return
    before = _near(connection, vantage, min(low for low, _ in added), max(high for _, high in added))
    after = united([*before, *added])
    gone, new = set(before).difference(after), set(after).difference(before)
    connection.executemany(
        "DELETE FROM settled WHERE vantage = ? AND low = ?", [(vantage, low) for low, _ in gone]
    )
    connection.executemany(
        "INSERT INTO settled (vantage, low, high) VALUES (?, ?, ?)", [(vantage, *pair) for pair in new]
    )
    if len(new) > len(gone):
        (count,) = connection.execute("SELECT count(*) FROM settled WHERE vantage = ?", (vantage,)).fetchone()
        if count > MOST_GAPS:
            raise TooManyGapsError(f"a vantage's numbers would have {count} gaps; at most {MOST_GAPS} are kept")


def note(connection: Connection, vantage: int, shipment: Shipment, first: int, taken: Taken) -> None:
    """Keep when the shipment came, by both clocks. `first`: the number of its first fresh fact in the store."""
    received = wall_millis(shipment.received_at)
    if taken.fresh:
        _note_receipt(connection, vantage, shipment, first, len(taken.fresh))
    offset = _offset_after(connection, vantage, shipment)
    refusal = taken.refused[-1].reason[:_REASON] if taken.refused else None
    connection.execute(
        "INSERT INTO contact (vantage, received, shipments, facts, repeated, refused, refusal,"
        " offset_since, offset_least, offset_before) VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (vantage) DO UPDATE SET received = excluded.received, shipments = contact.shipments + 1,"
        " facts = contact.facts + excluded.facts, repeated = contact.repeated + excluded.repeated,"
        " refused = contact.refused + excluded.refused, refusal = coalesce(excluded.refusal, contact.refusal),"
        " offset_since = excluded.offset_since, offset_least = excluded.offset_least,"
        " offset_before = excluded.offset_before",
        (vantage, received, len(taken.fresh), taken.repeated, len(taken.refused), refusal)
        + ((None, None, None) if offset is None else (offset.since, offset.least_s, offset.before_s)),
    )


def _note_receipt(connection: Connection, vantage: int, shipment: Shipment, first: int, count: int) -> None:
    """Keep when these facts came: in the row of those before them, where they followed within moments."""
    received = wall_millis(shipment.received_at)
    joined = connection.execute(
        "UPDATE shipment SET count = count + ?1 WHERE vantage = ?2 AND received > ?3 AND received <= ?4"
        " AND first = (SELECT max(first) FROM shipment WHERE vantage = ?2) AND first + count = ?5",
        (count, vantage, received - _MOMENTS_MS, received, first),
    ).rowcount
    if not joined:
        sent = None if shipment.sent_at is None else wall_millis(shipment.sent_at)
        connection.execute(
            "INSERT INTO shipment (vantage, first, count, received, sent) VALUES (?, ?, ?, ?, ?)",
            (vantage, first, count, received, sent),
        )


def forget(connection: Connection, before: float) -> None:
    """Forget shipments from before `before` (Unix seconds), and the vantages that sent nothing since."""
    limit = bound_micros(before) // 1000
    connection.execute("DELETE FROM shipment WHERE received < ?", (limit,))
    connection.execute(
        "DELETE FROM settled WHERE vantage IN (SELECT vantage FROM contact WHERE received < ?)", (limit,)
    )
    connection.execute("DELETE FROM contact WHERE received < ?", (limit,))


def contacts(connection: Connection) -> list[Contact]:
    """All vantages that ever shipped, by name."""
    rows = connection.execute(
        "SELECT name, received, shipments, facts, repeated, refused, refusal, offset_since, offset_least,"
        " offset_before FROM contact JOIN vantage ON vantage.id = contact.vantage ORDER BY name"
    )
    return [
        Contact(
            vantage=name,
            received_at=received / 1e3,
            clock_ahead_s=None if since is None else -ClockOffset(since, least, before).estimate_s,
            shipments=shipments,
            facts=facts,
            repeated=repeated,
            refused=refused,
            refusal=refusal,
        )
        for name, received, shipments, facts, repeated, refused, refusal, since, least, before in rows
    ]


def _near(connection: Connection, vantage: int, low: int, high: int) -> list[Range]:
    """The settled ranges that overlap [low, high] or touch it, ascending."""
    rows = connection.execute(
        "SELECT low, high FROM settled WHERE vantage = ?1 AND low <= ?3 AND low >="
        " coalesce((SELECT max(low) FROM settled WHERE vantage = ?1 AND low <= ?2), 0) ORDER BY low",
        (vantage, low, min(high + 1, 2**63 - 1)),
    )
    return [(first, last) for first, last in rows]


def _offset_after(connection: Connection, vantage: int, shipment: Shipment) -> ClockOffset | None:
    row = connection.execute(
        "SELECT offset_since, offset_least, offset_before FROM contact"
        " WHERE vantage = ? AND offset_since IS NOT NULL",
        (vantage,),
    ).fetchone()
    before = None if row is None else ClockOffset(*row)
    if shipment.sent_at is None:
        return before
    if before is None:
        return ClockOffset(shipment.received_at, shipment.received_at - shipment.sent_at)
    return before.after(shipment.received_at, shipment.sent_at)
