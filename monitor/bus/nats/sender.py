"""Puts facts into the stream: the outlet of a process that is an intake or has the feeds.

What comes within `LINGER_S` is loaded together, so that a thousand agents cost a few messages a partition and
not a thousand each. A shipment is answered when every crate with a part of it is held by the brokers. A publish
that is not answered is tried again with the same id, which the brokers know for a while; what comes later still
is refused by the store. When the stream cannot take it within `PATIENCE_S`, the agent is told to come again,
and keeps it.

Once a second a mark goes to every partition in use (`monitor.bus.watermark`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

import structlog

from monitor.bus.crate import Mark, pack_crate, pack_mark
from monitor.bus.errors import BusError
from monitor.bus.loading import Load, load
from monitor.bus.nats.broker import Broker
from monitor.bus.nats.connecting import AGAIN_S
from monitor.bus.partition import Partitions
from monitor.bus.watermark import BEHIND_S, Hold
from monitor.diagnose.fact import Fact, known_at
from monitor.history.shipment import Dispatch, Shipment, Taken
from probes import clock

LINGER_S = 0.02

MARK_S = 1.0

PATIENCE_S = 25.0
"""Shorter than an agent waits for its answer (30 s), longer than a broker's pause that nobody should notice."""

MOST_WAITING = 50_000
"""Facts that wait for the brokers, some 50 MB; beyond it shipments are not taken now."""

MOST_AT_ONCE = 64
"""Publishes whose answers are waited for together."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What was brought, since when it waits (Unix seconds), and who waits for it; the answer is whether it is
    safe."""

    brought: Shipment | Dispatch
    since: float
    safe: asyncio.Future[bool]


class Sender:
    """An `Outlet`. `run` it; make it inside a running loop.

    `who`: of this process, never used twice. `source`: what its own facts are kept under, `~` and a word.
    `agents`: it brings what agents measure.
    """

    def __init__(
        self,
        broker: Broker,
        partitions: Partitions,
        who: str,
        source: str,
        *,
        agents: bool,
        now: Callable[[], float] = clock.wall,
    ) -> None:
        self._broker = broker
        self._partitions = partitions
        self._who = who
        self._source = source
        self._agents = agents
        self._now = now
        self._fresh: deque[_Waiting] = deque()
        self._late: deque[_Waiting] = deque()
        self._under_way: list[_Waiting] = []
        self._facts = 0
        self._came = asyncio.Event()
        self._ids = count(1)
        self._number = 0
        self._hold = Hold()
        self._behind_at: float | None = None
        self._at_once = asyncio.Semaphore(MOST_AT_ONCE)
        self._log = structlog.get_logger("bus")
        self.sent = 0
        """Facts that the brokers hold, without copies."""

    def use(self, partitions: Partitions) -> None:
        """Send by these partitions from now on."""
        self._partitions = partitions

    @property
    def waiting(self) -> int:
        """Facts that are not safe yet."""
        return self._facts

    async def put(self, facts: Sequence[Fact]) -> None:
        """Bring own facts; returns when they are safe, however long that takes."""
        if not facts:
            return
        self._number = max(self._number + 1, int(self._now() * 1e6))
        dispatch = Dispatch(source=self._source, number=self._number, facts=tuple(facts))
        while not await self._bring(self._fresh, dispatch, self._now()):
            self._log.warning("own_facts_wait", facts=len(facts))

    async def take(self, shipment: Shipment) -> Taken | None:
        """Bring an agent's shipment; None: the brokers did not take it in time.

        What the store will say of it, repeated or unfit for it, is not known here: whatever it is, it is settled.
        """
        if self._facts + len(shipment.facts) > MOST_WAITING:
            return None
        lane = self._late if shipment.late else self._fresh
        if not shipment.late and _is_behind(shipment):
            self._behind_at = self._now()
        if not await self._bring(lane, shipment, shipment.received_at):
            return None
        fresh = tuple(fact for _, fact in shipment.facts)
        return Taken(fresh=fresh, repeated=0, refused=tuple(shipment.refused))

    async def run(self, stop: asyncio.Event) -> None:
        """Carry until `stop`, and then what waits; at last a mark that nothing more comes."""
        async with asyncio.TaskGroup() as group:
            marks = group.create_task(self._mark())
            while not stop.is_set() or self._facts:
                await self._carry(stop)
            marks.cancel()
        await self._send_mark(leaving=True)

    async def _bring(self, lane: deque[_Waiting], brought: Shipment | Dispatch, since: float) -> bool:
        waiting = _Waiting(brought, since, asyncio.get_running_loop().create_future())
        self._facts += len(brought.facts)
        lane.append(waiting)
        self._came.set()
        return await waiting.safe

    async def _carry(self, stop: asyncio.Event) -> None:
        """One round: what waits now, loaded and published together."""
        self._came.clear()
        if not (self._fresh or self._late):
            try:
                async with asyncio.timeout(AGAIN_S):
                    await self._came.wait()
            except TimeoutError:
                return
        if not stop.is_set():
            await asyncio.sleep(LINGER_S)
        self._under_way = [*self._fresh, *self._late]
        self._fresh.clear()
        self._late.clear()
        shipments = [one.brought for one in self._under_way if isinstance(one.brought, Shipment)]
        dispatches = [one.brought for one in self._under_way if isinstance(one.brought, Dispatch)]
        loads = list(load(shipments, dispatches, self._partitions))
        safe = all(await asyncio.gather(*(self._publish(one) for one in loads)))
        for one in self._under_way:
            self._facts -= len(one.brought.facts)
            self.sent += len(one.brought.facts) if safe else 0
            if not one.safe.done():
                one.safe.set_result(safe)
        self._under_way = []

    async def _publish(self, one: Load) -> bool:
        """Until the brokers hold it, or patience ends; whether they do."""
        subject = self._broker.subject(one.partition, "copy" if one.is_copy else "facts")
        body, name = pack_crate(one.crate), f"{self._who}-{next(self._ids)}"
        deadline = clock.monotonic() + PATIENCE_S
        while True:
            try:
                async with self._at_once:
                    await self._broker.publish(subject, body, name)
                return True
            except BusError as error:
                if clock.monotonic() > deadline:
                    self._log.warning("not_sent", subject=subject, error=str(error))
                    return False
                self._log.debug("sent_again", subject=subject, error=str(error))
            await asyncio.sleep(AGAIN_S)

    async def _mark(self) -> None:
        while True:
            await asyncio.sleep(MARK_S)
            await self._send_mark(leaving=False)

    async def _send_mark(self, *, leaving: bool) -> None:
        """Say how far everything is in the stream; nobody waits for a mark, which is followed by the next."""
        now = self._now()
        oldest = min((one.since for one in (*self._under_way, *self._fresh, *self._late)), default=None)
        at = self._hold.at(now, oldest, self._behind_at)
        mark = Mark(sender=self._who, at=at, sent_at=now, agents=self._agents, leaving=leaving)
        body = pack_mark(mark)
        try:
            for partition in self._partitions.used:
                await self._broker.put_down(self._broker.subject(partition, "mark"), body)
        except BusError as error:
            self._log.debug("mark_not_sent", error=str(error))


def _is_behind(shipment: Shipment) -> bool:
    """Whether its agent has more to bring."""
    if not shipment.facts:
        return False
    _, newest = shipment.facts[-1]
    return shipment.received_at - known_at(newest) > BEHIND_S
