"""One run from start to end: facts in real time, faults at their times, and what became of it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cluster.broker_network import BrokerNetwork
from cluster.database import Database
from cluster.faults import Done, faults_for
from cluster.feeder import Count, Feeder
from cluster.outcome import Outcome, outcome
from cluster.post import Post
from cluster.stage import Stage, stage
from cluster.world import World
from monitor.bus.errors import BusError
from monitor.bus.nats.broker import connected
from monitor.bus.nats.lease import Lease
from monitor.bus.partition import Partitions
from monitor.history import NoticeState, Reader
from monitor.hub.roles.checkpoint import unpack_checkpoint
from monitor.model.history_place import HistoryPlace
from probes import HttpObservation

SETTLED_S = 120.0
"""How long is waited at the end, at most, until everything is stored and told."""

JUDGED_S = 300.0
"""How long is waited, at most, for owners of partitions that a busy machine holds up."""

AFTER_S = 5.0
"""How far beyond the last fact each partition concludes before it counts as done."""

TAIL_S = 5.0

_OWED = (NoticeState.PENDING, NoticeState.HANDED_OVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A run: what was done, what came of it, and what each process cost. `unjudged`: the leases of partitions that
    had not concluded from all facts when patience ended.
    """

    outcome: Outcome
    faults: Sequence[Done]
    count: Count
    took_s: float
    cpu_s: dict[str, float]
    unjudged: tuple[str, ...]


async def play(
    world: World,
    folder: Path,
    place: HistoryPlace,
    faults: Sequence[tuple[float, str]],
    *,
    database: Database | None = None,
    partitions: int = 6,
    network: BrokerNetwork | None = None,
    judged_s: float = JUDGED_S,
) -> Played:
    """Run it. `faults`: seconds from the start, and the fault's name. `judged_s`: how long partitions may need
    after the last fact.
    """
    dice, done = random.Random(world.seed), list[Done]()
    async with Post() as post:
        on = stage(world, folder, place, post.port, partitions=partitions, network=network)
        up = await asyncio.to_thread(on.__enter__)
        try:
            known = faults_for(up, database)
            feeder = Feeder(world, up.signers, up.urls, up.certificate)
            before = _cpu_s(up, database)
            start = float(int(time.time()) + 1)

            async def inject(at: float, name: str) -> None:
                await asyncio.sleep(max(0.0, start + at - time.time()))
                done.append(Done(at, await known[name](up, dice)))

            async with asyncio.TaskGroup() as group:
                for at, name in faults:
                    group.create_task(inject(at, name))
                await feeder.run(start)
            took_s = feeder.new_until - start
            used = Partitions(world.config().targets, partitions)
            unjudged = await _judged(up, used, start + world.lasts_s, judged_s)
            await _settled(place, start, world)
            cpu_s = {name: spent - before[name] for name, spent in _cpu_s(up, database).items()}
        finally:
            await asyncio.to_thread(on.__exit__, None, None, None)
        found = await asyncio.to_thread(outcome, world, start, feeder.count.sent, place, post.mails)
    return Played(
        outcome=found,
        faults=sorted(done, key=lambda one: one.at),
        count=feeder.count,
        took_s=took_s,
        cpu_s=cpu_s,
        unjudged=unjudged,
    )


def _cpu_s(up: Stage, database: Database | None) -> dict[str, float]:
    """Processor time by process; what measures and brings, and counts in the end, is this one."""
    found = {name: role.cpu_s for name, role in up.roles.items()} | {"brokers": up.brokers.cpu_s}
    return found | ({"PostgreSQL": database.cpu_s} if database else {}) | {"the agents": time.process_time()}


async def _judged(up: Stage, partitions: Partitions, end: float, patience_s: float) -> tuple[str, ...]:
    """Until each partition has concluded from all facts, as its owner notes in its lease; those that have not."""
    until = time.monotonic() + patience_s
    async with connected(up.brokers.settings, "judged") as broker:
        await broker.find_buckets()
        leases = [Lease(broker, f"partition-{number}", "") for number in partitions.used]
        while leases and time.monotonic() < until:
            with suppress(BusError):
                leases = [lease for lease in leases if await _reached(lease) < end + AFTER_S]
            await asyncio.sleep(1.0)
    return tuple(lease.name for lease in leases)


async def _reached(lease: Lease) -> float:
    await lease.is_free()
    checkpoint = unpack_checkpoint(lease.note, time.time())
    return 0.0 if checkpoint is None else checkpoint.reached


async def _settled(place: HistoryPlace, start: float, world: World) -> None:
    """Until the last facts are stored and no message is owed; or patience ends."""
    until, end = time.monotonic() + SETTLED_S, start + world.lasts_s
    tail = (world.facts(number, start, world.lasts_s - 2 * TAIL_S) for number in range(world.vantages))
    last = sum(seen.at >= end - TAIL_S for facts in tail for seen in facts)

    def is_settled() -> bool:
        with Reader.open(place) as reader:
            here = sum(isinstance(seen, HttpObservation) for seen in reader.observations(end - TAIL_S, end + 60.0))
            owed = any(notice.state in _OWED for notice in reader.notices(start - 60.0, end + 600.0))
        return here >= last and not owed

    while time.monotonic() < until and not await asyncio.to_thread(is_settled):  # noqa: ASYNC110  (nobody tells)
        await asyncio.sleep(1.0)
