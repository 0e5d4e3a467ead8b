"""The first half of a fact's way through the house: it is stored, once.

Facts of the hub's own sources and agents' shipments are kept together, in as few transactions as that takes. One
impossible fact takes no other with it. What is kept is what may be concluded from: all but what is long past.

Synchronous, for one thread at a time; it knows neither sockets nor timers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import structlog

from monitor.diagnose.fact import Fact, known_at, parted
from monitor.history.errors import TooManyGapsError, UnstorableFactError
from monitor.history.shipment import Dispatch, Shipment, Taken
from monitor.model.route import RouteFact
from probes import Observation

MOST_LATE_S = 150.0
"""Facts of agents that come later than this are kept, but not concluded from: what was fresh may be on its way for
a minute or two, and an outage's backlog, an hour old, must not reopen now what was then."""

AnyFact = TypeVar("AnyFact")


class FactStore(Protocol):
    """What is needed of the history's writer. Each call is one transaction, durable on return."""

    def add_observations(self, observations: Sequence[Observation]) -> None:
        """Keep observations."""
        ...

    def add_routes(self, facts: Sequence[RouteFact]) -> None:
        """Keep what BGP said."""
        ...

    def take(self, shipments: Sequence[Shipment]) -> list[Taken]:
        """Keep what is new of agents' shipments."""
        ...


class DispatchStore(Protocol):
    """The same for what comes over a bus, and so perhaps again."""

    def add_once(self, dispatches: Sequence[Dispatch]) -> int:
        """Keep those that were not kept before; how many."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was stored. `facts`: to conclude from; `stored`: how many in all, with those of a time long past.

    `taken`: what became of each shipment, in order; None: its vantage's numbers are broken.
    """

    facts: tuple[Fact, ...]
    stored: int
    taken: tuple[Taken | None, ...] = ()

    @classmethod
    def together(cls, several: Iterable[Kept]) -> Kept:
        """The facts of several batches, as if they had come in one."""
        batches = tuple(several)
        facts = tuple(fact for one in batches for fact in one.facts)
        return cls(facts=facts, stored=sum(one.stored for one in batches))


class Keeper:
    """Keeps what comes in `store`."""

    def __init__(self, store: FactStore) -> None:
        self._store = store
        self._log = structlog.get_logger("hub")

    def keep(self, facts: Sequence[Fact], shipments: Sequence[Shipment] = ()) -> Kept:
        """Store facts and shipments; whoever shipped may forget them now.

        :raises HistoryError: the store is broken or full
        """
        kept = self._keep(facts)
        taken = self._take(shipments)
        stored = len(kept) + sum(len(one.fresh) for one in taken if one is not None)
        for shipment, one in zip(shipments, taken, strict=True):
            kept += recent(one.fresh, shipment.received_at) if one is not None else ()
        if len(kept) < stored:
            self._log.info("backlog_stored", facts=stored - len(kept))
        return Kept(facts=tuple(kept), stored=stored, taken=tuple(taken))

    def _take(self, shipments: Sequence[Shipment]) -> list[Taken | None]:
        """Store shipments together, or, when one of them spoils it, each for itself."""
        if not shipments:
            return []
        try:
            return list(self._store.take(shipments))
        except TooManyGapsError as error:
            if len(shipments) > 1:
                return [one for shipment in shipments for one in self._take([shipment])]
            self._log.error("shipment_not_taken", vantage=shipments[0].vantage, reason=str(error))
            return [None]

    def _keep(self, facts: Sequence[Fact]) -> list[Fact]:
        observations, routes = parted(facts)
        seen = self._add(self._store.add_observations, observations)
        heard = self._add(self._store.add_routes, routes)
        if seen or heard:
            self._log.debug("stored", observations=len(seen), routes=len(heard))
        return [*seen, *heard]

    def _add(self, add: Callable[[Sequence[AnyFact]], None], facts: list[AnyFact]) -> list[AnyFact]:
        """Store what can be stored; one impossible fact must not take its batch with it, nor go in silence."""
        left = list(facts)
        while left:
            try:
                add(left)
            except UnstorableFactError as error:
                self._log.error("fact_not_stored", reason=error.reason, fact=repr(left[error.index])[:200])
                del left[error.index]
            else:
                break
        return left


def recent(facts: Iterable[Observation], now: float) -> list[Observation]:
    """The facts that are not too late to be concluded from; `now`: when they came."""
    return [fact for fact in facts if known_at(fact) >= now - MOST_LATE_S]


def keep_once(store: DispatchStore, dispatches: Sequence[Dispatch]) -> int:
    """Store dispatches that are new, without the facts that cannot be stored; how many.

    :raises HistoryError: the store is broken or full
    """
    if not dispatches:
        return 0
    try:
        return store.add_once(dispatches)
    except UnstorableFactError as error:
        if len(dispatches) > 1:
            return sum(keep_once(store, [one]) for one in dispatches)
        (spoilt,) = dispatches
        bad = spoilt.facts[error.index]
        structlog.get_logger("hub").error("fact_not_stored", reason=error.reason, fact=repr(bad)[:200])
        return keep_once(store, [replace(spoilt, facts=tuple(fact for fact in spoilt.facts if fact is not bad))])
