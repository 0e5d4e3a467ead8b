"""The one way of a fact through the house: history, then the engine, then what people are told.

    facts -> history (committed) -> in order -> engine -> incident changes and their notices (one transaction)

Nothing is concluded from a fact that is not stored, and nothing is told that is not stored. After a crash
between two of these steps the facts are there, and the next start diagnoses from them again; changes and
notices are idempotent by their keys.

All is synchronous and done by one thread at a time; `monitor.hub` gives it that thread, `whydown once` has
no other. It knows neither sockets nor timers, and is told the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import structlog

from monitor.diagnose.fact import Fact, known_at
from monitor.history.errors import TooManyGapsError, UnstorableFactError
from monitor.history.notice import Notice
from monitor.history.shipment import Shipment, Taken
from monitor.hub.fact_order import FactOrder
from monitor.model.incident import ChangeKind, Incident, IncidentChange
from monitor.model.route import RouteFact
from monitor.model.verdict import Verdict
from probes import Observation

GRACE_S = 2.0
"""How long a fact waits for earlier ones. RIS Live is typically one to two seconds behind its routers."""

MOST_AHEAD_S = 300.0
"""Facts stamped further ahead of our clock than this are kept, but not concluded from."""

MOST_LATE_S = 150.0
"""Nor are those of agents that come later than this: what was fresh may be on its way for a minute or two, and an
outage's backlog, an hour old, must not reopen now what was then."""

AnyFact = TypeVar("AnyFact")


class FactStore(Protocol):
    """What the pipeline needs of the history's writer. Each call is one transaction, durable on return."""

    def add_observations(self, observations: Sequence[Observation]) -> None:
        """Keep observations."""
        ...

    def add_routes(self, facts: Sequence[RouteFact]) -> None:
        """Keep what BGP said."""
        ...

    def take(self, shipments: Sequence[Shipment]) -> list[Taken]:
        """Keep what is new of agents' shipments."""
        ...

    def save_changes(self, changes: Sequence[IncidentChange], notices: Sequence[Notice]) -> None:
        """Keep incident changes with the messages owed for them."""
        ...


class Diagnosis(Protocol):
    """What the pipeline needs of the engine."""

    def feed(self, facts: Sequence[Fact]) -> list[IncidentChange]:
        """Conclude from facts in the order in which they became known."""
        ...

    def advance(self, now: float) -> list[IncidentChange]:
        """Let time pass without facts."""
        ...

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """The latest verdict by target or sick vantage."""
        ...

    @property
    def uneasy(self) -> Mapping[str, float]:
        """Targets of which several vantages see something bad, with or without a verdict; since when."""
        ...

    @property
    def open_incidents(self) -> tuple[Incident, ...]:
        """Incidents that are not closed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one step of the pipeline did. `verdicts`, `uneasy` and `open_incidents` are the state after it.

    `subjects`: of the messages that are owed now for its changes.
    """

    stored: int
    changes: tuple[IncidentChange, ...]
    subjects: tuple[str, ...]
    verdicts: Mapping[str, Verdict]
    uneasy: Mapping[str, float]
    open_incidents: tuple[Incident, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was stored. `facts`: to conclude from; `stored`: how many in all, with those of a time long past.

    `taken`: what became of each shipment, in order; None: its vantage's numbers are broken.
    """

    facts: tuple[Fact, ...]
    stored: int
    taken: tuple[Taken | None, ...] = ()


class Pipeline:
    """Takes batches of facts; `notices_for` writes the messages that a change is worth."""

    def __init__(
        self,
        store: FactStore,
        engine: Diagnosis,
        notices_for: Callable[[IncidentChange], Sequence[Notice]],
        *,
        grace_s: float = GRACE_S,
    ) -> None:
        self._store = store
        self._engine = engine
        self._notices_for = notices_for
        self._grace_s = grace_s
        self._order = FactOrder()
        self._log = structlog.get_logger("hub")

    def replace(self, engine: Diagnosis) -> None:
        """Go on with an engine of a new configuration, already warmed up; waiting facts are fed to it."""
        self._engine = engine

    def accept(self, facts: Sequence[Fact], now: float) -> Step:
        """Store facts, and conclude from all that became known a grace ago.

        :raises HistoryError: the store is broken or full; nothing was concluded from these facts
        """
        return self.conclude(self.keep(facts), now)

    def keep(self, facts: Sequence[Fact], shipments: Sequence[Shipment] = ()) -> Kept:
        """Store facts and shipments; whoever shipped may forget them now.

        :raises HistoryError: the store is broken or full
        """
        kept = self._keep(facts)
        taken = self._take(shipments)
        stored = len(kept) + sum(len(one.fresh) for one in taken if one is not None)
        for shipment, one in zip(shipments, taken, strict=True):
            kept += _recent(one.fresh, shipment.received_at) if one is not None else ()
        if len(kept) < stored:
            self._log.info("backlog_stored", facts=stored - len(kept))
        return Kept(facts=tuple(kept), stored=stored, taken=tuple(taken))

    def conclude(self, kept: Kept, now: float) -> Step:
        """Conclude from what is stored, as far as it became known a grace ago.

        :raises HistoryError: the store is broken or full; the changes are lost with their notices
        """
        late = self._order.late
        self._order.push(self._without_the_future(kept.facts, now))
        if self._order.late > late:
            self._log.debug("facts_fed_late", facts=self._order.late - late)
        return self._conclude(now - self._grace_s, kept.stored)

    def finish(self, now: float) -> Step:
        """Conclude from the facts that still wait, at the end of a run."""
        return self._conclude(now, 0)

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

    def _without_the_future(self, facts: Sequence[Fact], now: float) -> Sequence[Fact]:
        """The facts but those that would wait here for ever, for a stamp ahead of our clock is false.

        Said once a batch: when it is our clock that is behind, this is every route that a feed brings.
        """
        ahead = [fact for fact in facts if known_at(fact) > now + MOST_AHEAD_S]
        if not ahead:
            return facts
        ahead_s = round(max(map(known_at, ahead)) - now, 1)
        self._log.warning("facts_from_the_future", facts=len(ahead), ahead_s=ahead_s, first=repr(ahead[0])[:200])
        return [fact for fact in facts if known_at(fact) <= now + MOST_AHEAD_S]

    def _keep(self, facts: Sequence[Fact]) -> list[Fact]:
        routes: list[RouteFact] = []
        observations: list[Observation] = []
        for fact in facts:
            if isinstance(fact, RouteFact):
                routes.append(fact)
            else:
                observations.append(fact)
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

    def _conclude(self, until: float, stored: int) -> Step:
        changes = [*self._engine.feed(self._order.release(until)), *self._engine.advance(until)]
        notices = [notice for change in changes for notice in self._written(change)]
        if changes:
            self._store.save_changes(changes, notices)
        for change in changes:
            self._say(change)
        return Step(
            stored=stored,
            changes=tuple(changes),
            subjects=tuple(dict.fromkeys(notice.subject for notice in notices)),
            verdicts=dict(self._engine.verdicts),
            uneasy=dict(self._engine.uneasy),
            open_incidents=self._engine.open_incidents,
        )

    def _written(self, change: IncidentChange) -> Sequence[Notice]:
        try:
            return self._notices_for(change)
        except Exception:
            # A defect in how a message is written must not end the monitor in the middle of an incident.
            self._log.exception("notice_not_written", incident=change.incident.id, sequence=change.sequence)
            return ()

    def _say(self, change: IncidentChange) -> None:
        incident = change.incident
        told = self._log.debug if change.kind is ChangeKind.UPDATED else self._log.warning
        told(
            f"incident_{change.kind}",
            incident=incident.id,
            target=incident.target,
            cause=incident.cause.value,
            previous=change.previous_cause.value if change.previous_cause else None,
            confidence=round(incident.confidence, 3),
            suspected=incident.suspected,
            affected=",".join(incident.affected),
        )


def _recent(facts: Sequence[Observation], now: float) -> list[Observation]:
    return [fact for fact in facts if known_at(fact) >= now - MOST_LATE_S]
