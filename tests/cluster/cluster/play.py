"""One run from start to end: facts in real time, faults at their times, and what became of it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.faults import Done, faults_for
from cluster.feeder import Count, Feeder
from cluster.outcome import Outcome, outcome
from cluster.post import Post
from cluster.stage import stage
from cluster.world import World
from monitor.history import Reader
from monitor.model.history_place import HistoryPlace

SETTLED_S = 90.0
"""How long is waited at the end, at most, until everything is stored, closed and told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A run: what was done, what came of it, and what each process cost."""

    outcome: Outcome
    faults: Sequence[Done]
    count: Count
    took_s: float
    cpu_s: dict[str, float]


async def play(
    world: World,
    folder: Path,
    place: HistoryPlace,
    faults: Sequence[tuple[float, str]],
    *,
    restart_database: Callable[[], None] | None = None,
    partitions: int = 6,
) -> Played:
    """Run it. `faults`: seconds from the start, and the fault's name."""
    dice, done = random.Random(world.seed), list[Done]()
    async with Post() as post:
        on = stage(world, folder, place, post.port, partitions=partitions)
        up = await asyncio.to_thread(on.__enter__)
        try:
            known = faults_for(up, restart_database)
            feeder = Feeder(world, up.signers, up.urls, up.certificate)
            before = {name: role.cpu_s for name, role in up.roles.items()}
            start = float(int(time.time()) + 1)

            async def inject(at: float, name: str) -> None:
                await asyncio.sleep(max(0.0, start + at - time.time()))
                done.append(Done(at, await known[name](up, dice)))

            async with asyncio.TaskGroup() as group:
                for at, name in faults:
                    group.create_task(inject(at, name))
                await feeder.run(start)
            took_s = time.time() - start
            await _settled(place, start, world, post)
            cpu_s = {name: role.cpu_s - before[name] for name, role in up.roles.items()}
        finally:
            await asyncio.to_thread(on.__exit__, None, None, None)
        found = await asyncio.to_thread(outcome, world, start, feeder.count.sent, place, post.mails)
    return Played(
        outcome=found, faults=sorted(done, key=lambda one: one.at), count=feeder.count, took_s=took_s, cpu_s=cpu_s
    )


async def _settled(place: HistoryPlace, start: float, world: World, post: Post) -> None:
    """Until no incident is open and every message is sent, for some seconds; or patience ends."""
    until, quiet = time.monotonic() + SETTLED_S, 0

    def still_open() -> int:
        with Reader.open(place) as reader:
            owed = sum(
                notice.state.value in ("pending", "handed_over") for notice in reader.notices(start - 60, 4e9)
            )
            return len(reader.open_incidents()) + owed

    while time.monotonic() < until and quiet < 5:
        quiet = 0 if await asyncio.to_thread(still_open) else quiet + 1
        await asyncio.sleep(1.0)
