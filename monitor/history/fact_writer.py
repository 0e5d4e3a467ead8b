"""Facts into their tables, within the caller's transaction: numbered, made rows, inserted table by table."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Sequence

from monitor.history import intake, rollups, sealer
from monitor.history.errors import UnstorableFactError
from monitor.history.glossary import WritingGlossary, check_value
from monitor.history.observation_rows import SHELVES
from monitor.history.resolution import day_of
from monitor.history.route_rows import ROUTE_SHELVES
from monitor.history.shelf import Row
from monitor.history.shipment import Refusal, Shipment, Taken
from monitor.model import RouteFact
from probes.observation import Observation, completed_at

_Rows = defaultdict[str, list[Row]]


class FactWriter:
    """Writes through the writer's connection and its glossary."""

    def __init__(self, connection: sqlite3.Connection, glossary: WritingGlossary) -> None:
        self._connection = connection
        self._glossary = glossary

    def add_observations(self, facts: Sequence[Observation]) -> None:
        """Insert observations.

        :raises UnstorableFactError: one is outside the store's limits; `index` says which
        """
        counts = Counter(fact.vantage for fact in facts)
        rows: _Rows = defaultdict(list)
        numbers: dict[str, int] = {}
        for index, fact in enumerate(facts):
            self._glossary.day = day_of(completed_at(fact))
            try:
                if fact.vantage not in numbers:
                    numbers[fact.vantage] = self._numbers(self._vantage(fact.vantage), counts[fact.vantage])
                self._shelve(fact, numbers[fact.vantage], rows)
            except UnstorableFactError as error:
                raise UnstorableFactError(error.reason, index) from error
            numbers[fact.vantage] += 1
        self._insert_observations(rows)

    def add_routes(self, facts: Sequence[RouteFact]) -> None:
        """Insert route facts.

        :raises UnstorableFactError: one is outside the store's limits; `index` says which
        """
        if not facts:
            return
        ((first,),) = self._connection.execute(
            "UPDATE counter SET value = value + ?1 WHERE name = 'fact' RETURNING value - ?1", (len(facts),)
        ).fetchall()
        rows: _Rows = defaultdict(list)
        for index, fact in enumerate(facts):
            shelf = ROUTE_SHELVES[type(fact)]
            self._glossary.day = day_of(fact.at)
            try:
                rows[shelf.insert].append(_checked(shelf.to_row(fact, first + index, self._glossary)))
            except UnstorableFactError as error:
                raise UnstorableFactError(error.reason, index) from error
        self._insert(rows)
        sealer.mark_routes(self._connection, (row[0] for batch in rows.values() for row in batch))

    def take(self, shipment: Shipment) -> Taken:
        """Insert what is new of a shipment, and settle its numbers.

        :raises TooManyGapsError: see `intake.settle`
        """
        self._glossary.day = day_of(shipment.received_at)
        vantage = self._vantage(shipment.vantage)
        numbers = [number for number, _ in (*shipment.facts, *shipment.refused)]
        unsettled = intake.unsettled(self._connection, vantage, numbers)
        repeated = len(numbers) - len(unsettled)
        first = self._numbers(vantage, 0)
        fresh: list[Observation] = []
        refused = [refusal for refusal in shipment.refused if refusal.sequence in unsettled]
        rows: _Rows = defaultdict(list)
        for number, fact in shipment.facts:
            if number not in unsettled:
                continue
            self._glossary.day = day_of(completed_at(fact))
            unsettled.discard(number)  # the same number twice in one shipment is a repetition too
            try:
                if fact.vantage != shipment.vantage:
                    raise UnstorableFactError(f"it speaks for the vantage {fact.vantage[:64]!r}")
                self._shelve(fact, first + len(fresh), rows)
            except UnstorableFactError as error:
                refused.append(Refusal(number, error.reason))
            else:
                fresh.append(fact)
        self._insert_observations(rows)
        self._numbers(vantage, len(fresh))
        intake.settle(self._connection, vantage, numbers, shipment.settled_below)
        taken = Taken(fresh=tuple(fresh), repeated=repeated, refused=tuple(refused))
        intake.note(self._connection, vantage, shipment, first, taken)
        return taken

    def _shelve(self, fact: Observation, number: int, rows: _Rows) -> None:
        shelf = SHELVES[type(fact)]
        rows[shelf.insert].append(_checked(shelf.to_row(fact, number, self._glossary)))

    def _insert(self, rows: _Rows) -> None:
        for statement, batch in rows.items():
            self._connection.executemany(statement, batch)

    def _insert_observations(self, rows: _Rows) -> None:
        self._insert(rows)
        for batch in rows.values():
            rollups.mark(self._connection, batch)

    def _vantage(self, name: str) -> int:
        return self._glossary.number("vantage", (name,))

    def _numbers(self, vantage: int, count: int) -> int:
        """The first of `count` numbers for facts of this vantage, which nobody else gets."""
        ((following,),) = self._connection.execute(
            "INSERT INTO fact_number VALUES (?1, ?2)"
            " ON CONFLICT (vantage) DO UPDATE SET next = next + ?2 RETURNING next",
            (vantage, count),
        ).fetchall()
        return int(following) - count


def _checked(row: Row) -> Row:
    """The row, if SQLite can hold all of it: `executemany` would not say which row it failed on."""
    for value in row:
        check_value(value)
    return row
