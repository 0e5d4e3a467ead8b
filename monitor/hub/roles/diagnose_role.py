"""The role that judges: each partition in use has one owner at a time, among all processes with this role.

Theory of operation. Processes show that they are there (an entry that expires), and each takes its fair share
of the partitions: all divided by how many are there, rounded up. A partition whose lease nobody renews is taken
by who has room. One that has more than its share, since others came, gives the surplus back, a partition a
look.

An owner that is so far behind that its checkpoint is too old for a follower begins anew as one would: from the
history, at the present.

What makes two owners harmless, should one be paused and wake: the history takes changes under the newest tenure
only.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog

from monitor.bus.crate import Crate, pack_crate
from monitor.bus.errors import BusError
from monitor.bus.loading import MOST_IN_CRATE
from monitor.bus.nats.broker import Broker
from monitor.bus.nats.lease import RENEW_S, Lease
from monitor.bus.nats.members import Members
from monitor.bus.partition import Partitions
from monitor.diagnose.knowledge import Knowledge
from monitor.history import HistoryError, Store
from monitor.history.shipment import Dispatch
from monitor.history.tenure import TenureError
from monitor.hub.lookout import Listeners
from monitor.hub.newcomers import Newcomers
from monitor.hub.roles.checkpoint import OLD_S, pack_checkpoint, unpack_checkpoint
from monitor.hub.roles.ended import ended
from monitor.hub.roles.shard import Shard
from monitor.hub.roles.topics import BOOST, MET, Boosted
from monitor.hub.tables import TableLoader, Tables
from monitor.model.settings import Config
from probes import Observation, clock

_log = structlog.get_logger("diagnose")


@dataclass(slots=True)
class _Owned:
    lease: Lease
    shard: Shard
    task: asyncio.Task[None]
    note: bytes


class DiagnoseRole:
    """`run` it once; `reload` while it runs. `who`: of this process. `now`: Unix seconds."""

    def __init__(
        self, config: Config, store: Store, broker: Broker, who: str, now: Callable[[], float] = clock.wall
    ) -> None:
        self._config = config
        self._store = store
        self._broker = broker
        self._who = who
        self._now = now
        self._partitions = Partitions(config.targets, broker.settings.partitions)
        self._tables, self._loader = Tables(), TableLoader()
        self._owned: dict[int, _Owned] = {}
        self._newcomers = Newcomers()
        self._to_say: set[asyncio.Task[None]] = set()
        self._leases: dict[int, Lease] = {}

    @property
    def owned(self) -> tuple[int, ...]:
        """The partitions that are this process's now."""
        return tuple(sorted(self._owned))

    @property
    def judged(self) -> int:
        """Facts that its partitions have concluded from since they were taken."""
        return sum(one.shard.judged for one in self._owned.values())

    async def run(self, stop: asyncio.Event) -> None:
        """Own partitions until `stop`, and give them back then.

        :raises HistoryError: the history is broken for good
        :raises BusError: the brokers cannot be used
        """
        self._tables = await self._loader.load(self._config, self._tables)
        members = Members(self._broker, "diagnose", self._who)
        async with asyncio.TaskGroup() as group:
            refresh = group.create_task(self._refresh_tables())
            while not stop.is_set():
                await self._look(members, group)
                try:
                    async with asyncio.timeout(RENEW_S):
                        await stop.wait()
                except TimeoutError:
                    continue
            await ended(refresh)
            for partition in self.owned:
                await self._give_up(partition, give_back=True)

    async def reload(self, config: Config) -> None:
        """Go on with another configuration: every partition is taken anew, for targets may have moved."""
        self._config = config
        self._partitions = Partitions(config.targets, self._broker.settings.partitions)
        self._tables = await self._loader.load(config, self._tables)
        await self._begin_anew()

    async def _look(self, members: Members, group: asyncio.TaskGroup) -> None:
        """Renew what is ours, take what is nobody's, give back what is too much."""
        await self._renew()
        try:
            fair = math.ceil(len(self._partitions.used) / await members.count())
            for partition in self._partitions.used:
                if partition in self._owned:
                    continue
                lease = self._leases.setdefault(
                    partition, Lease(self._broker, f"partition-{partition}", self._who)
                )
                if await lease.is_free() and len(self._owned) < fair and await lease.take():
                    self._own(partition, lease, group)
            surplus = [partition for partition in self.owned if partition not in self._partitions.used]
            if len(self._owned) - len(surplus) > fair:
                surplus.append(self.owned[-1])
            for partition in surplus:
                await self._give_up(partition, give_back=True)
        except BusError as error:
            _log.warning("leases_not_seen", error=str(error))

    async def _renew(self) -> None:
        for partition, owned in tuple(self._owned.items()):
            if owned.task.done():
                # Ended by itself: who has the tenure now has the lease too, or the next look finds it free.
                await self._give_up(partition, give_back=True)
                continue
            if (checkpoint := owned.shard.checkpoint) is not None:
                owned.note = pack_checkpoint(checkpoint)
                behind_s = self._now() - checkpoint.reached
                if behind_s > OLD_S:
                    # The stream forgets what stores have kept: who is farther behind would leave out a part of it.
                    _log.warning("partition_too_far_behind", partition=partition, behind_s=round(behind_s))
                    await self._give_up(partition, give_back=True)
                    continue
            try:
                still = await owned.lease.renew(owned.note)
            except BusError as error:
                _log.debug("lease_not_renewed", partition=partition, error=str(error))
                continue
            if not still:
                _log.warning("partition_lost", partition=partition)
                await self._give_up(partition, give_back=False)

    def _own(self, partition: int, lease: Lease, group: asyncio.TaskGroup) -> None:
        now = self._now()
        shard = Shard(
            partition, self._partitions, self._knowledge(), self._store, self._broker,
            Listeners(boost=self._boost, look=self._look_from, located=self._located),
        )  # fmt: skip
        task = group.create_task(_unless_outdone(shard.run(unpack_checkpoint(lease.note, now), now)))
        self._owned[partition] = _Owned(lease, shard, task, lease.note)

    async def _give_up(self, partition: int, *, give_back: bool) -> None:
        owned = self._owned.pop(partition, None)
        if owned is None:
            return  # a reload was quicker
        await ended(owned.task)
        if give_back:
            checkpoint = owned.shard.checkpoint
            await owned.lease.give_back(owned.note if checkpoint is None else pack_checkpoint(checkpoint))
            _log.info("partition_given_back", partition=partition)
        self._leases.pop(partition, None)

    def _knowledge(self) -> Knowledge:
        tables = self._tables
        return Knowledge.from_config(
            self._config, prefix_table=tables.prefixes, vrps=tables.vrps, relationships=tables.relationships
        )

    async def _refresh_tables(self) -> None:
        """New VRPs are known to engines that are made anew, from the history and the last minute of the stream."""
        while True:
            await asyncio.sleep(self._config.rpki.refresh_s)
            before, self._tables = self._tables, await self._loader.load(self._config, self._tables)
            if self._tables.vrps is not before.vrps:
                await self._begin_anew()

    async def _begin_anew(self) -> None:
        for partition in self.owned:
            await self._give_up(partition, give_back=True)

    # What the shards call

    def _boost(self, target: str) -> None:
        self._say(self._broker.say(BOOST, msgspec.msgpack.encode(Boosted(target))))

    def _look_from(self, target: str, vantage: str) -> None:
        self._say(self._broker.say(BOOST, msgspec.msgpack.encode(Boosted(target, vantage))))

    def _located(self, seen: Sequence[Observation]) -> None:
        new = tuple(self._newcomers.among(seen, self._now()))
        for first in range(0, len(new), MOST_IN_CRATE):
            dispatch = Dispatch(source="~met", number=1, facts=new[first : first + MOST_IN_CRATE])
            self._say(self._broker.say(MET, pack_crate(Crate(dispatches=(dispatch,)))))

    def _say(self, saying: Coroutine[Any, Any, None]) -> None:
        async def say() -> None:
            try:
                await saying
            except BusError as error:
                _log.debug("not_said", error=str(error))

        task = asyncio.create_task(say())
        self._to_say.add(task)
        task.add_done_callback(self._to_say.discard)


async def _unless_outdone(running: Coroutine[Any, Any, None]) -> None:
    """Run a shard. That another process has its partition, or that the history is away for a while, is no defect.

    :raises HistoryError: the history is broken for good
    """
    try:
        await running
    except TenureError as error:
        _log.warning("partition_lost", error=str(error))
    except HistoryError as error:
        if not error.can_retry:
            raise
        _log.warning("partition_waits_for_history", error=str(error))
