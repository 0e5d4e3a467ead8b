"""The agents of the test's world: each brings its facts over TLS, signed, until it has a receipt for every one.

As the program's own agents do (`monitor.spool.keepsakes`), each keeps for a while what was acknowledged, and
brings it again when the hub's word for its epoch has changed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import msgspec

from cluster.world import World
from monitor.agent.hub_link import HubLink, LinkError, hub_context
from monitor.link.messages import Batch, Numbered
from monitor.link.signature import Signer
from probes import clock

MOST_IN_BATCH = 500
PAUSE_S = 0.3
FIRST_NUMBER = 1_000_000

KEPT_S = 60.0
"""How long a fact is kept that was acknowledged; the program keeps it for ten minutes."""


@dataclass(slots=True)
class Count:
    """What the agents did: facts with a receipt, batches that had to be tried again, facts brought once more."""

    sent: int = 0
    tries: int = 0
    again: int = 0


@dataclass(slots=True)
class _Spool:
    """What an agent has to bring, and what it has brought: each with when that was, monotonic."""

    waiting: deque[Numbered] = field(default_factory=deque)
    kept: deque[tuple[float, Numbered]] = field(default_factory=deque)
    epoch: str = ""

    @property
    def lowest(self) -> int:
        """Below this number nothing comes any more."""
        return (self.kept[0][1] if self.kept else self.waiting[0]).sequence

    def brought(self, count: int, epoch: str, now: float) -> int:
        """So many of the first were acknowledged under an epoch; how many are owed again."""
        self.kept += [(now, self.waiting.popleft()) for _ in range(count)]
        before, self.epoch = self.epoch, epoch
        if before in ("", epoch):
            while self.kept[0][0] < now - KEPT_S:
                self.kept.popleft()
            return 0
        # What was brought under the new epoch already is repeated with the rest, and refused.
        owed = [one for _, one in self.kept]
        self.waiting.extendleft(reversed(owed))
        self.kept.clear()
        return len(owed)


class Feeder:
    """All vantages of a world. `urls`: the doors; an agent goes to the next one when its own does not answer."""

    def __init__(self, world: World, signers: Sequence[Signer], urls: Sequence[str], certificate: Path) -> None:
        self._world = world
        context = hub_context(certificate)
        self._links = [[HubLink(url, signer, context) for url in urls] for signer in signers]
        self.count = Count()

    async def run(self, start: float) -> None:
        """Bring everything; returns when there is a receipt for each fact."""
        async with asyncio.TaskGroup() as group:
            for vantage in range(self._world.vantages):
                group.create_task(self._bring(vantage, start))
        for links in self._links:
            for link in links:
                await link.aclose()

    async def _bring(self, vantage: int, start: float) -> None:
        facts, number, spool = self._world.facts(vantage, start), FIRST_NUMBER, _Spool()
        ahead = next(facts, None)
        while ahead is not None or spool.waiting:
            while ahead is not None and ahead.at + (ahead.total_s or 0.0) <= clock.wall():
                number += 1
                spool.waiting.append(Numbered(number, msgspec.Raw(msgspec.msgpack.encode(ahead))))
                ahead = next(facts, None)
            batch = tuple(islice(spool.waiting, MOST_IN_BATCH))
            if batch:
                epoch = await self._send(vantage, batch, spool.lowest)
                again = spool.brought(len(batch), epoch, clock.monotonic())
                self.count.sent += len(batch) - again
                self.count.again += again
            if len(spool.waiting) < MOST_IN_BATCH:
                await asyncio.sleep(1.0)

    async def _send(self, vantage: int, facts: tuple[Numbered, ...], lowest: int) -> str:
        """Until one door has given a receipt; the epoch that it names."""
        links = self._links[vantage]
        name, place = self._world.vantage_names[vantage], vantage
        while True:
            batch = Batch(vantage=name, sent_at=clock.wall(), settled_below=lowest, facts=facts)
            try:
                receipt = await links[place % len(links)].send(batch)
            except LinkError:
                self.count.tries += 1
                place += 1
                await asyncio.sleep(PAUSE_S)
                continue
            assert receipt.refused == (), receipt.refused[0]
            return receipt.epoch
