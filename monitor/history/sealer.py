"""Seals five minutes after five minutes, as a part of the writer's upkeep (`seal` says what a seal is)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from monitor.history.connection import Connection
from monitor.history.errors import DamagedValueError
from monitor.history.glossary import ReadingGlossary
from monitor.history.rollups import STALE_US
from monitor.history.seal import FIRST_HEAD, next_head, pack_upto, seal_digest, unpack_upto
from monitor.history.slot_facts import ROUTES, slot_facts

GRACE_S = 600.0
"""How long after its end a slot waits, so that most of what comes late is in its first seal."""


class Head(NamedTuple):
    """The newest seal's number and the chain's head behind it."""

    number: int
    head: bytes


class Unsealed(NamedTuple):
    """Five minutes, counted since 1970, with facts that no seal covers."""

    target: int
    slot: int


def route_slots(times: Iterable[int]) -> set[tuple[int, int]]:
    """The slots of route facts of these microseconds."""
    return {(ROUTES, at // STALE_US) for at in times}


def next_unsealed(connection: Connection, now: float) -> Unsealed | None:
    """Five minutes that are over for long enough; None: there are none."""
    last = int((now - GRACE_S) * 1e6) // STALE_US
    row = connection.execute(
        "SELECT target, slot FROM unsealed WHERE slot < ? ORDER BY target, slot LIMIT 1", (last,)
    ).fetchone()
    return None if row is None else Unsealed(*row)


def newest_head(connection: Connection) -> Head:
    """Where the chain stands; number 0 before its first seal."""
    row = connection.execute("SELECT number, head FROM seal ORDER BY number DESC LIMIT 1").fetchone()
    return Head(0, FIRST_HEAD) if row is None else Head(*row)


class Sealer:
    """Seals through the writer's connection, within the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._glossary = ReadingGlossary(connection)

    def seal(self, unsealed: Unsealed) -> Head | None:
        """Add a seal for what is new in these five minutes; where the chain stands then, None: nothing is new."""
        self._connection.execute("DELETE FROM unsealed WHERE target = ? AND slot = ?", unsealed)
        covered = self._covered(unsealed)
        given = self._given()
        found = slot_facts(self._connection, self._glossary, *unsealed)
        fresh = [one for one in found if covered.get(one.source, 0) <= one.number < given[one.source]]
        if not fresh:
            return None
        upto = dict(covered)
        for one in fresh:
            upto[one.source] = max(upto.get(one.source, 0), one.number + 1)
        before = newest_head(self._connection)
        number = before.number + 1
        target = None if unsealed.target == ROUTES else self._glossary.text("target", unsealed.target)
        digest = seal_digest(number, target, unsealed.slot * STALE_US // 1_000_000, upto, fresh)
        head = next_head(before.head, digest)
        self._connection.execute(
            "INSERT INTO seal (number, target, slot, count, upto, digest, head) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (number, *unsealed, len(fresh), pack_upto(upto), digest, head),
        )
        return Head(number, head)

    def _given(self) -> dict[str, int]:
        """By source, the first number that no stored fact has.

        Other writers may add facts while this slot's are read, table after table; those are another seal's.
        """
        rows = self._connection.execute(
            "SELECT name, next FROM fact_number JOIN vantage ON vantage.id = fact_number.vantage"
            " UNION ALL SELECT '', value FROM counter WHERE name = 'fact'"
        )
        return defaultdict(int, rows.fetchall())

    def _covered(self, unsealed: Unsealed) -> dict[str, int]:
        row = self._connection.execute(
            "SELECT upto FROM seal WHERE target = ? AND slot = ? ORDER BY number DESC LIMIT 1", unsealed
        ).fetchone()
        try:
            return {} if row is None else unpack_upto(row[0])
        except ValueError as error:
            raise DamagedValueError(f"a seal is damaged: {error}") from error
