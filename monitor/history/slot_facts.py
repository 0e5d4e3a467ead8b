"""The facts of five minutes with their numbers, as seals cover them: of one target, or all routes."""

from __future__ import annotations

from monitor.history.connection import Connection
from monitor.history.glossary import ReadingGlossary
from monitor.history.observation_rows import SHELVES
from monitor.history.rollups import STALE_US
from monitor.history.route_rows import ROUTE_SHELVES
from monitor.history.seal import Numbered

ROUTES = 0
"""In place of a target's number: what the slot is of are routes."""


def slot_facts(connection: Connection, glossary: ReadingGlossary, target: int, slot: int) -> list[Numbered]:
    """Every fact of the slot, in no particular order."""
    window = (slot * STALE_US, (slot + 1) * STALE_US)
    if target == ROUTES:
        return [
            Numbered("", row[1], shelf.from_row(row, glossary))
            for shelf in ROUTE_SHELVES.values()
            if not shelf.replaces
            for row in connection.execute(f"{shelf.select} WHERE at >= ? AND at < ?", window).fetchall()
        ]
    return [
        Numbered(fact.vantage, row[3], fact)
        for shelf in SHELVES.values()
        for row in connection.execute(
            f"{shelf.select} WHERE target = ? AND done >= ? AND done < ?", (target, *window)
        ).fetchall()
        for fact in (shelf.from_row(row, glossary),)
    ]
