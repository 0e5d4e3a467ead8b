"""One partition's diagnosis, from taking it over until it is given up.

    tenure -> stores have caught up -> engine from history -> rehearsal -> stream -> changes, boosts

It takes facts and marks in the order of the stream and concludes up to the watermark. At the beginning it does
again what the last owner did in its last minute (`checkpoint`), holds what it concludes, and compares.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable

import structlog

from monitor.bus.crate import Crate, CrateError, unpack_crate, unpack_mark
from monitor.bus.nats.broker import Broker
from monitor.bus.nats.reader import Message, PartitionReader, at_time
from monitor.bus.partition import Partitions
from monitor.bus.seen import Seen
from monitor.bus.watermark import Watermark
from monitor.diagnose.fact import Fact, known_at
from monitor.diagnose.knowledge import Knowledge
from monitor.history import Store
from monitor.hub.judging import GRACE_S, Judge
from monitor.hub.keeping import recent
from monitor.hub.lookout import Listeners, Lookout
from monitor.hub.reaction import Reaction
from monitor.hub.roles.catching_up import stores_caught_up
from monitor.hub.roles.checkpoint import SLACK_S, Checkpoint, Trail
from monitor.hub.roles.share import Bench, Share, is_of, share_of
from monitor.hub.warm_start import engine_from_history, open_at
from monitor.model.incident import Incident

STEP_S = 0.5
"""The watermark moves by this much before it is concluded from: each mark of each door would be too often."""


class Shard:
    """Make it when its lease is held; `run` it once. `listeners`: see `Lookout`."""

    def __init__(
        self,
        partition: int,
        partitions: Partitions,
        knowledge: Knowledge,
        store: Store,
        broker: Broker,
        listeners: Listeners,
    ) -> None:
        self._partition = partition
        self._partitions = partitions
        self._knowledge = share_of(knowledge, partition, partitions)
        self._store = store
        self._broker = broker
        self._lookout = Lookout(listeners, Reaction(self._knowledge.targets))
        self._log = structlog.get_logger("diagnose").bind(partition=partition)
        self._gone = threading.Event()
        self._seen = Seen()
        self._arrived: list[Fact] = []
        self.checkpoint: Checkpoint | None = None
        """What to leave for the next owner; None: what the last one left."""
        self.judged = 0
        """Facts that it has concluded from."""

    async def run(self, last: Checkpoint | None, now: float) -> None:
        """Diagnose until cancelled; `last`: what the last owner left, `now`: Unix seconds.

        :raises TenureError: another process has the partition
        :raises HistoryError: the history is broken for good
        """
        self._begin = last.rewound if last is not None else now
        self._rested = last.rested if last is not None else ()
        self._rehearses_until = last.reached if last is not None else None
        self._reached, self._watermark = self._begin, Watermark(self._begin)
        start = last.place if last is not None else at_time(self._begin - SLACK_S)
        reader = PartitionReader(self._broker, self._partition, start)
        try:
            await self._prepare()
            await self._follow(reader)
        finally:
            self._gone.set()
            await reader.close()

    async def _prepare(self) -> None:
        tenure = await asyncio.to_thread(self._store.begin_tenure, f"partition-{self._partition}")
        self._kept = await stores_caught_up(self._broker)
        self._share = await asyncio.to_thread(self._remembering, self._begin)
        self._bench = Bench(self._store, tenure, self._gone, rehearses=self._rehearses_until is not None)
        self._judge = Judge(self._bench, self._share, lambda change: ())
        self._log.info(
            "partition_taken", tenure=tenure.term, targets=len(self._knowledge.targets), since=self._begin,
            open_incidents=len(self._share.open_incidents), rehearses=self._rehearses_until is not None,
        )  # fmt: skip

    async def _follow(self, reader: PartitionReader) -> None:
        trail: Trail | None = None
        while True:
            for message in await reader.fetch():
                trail = trail or Trail(self._begin, message.place)
                self._take(message)
                reached = self._watermark.until
                if reached is not None and reached >= self._reached + STEP_S:
                    await self._conclude(reached)
                    if self._rehearses_until is None:
                        self.checkpoint = trail.step(self._reached, message.place, self._engine.resting)

    def _take(self, message: Message) -> None:
        try:
            if message.kind == "mark":
                self._watermark.take(unpack_mark(message.body))
            else:
                self._arrived += self._fresh(unpack_crate(message.body), message.place)
        except CrateError as error:
            self._log.error("message_not_read", place=message.place, error=str(error))

    def _fresh(self, crate: Crate, place: int) -> Iterable[Fact]:
        """What is to be concluded from: once, not too late, and not what the history told already."""
        for shipment in crate.shipments:
            new = self._seen.fresh(shipment.vantage, shipment.facts)
            yield from (fact for fact in recent(new, shipment.received_at) if not self._is_told(fact, place))
        for dispatch in crate.dispatches:
            for whole in self._seen.fresh(dispatch.source, [(dispatch.number, dispatch)]):
                yield from (fact for fact in whole.facts if not self._is_told(fact, place))

    def _is_told(self, fact: Fact, place: int) -> bool:
        return place <= self._kept and known_at(fact) < self._begin

    async def _conclude(self, reached: float) -> None:
        """From all that arrived, up to a watermark; in a rehearsal no further than the last owner was."""
        rehearses_until = self._rehearses_until
        now = reached if rehearses_until is None else min(reached, rehearses_until)
        facts, self._arrived = self._arrived, []
        step = await asyncio.to_thread(self._judge.conclude, facts, len(facts), now)
        self.judged += len(facts)
        self._reached = now
        self._seen.tick(now)
        if rehearses_until is None:
            self._lookout.after(step, facts)
        elif now >= rehearses_until:
            await self._end_rehearsal(rehearses_until - GRACE_S)

    async def _end_rehearsal(self, moment: float) -> None:
        """Go on as the last owner, where the same is open; else begin plainly at `moment`, where it stopped."""
        self._rehearses_until = None
        known = await asyncio.to_thread(open_at, self._store.place, moment)
        stored = {incident.id for incident in known if self._is_mine(incident) and self._share.tells(incident)}
        found = {incident.id for incident in self._share.open_incidents}
        self._log.info("rehearsed", same=found == stored, open_incidents=len(stored))
        await asyncio.to_thread(self._bench.begin, with_held=found == stored)
        if found != stored:
            self._share = await asyncio.to_thread(self._remembering, moment)
            self._judge.replace(self._share)

    def _remembering(self, until: float) -> Share:
        self._engine = engine_from_history(
            self._store.place, self._knowledge, until, resumes=self._is_mine, resting=self._rested
        )
        return Share(self._engine, self._partition)

    def _is_mine(self, incident: Incident) -> bool:
        return is_of(incident, self._partition, self._partitions)
