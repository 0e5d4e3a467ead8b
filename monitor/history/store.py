"""Writing the history, whatever engine keeps it.

What a method was given is durable when it returns. A method either keeps all that it was given or, when it raises,
nothing of it. The methods may be called from several threads, one at a time; they block for about one disk sync.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import TracebackType

from monitor.history import incident_rows, outbox
from monitor.history import tenure as tenures
from monitor.history.engine import Answer, WriteEngine
from monitor.history.errors import HistoryError
from monitor.history.fact_writer import FactWriter
from monitor.history.glossary import WritingGlossary
from monitor.history.notice import Notice, NoticeState
from monitor.history.opening import open_writing
from monitor.history.retention import Keep
from monitor.history.shipment import Dispatch, Shipment, Taken
from monitor.history.tenure import Tenure
from monitor.history.transfer import check_whole
from monitor.history.upkeep import Tended, Upkeep
from monitor.model import IncidentChange, RouteFact
from monitor.model.history_place import HistoryPlace
from probes.observation import Observation


class Store:
    """A history open for writing. Close it, or use it as a context manager."""

    def __init__(self, engine: WriteEngine) -> None:
        self.place = engine.place
        self._interrupted: tuple[str, ...] = ()
        self._engine = engine
        self._glossary = WritingGlossary(engine.dictionaries)
        self._facts = FactWriter(engine, self._glossary)
        self._upkeep = Upkeep(engine, self._glossary)
        self._turn = threading.RLock()
        self._is_teller = self._closed = False
        check_whole(engine)
        self._become_teller(claim=False)

    @classmethod
    def open(cls, place: HistoryPlace) -> Store:
        """Open the history at `place`; makes it where there is none, and brings an older one up to date.

        :raises HistoryLockedError: another process writes it, and its engine lets only one
        :raises HistoryForeignError: another program's, or a newer version's; it is left alone
        :raises HistoryError: it cannot be made, reached or written
        """
        engine = open_writing(place)
        try:
            return cls(engine)
        except BaseException:
            engine.close()
            raise

    @property
    def interrupted(self) -> tuple[str, ...]:
        """Keys of notices that an earlier process had handed over when it ended; they are `unknown` since.

        Who asks means to send: where several processes write, it becomes the one that does.
        """
        with self._turn:
            self._become_teller(claim=True)
            return self._interrupted

    def add_observations(self, observations: Sequence[Observation]) -> None:
        """Keep observations, all in one transaction.

        :raises UnstorableFactError: one is outside the store's limits; `index` says which, none was kept
        """
        self._transact(lambda: self._facts.add_observations(observations))

    def add_routes(self, facts: Sequence[RouteFact]) -> None:
        """Keep route facts, all in one transaction.

        :raises UnstorableFactError: one is outside the store's limits; `index` says which, none was kept
        """
        self._transact(lambda: self._facts.add_routes(facts))

    def take(self, shipments: Sequence[Shipment]) -> list[Taken]:
        """Keep what is new of shipments, with what they settle, all in one transaction; the answers in order.

        A fact that cannot be kept is refused with its reason and takes no other with it.

        :raises TooManyGapsError: a vantage's numbers have too many gaps; nothing of any shipment was kept
        """
        return self._transact(lambda: self._facts.take(shipments))

    def add_once(self, dispatches: Sequence[Dispatch]) -> int:
        """Keep dispatches that were not kept before, all in one transaction; how many.

        :raises UnstorableFactError: a fact is outside the store's limits; `index`: its place in its dispatch
        """
        return self._transact(lambda: self._facts.add_once(dispatches))

    def begin_tenure(self, task: str) -> Tenure:
        """Take a task over: changes under an earlier tenure of it are refused from now on."""
        return self._transact(lambda: tenures.begin(self._engine.connection, task))

    def save_changes(
        self, changes: Sequence[IncidentChange], notices: Sequence[Notice], tenure: Tenure | None = None
    ) -> None:
        """Keep changes of incidents and the notices that tell of them, in one transaction.

        A change with a known (incident.id, sequence) and a notice with a known key are left as they are.

        :raises TenureError: `tenure` is over; nothing was kept
        """

        def save() -> None:
            if tenure is not None:
                tenures.hold(self._engine.connection, tenure)
            incident_rows.save(self._engine.connection, changes)
            outbox.save(self._engine.connection, notices)

        self._transact(save)

    def due_notices(self, now: float, limit: int) -> list[Notice]:
        """Pending notices whose `next_try_at` has come, oldest first, at most `limit`; see `outbox.due`.

        None, while another process sends them.
        """
        with self._turn:
            if not self._become_teller(claim=True):
                return []
            return self._transact(lambda: outbox.due(self._engine.connection, now, limit))

    def mark_notice(
        self, key: str, state: NoticeState, at: float, error: str | None = None, next_try_at: float | None = None
    ) -> None:
        """Move a notice to a state; committed and durable before this returns (`outbox` draws the moves).

        :raises HistoryError: there is no such notice, or it cannot get there from where it is
        """
        self._transact(lambda: outbox.mark(self._engine.connection, key, state, at, error, next_try_at))

    def stop_telling(self) -> None:
        """Let another process send the notices, where several can."""
        with self._turn:
            self._engine.stop_telling()
            self._is_teller = False

    def tend(self, now: float, keep: Keep) -> Tended:
        """Do a piece of upkeep, some milliseconds long: fold roll-ups, forget what is older than `keep`.

        To be called every few seconds, and again at once while there is `more`; others may write in between.
        """
        try:
            tended = self._transact(lambda: self._upkeep.step(now, keep))
        except BaseException:
            self._upkeep.begin_anew()
            raise
        if tended.deleted:
            self._glossary.forget()
        return tended

    def close(self) -> None:
        """Close it and let the next writer in. Closing twice is fine."""
        with self._turn:
            if self._closed:
                return
            self._closed = True
            self._engine.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _become_teller(self, *, claim: bool) -> bool:
        """Whether notices are ours to send. When they become so, those that were handed over are in doubt."""
        if not self._engine.is_teller(claim=claim):
            self._is_teller = False
        elif not self._is_teller:
            settled = self._transact(lambda: outbox.settle_interrupted(self._engine.connection))
            self._interrupted = (*self._interrupted, *settled)
            self._is_teller = True
        return self._is_teller

    def _transact(self, work: Callable[[], Answer]) -> Answer:
        with self._turn:
            if self._closed:
                raise HistoryError(f"history {self.place}: it was closed")
            return self._engine.transact(work, self._glossary.forget)
