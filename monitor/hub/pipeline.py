"""The one way of a fact through the house: history, then the engine, then what people are told.

    facts -> history (committed) -> in order -> engine -> incident changes and their notices (one transaction)

Nothing is concluded from a fact that is not stored, and nothing is told that is not stored. The two halves
(`keeping`, `judging`) are joined here for one process; over a bus each is a role of its own.

All is synchronous. Each half is one thread's at a time: `monitor.hub` gives it two, `whydown once` has one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from monitor.diagnose.fact import Fact
from monitor.history.notice import Notice
from monitor.history.shipment import Shipment
from monitor.hub.judging import GRACE_S, ChangeStore, Diagnosis, Judge, Step
from monitor.hub.keeping import FactStore, Keeper, Kept
from monitor.model.incident import IncidentChange


class PipelineStore(FactStore, ChangeStore, Protocol):
    """What both halves need of the history's writer."""


class Pipeline:
    """Takes batches of facts; `notices_for` writes the messages that a change is worth."""

    def __init__(
        self,
        store: PipelineStore,
        engine: Diagnosis,
        notices_for: Callable[[IncidentChange], Sequence[Notice]],
        *,
        grace_s: float = GRACE_S,
    ) -> None:
        self._keeper = Keeper(store)
        self._judge = Judge(store, engine, notices_for, grace_s=grace_s)

    def replace(self, engine: Diagnosis) -> None:
        """Go on with an engine of a new configuration, already warmed up; waiting facts are fed to it."""
        self._judge.replace(engine)

    def accept(self, facts: Sequence[Fact], now: float) -> Step:
        """Store facts, and conclude from all that became known a grace ago.

        :raises HistoryError: the store is broken or full; nothing was concluded from these facts
        """
        return self.conclude(self.keep(facts), now)

    def keep(self, facts: Sequence[Fact], shipments: Sequence[Shipment] = ()) -> Kept:
        """Store facts and shipments; whoever shipped may forget them now.

        :raises HistoryError: the store is broken or full
        """
        return self._keeper.keep(facts, shipments)

    def conclude(self, kept: Kept, now: float) -> Step:
        """Conclude from what is stored, as far as it became known a grace ago.

        :raises HistoryError: the store is broken or full; the changes are lost with their notices
        """
        return self._judge.conclude(kept.facts, kept.stored, now)

    def finish(self, now: float) -> Step:
        """Conclude from the facts that still wait, at the end of a run."""
        return self._judge.finish(now)
