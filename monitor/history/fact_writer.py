"""Facts into their tables, within the caller's transaction: numbered, made rows, inserted table by table."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from monitor.history import intake
from monitor.history.connection import Connection
from monitor.history.engine import WriteEngine
from monitor.history.errors import UnstorableFactError
from monitor.history.glossary import WritingGlossary, check_value
from monitor.history.observation_rows import SHELVES
from monitor.history.resolution import day_of
from monitor.history.rollups import STALE_US
from monitor.history.route_rows import ROUTE_SHELVES
from monitor.history.sealer import route_slots
from monitor.history.shelf import Row
from monitor.history.shipment import Dispatch, Refusal, Shipment, Taken
from monitor.model import RouteFact
from probes.observation import Observation, completed_at

_Rows = defaultdict[str, list[Row]]

_SMALL = 2**62


class FactWriter:
    """Writes through the writer's engine and its glossary."""

    def __init__(self, engine: WriteEngine, glossary: WritingGlossary) -> None:
        self._engine = engine
        self._glossary = glossary

    @property
    def _connection(self) -> Connection:
        return self._engine.connection

    def add_observations(self, facts: Sequence[Observation]) -> None:
        """Insert observations.

        :raises UnstorableFactError: one is outside the store's limits; `index` says which
        """
        if not facts:
            return
        for name, index in {fact.vantage: index for index, fact in enumerate(facts)}.items():
            try:
                check_value(name)
            except UnstorableFactError as error:
                raise UnstorableFactError(error.reason, index) from error
        self._glossary.day = 0  # each vantage's last day comes with its facts
        numbers = self._numbers(Counter(fact.vantage for fact in facts))
        rows: _Rows = defaultdict(list)
        for index, fact in enumerate(facts):
            try:
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
                rows[shelf.table].append(_checked(shelf.to_row(fact, first + index, self._glossary)))
            except UnstorableFactError as error:
                raise UnstorableFactError(error.reason, index) from error
        for shelf in ROUTE_SHELVES.values():
            if shelf.table in rows:
                self._engine.insert(shelf, rows[shelf.table])
        self._engine.mark("unsealed", route_slots(row[0] for batch in rows.values() for row in batch))

    def take(self, shipments: Sequence[Shipment]) -> list[Taken]:
        """Insert what is new of shipments, and settle their numbers.

        :raises TooManyGapsError: see `intake.settle`
        """
        self._glossary.day = day_of(max((shipment.received_at for shipment in shipments), default=0.0))
        # From here on no other writer takes in anything of these vantages.
        numbers = self._numbers(dict.fromkeys((shipment.vantage for shipment in shipments), 0))
        rows: _Rows = defaultdict(list)
        answers = []
        for shipment in shipments:
            taken = self._take(shipment, numbers[shipment.vantage], rows)
            numbers[shipment.vantage] += len(taken.fresh)
            answers.append(taken)
        self._insert_observations(rows)
        self._numbers(Counter(fact.vantage for taken in answers for fact in taken.fresh))
        return answers

    def _take(self, shipment: Shipment, first: int, rows: _Rows) -> Taken:
        self._glossary.day = day_of(shipment.received_at)
        vantage = self._vantage(shipment.vantage)
        numbers = [number for number, _ in (*shipment.facts, *shipment.refused)]
        unsettled = intake.unsettled(self._connection, vantage, numbers)
        repeated = len(numbers) - len(unsettled)
        fresh: list[Observation] = []
        refused = [refusal for refusal in shipment.refused if refusal.sequence in unsettled]
        for number, fact in shipment.facts:
            if number not in unsettled:
                continue
            unsettled.discard(number)  # the same number twice in one shipment is a repetition too
            try:
                if fact.vantage != shipment.vantage:
                    raise UnstorableFactError(f"it speaks for the vantage {fact.vantage[:64]!r}")
                self._shelve(fact, first + len(fresh), rows)
            except UnstorableFactError as error:
                refused.append(Refusal(number, error.reason))
            else:
                fresh.append(fact)
        intake.settle(self._connection, vantage, numbers, shipment.settled_below)
        taken = Taken(fresh=tuple(fresh), repeated=repeated, refused=tuple(refused))
        intake.note(self._connection, vantage, shipment, first, taken)
        return taken

    def add_once(self, dispatches: Sequence[Dispatch]) -> int:
        """Insert those that were not kept before, and settle their numbers; how many.

        :raises UnstorableFactError: a fact is outside the store's limits; `index`: its place in its dispatch
        """
        self._glossary.day = day_of(max((known for one in dispatches for known in _times(one)), default=0.0))
        # From here on no other writer takes in anything of these sources.
        self._numbers(dict.fromkeys((dispatch.source for dispatch in dispatches), 0))
        fresh: list[Dispatch] = []
        for dispatch in dispatches:
            source = self._vantage(dispatch.source)
            if intake.unsettled(self._connection, source, [dispatch.number]):
                intake.settle(self._connection, source, [dispatch.number], below=1)
                fresh.append(dispatch)
        placed = [(place, fact) for dispatch in fresh for place, fact in enumerate(dispatch.facts)]
        seen = [(place, fact) for place, fact in placed if not isinstance(fact, RouteFact)]
        heard = [(place, fact) for place, fact in placed if isinstance(fact, RouteFact)]
        with _placed(place for place, _ in seen):
            self.add_observations([fact for _, fact in seen])
        with _placed(place for place, _ in heard):
            self.add_routes([fact for _, fact in heard])
        return len(fresh)

    def _shelve(self, fact: Observation, number: int, rows: _Rows) -> None:
        shelf = SHELVES[type(fact)]
        self._glossary.day = day_of(completed_at(fact))
        rows[shelf.table].append(_checked(shelf.to_row(fact, number, self._glossary)))

    def _insert_observations(self, rows: _Rows) -> None:
        for shelf in SHELVES.values():
            if shelf.table in rows:
                self._engine.insert(shelf, rows[shelf.table])
        self._engine.mark("stale", {(row[0], row[1] // STALE_US) for batch in rows.values() for row in batch})

    def _vantage(self, name: str) -> int:
        return self._glossary.number("vantage", (name,))

    def _numbers(self, counts: Mapping[str, int]) -> dict[str, int]:
        """The first of so many numbers for the facts of each vantage, which nobody else gets.

        In one order for all writers, since each holds what it has until its transaction ends.
        """
        found = {}
        for name in sorted(counts):
            ((following,),) = self._connection.execute(
                "INSERT INTO fact_number (vantage, next) VALUES (?1, ?2)"
                " ON CONFLICT (vantage) DO UPDATE SET next = fact_number.next + ?2 RETURNING next",
                (self._vantage(name), counts[name]),
            ).fetchall()
            found[name] = int(following) - counts[name]
        return found


def _checked(row: Row) -> Row:
    """The row, if every engine can hold all of it: none would say which row it failed on."""
    for value in row:
        # Nearly all of a row is small numbers, and asking about each would be a tenth of what a fact costs.
        if value is not None and not (value.__class__ is int and -_SMALL < value < _SMALL):
            check_value(value)
    return row


def _times(dispatch: Dispatch) -> Iterator[float]:
    return (fact.at if isinstance(fact, RouteFact) else completed_at(fact) for fact in dispatch.facts)


@contextmanager
def _placed(places: Iterable[int]) -> Iterator[None]:
    """Name an unstorable fact by its place in the whole of which these are a part."""
    try:
        yield
    except UnstorableFactError as error:
        raise UnstorableFactError(error.reason, tuple(places)[error.index]) from error
