"""The agents of the test's world: each brings its facts over TLS, signed, until it has a receipt for every one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Count:
    """What the agents did: facts with a receipt, batches that had to be tried again, epochs they were told."""

    sent: int = 0
    tries: int = 0
    epochs: set[str] = field(default_factory=set)


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
        facts, number = self._world.facts(vantage, start), FIRST_NUMBER
        waiting: deque[Numbered] = deque()
        ahead = next(facts, None)
        while ahead is not None or waiting:
            while ahead is not None and ahead.at + (ahead.total_s or 0.0) <= clock.wall():
                number += 1
                waiting.append(Numbered(number, msgspec.Raw(msgspec.msgpack.encode(ahead))))
                ahead = next(facts, None)
            batch = [waiting[place] for place in range(min(len(waiting), MOST_IN_BATCH))]
            if batch:
                await self._send(vantage, tuple(batch))
                for _ in batch:
                    waiting.popleft()
            if len(waiting) < MOST_IN_BATCH:
                await asyncio.sleep(1.0)

    async def _send(self, vantage: int, facts: tuple[Numbered, ...]) -> None:
        """Until one door has given a receipt."""
        links = self._links[vantage]
        name, place = self._world.vantage_names[vantage], vantage
        while True:
            batch = Batch(vantage=name, sent_at=clock.wall(), settled_below=facts[0].sequence, facts=facts)
            try:
                receipt = await links[place % len(links)].send(batch)
            except LinkError:
                self.count.tries += 1
                place += 1
                await asyncio.sleep(PAUSE_S)
                continue
            assert receipt.refused == (), receipt.refused[0]
            self.count.sent += len(facts)
            self.count.epochs.add(receipt.epoch)
            return
