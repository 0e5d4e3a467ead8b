"""Where facts from all sources meet: a bounded queue, two worker threads, and what follows from each step.

Facts are taken in batches, so that a burst costs one disk sync and not a thousand. Agents' shipments join them,
and are answered when they are on the disk, before anything is concluded from them. What is fresh and what is
late are stored by turns, so that nothing fresh waits for more than one transaction of an outage's backlog. One
thread stores and another concludes, so that neither a slow disk nor a heavy diagnosis delays a probe, and
nobody's receipt waits for a diagnosis. When the queue is full, whoever brings facts waits: the agent's rounds
then overrun and say so, the route feed reads no further. Nothing is dropped.

A store that fails ends the hub: a monitor that cannot remember must not look alive.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from monitor.diagnose.fact import Fact
from monitor.history.shipment import Shipment, Taken
from monitor.hub.keeping import Kept
from monitor.hub.lookout import Listeners, Lookout
from monitor.hub.pipeline import Pipeline
from monitor.hub.reaction import Reaction
from probes import clock

MOST_WAITING = 20_000
"""Facts in the queue, about 20 MB; a full disk's five minutes of a thousand targets. And of those that are stored
and not concluded from."""

MOST_IN_BATCH = 2_000
"""Facts in one transaction, or what was brought together: larger ones gain nothing, and make a stop wait."""

MOST_LATE = 500
"""Facts of backlogs in one transaction: some 30 ms that what is fresh may have to wait for."""

LINGER_S = 0.2
"""How long a batch waits for more after its first fact: five disk syncs a second at most."""

SHIPMENT_LINGER_S = 0.02
"""The same after a shipment, which is a batch already and has somebody waiting for its receipt."""

BACKLOG_LASTS_S = 5.0
"""After its last shipment: agents bring one a second each, or as seldom as they are asked to."""

TICK_S = 1.0
"""The engine is told the time at least this often, so that silence is noticed too."""


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A shipment, and where its bringer waits."""

    shipment: Shipment
    taken: asyncio.Future[Taken | None]

    def answer(self, taken: Taken | None) -> None:
        """Let the bringer go on, if it still waits."""
        if not self.taken.done():
            self.taken.set_result(taken)


_Brought = tuple[Fact, ...] | _Delivery


class Hub:
    """Takes facts from the start, and feeds them to a pipeline from `run` on. `put` from any task."""

    def __init__(
        self,
        listeners: Listeners,
        *,
        now: Callable[[], float] = clock.wall,
        monotonic: Callable[[], float] = clock.monotonic,
        most_waiting: int = MOST_WAITING,
        tick_s: float = TICK_S,
    ) -> None:
        self._listeners = listeners
        self._now = now
        self._monotonic = monotonic
        self._tick_s = tick_s
        self._most_waiting = most_waiting
        self._fresh: deque[_Brought] = deque()
        self._late: deque[_Brought] = deque()
        self._late_is_next = False
        self._late_at: float | None = None
        self._came = asyncio.Event()
        self._waiting = 0
        self._room = asyncio.Condition()
        self._kept: list[Kept] = []
        self._was_kept = asyncio.Event()
        self._keeping = asyncio.Lock()
        self._concluding = asyncio.Lock()

    async def put(self, facts: Iterable[Fact]) -> None:
        """Bring facts, which are stored together or not at all; waits while the queue is full."""
        together = tuple(facts)
        if together:
            await self._bring(together)

    async def take(self, shipment: Shipment) -> Taken | None:
        """Bring a shipment, and wait until it is durable; None: it can never be taken (`Pipeline.keep`).

        Cancelled, it may be stored all the same; brought again, it changes nothing.
        """
        delivery = _Delivery(shipment, asyncio.get_running_loop().create_future())
        await self._bring(delivery)
        return await delivery.taken

    async def run(self, pipeline: Pipeline, reaction: Reaction, stop: asyncio.Event) -> None:
        """Work until `stop` is set and the queue is empty.

        :raises ExceptionGroup: the store failed (HistoryError); facts of the last batch may not be kept
        """
        self._pipeline = pipeline
        self._lookout = Lookout(self._listeners, reaction)
        all_kept = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_all(stop, all_kept))
            group.create_task(self._conclude_all(all_kept))

    async def exchange(self, change: Callable[[], None], reaction: Reaction) -> None:
        """Do `change` in a worker thread between two steps; from then on `reaction` goes on from the old one.

        Nothing is stored meanwhile, and nothing that is stored waits to be concluded from.
        """
        async with self._keeping, self._concluding:
            await self._conclude()
            await asyncio.to_thread(change)
            self._lookout.exchange(reaction)

    @property
    def waiting(self) -> int:
        """Facts in the queue."""
        return self._waiting

    @property
    def takes_backlog(self) -> bool:
        """Whether facts of a backlog came within the last seconds."""
        return self._late_at is not None and self._monotonic() - self._late_at < BACKLOG_LASTS_S

    async def _bring(self, brought: _Brought) -> None:
        size = _facts_in(brought)
        async with self._room:
            await self._room.wait_for(lambda: not self._waiting or self._waiting + size <= self._most_waiting)
            self._waiting += size
            late = isinstance(brought, _Delivery) and brought.shipment.late
            if late:
                self._late_at = self._monotonic()
            (self._late if late else self._fresh).append(brought)
            self._came.set()

    async def _keep_all(self, stop: asyncio.Event, all_kept: asyncio.Event) -> None:
        while not stop.is_set() or self._fresh or self._late:
            batch = await self._batch(stop)
            if not batch:
                continue
            facts = [fact for one in batch if not isinstance(one, _Delivery) for fact in one]
            deliveries = [one for one in batch if isinstance(one, _Delivery)]
            async with self._keeping:
                kept = await asyncio.to_thread(self._pipeline.keep, facts, [one.shipment for one in deliveries])
                for delivery, taken in zip(deliveries, kept.taken, strict=True):
                    delivery.answer(taken)
                self._kept.append(kept)
                self._was_kept.set()
            async with self._room:
                await self._room.wait_for(lambda: sum(len(one.facts) for one in self._kept) < self._most_waiting)
        all_kept.set()
        self._was_kept.set()

    async def _conclude_all(self, all_kept: asyncio.Event) -> None:
        while self._kept or not all_kept.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._tick_s):
                    await self._was_kept.wait()
            async with self._concluding:
                await self._conclude()
        self._lookout.after(await asyncio.to_thread(self._pipeline.finish, self._now()), ())

    async def _conclude(self) -> None:
        """Make one step with all that was kept since the last one."""
        self._was_kept.clear()
        kept, self._kept = Kept.together(self._kept), []
        step = await asyncio.to_thread(self._pipeline.conclude, kept, self._now())
        self._lookout.after(step, kept.facts)
        async with self._room:
            self._room.notify_all()

    async def _batch(self, stop: asyncio.Event) -> list[_Brought]:
        """What the next step takes; empty when nothing came for a tick."""
        self._came.clear()
        if not (self._fresh or self._late):
            try:
                async with asyncio.timeout(0 if stop.is_set() else self._tick_s):
                    await self._came.wait()
            except TimeoutError:
                return []
        if self._fresh and not (self._late or stop.is_set()):
            await asyncio.sleep(SHIPMENT_LINGER_S if isinstance(self._fresh[0], _Delivery) else LINGER_S)
        if self._late and (self._late_is_next or not self._fresh):
            batch, self._late_is_next = list(_taken(self._late, MOST_LATE)), False
        else:
            batch, self._late_is_next = list(_taken(self._fresh, MOST_IN_BATCH)), True
        async with self._room:
            self._waiting -= sum(map(_facts_in, batch))
            self._room.notify_all()
        return batch


def _facts_in(brought: _Brought) -> int:
    return len(brought.shipment.facts) if isinstance(brought, _Delivery) else len(brought)


def _taken(queue: deque[_Brought], most: int) -> Iterator[_Brought]:
    """The first of a queue, until they hold `most` facts or more; they leave it."""
    size = 0
    while queue and size < most:
        brought = queue.popleft()
        size += _facts_in(brought)
        yield brought
