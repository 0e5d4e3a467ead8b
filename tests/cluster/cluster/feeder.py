"""The agents of the test's world: each brings its facts over TLS, signed, until it has a receipt for every one.

As the program's own agents do (`monitor.spool`), each keeps for a while what was acknowledged, and brings it
again, behind what is new, when the hub's word for its epoch has changed.
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
from monitor.link.messages import Batch, Numbered, Receipt
from monitor.link.signature import Signer
from probes import clock

MOST_IN_BATCH = 500
PAUSE_S = 0.3
FIRST_NUMBER = 1_000_000

KEPT_S = 30.0
"""How long a fact is kept that was acknowledged: ten times what a power cut takes. The program keeps it for ten
minutes."""


@dataclass(slots=True)
class Count:
    """What the agents did: facts with a receipt, batches that had to be tried again, facts brought once more."""

    sent: int = 0
    tries: int = 0
    again: int = 0


@dataclass(slots=True)
class _Spool:
    """What an agent has to bring, and what it has brought: each with when that was, monotonic.

    `owed`: what it brings again, behind what is new; `repeated`: what it has brought again. Each is in the order
    of its numbers. `welcome_at`: when the hub wants more of what is owed again.
    """

    waiting: deque[Numbered] = field(default_factory=deque)
    kept: deque[tuple[float, Numbered]] = field(default_factory=deque)
    owed: deque[Numbered] = field(default_factory=deque)
    repeated: deque[tuple[float, Numbered]] = field(default_factory=deque)
    epoch: str = ""
    welcome_at: float = 0.0

    @property
    def lowest(self) -> int:
        """Below this number nothing comes any more."""
        kept = [lane[0][1].sequence for lane in (self.kept, self.repeated) if lane]
        return min(kept + [lane[0].sequence for lane in (self.waiting, self.owed) if lane])

    def next(self, *, late: bool) -> tuple[Numbered, ...]:
        """The next batch of what is new, or of what is brought again."""
        return tuple(islice(self.owed if late else self.waiting, MOST_IN_BATCH))

    def brought(self, count: int, epoch: str, now: float, *, late: bool) -> int:
        """So many of the first were acknowledged under an epoch; how many are owed again."""
        lane, kept = (self.owed, self.repeated) if late else (self.waiting, self.kept)
        kept += [(now, lane.popleft()) for _ in range(count)]
        before, self.epoch = self.epoch, epoch
        if before in ("", epoch):
            for done in (self.kept, self.repeated):
                while done and done[0][0] < now - KEPT_S:
                    done.popleft()
            return 0
        # What was brought under the new epoch already is repeated with the rest, and refused.
        again = [one for _, one in (*self.repeated, *self.kept)]
        self.owed = deque(sorted((*self.owed, *again), key=lambda one: one.sequence))
        self.kept.clear()
        self.repeated.clear()
        return len(again)


class Feeder:
    """All vantages of a world. `urls`: the doors; an agent goes to the next one when its own does not answer."""

    def __init__(self, world: World, signers: Sequence[Signer], urls: Sequence[str], certificate: Path) -> None:
        self._world = world
        context = hub_context(certificate)
        self._links = [[HubLink(url, signer, context) for url in urls] for signer in signers]
        self.count = Count()
        self.new_until = 0.0
        """When the last of what is new was brought, Unix seconds; what is owed again may come later."""

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
        while ahead is not None or spool.waiting or spool.owed:
            while ahead is not None and ahead.at + (ahead.total_s or 0.0) <= clock.wall():
                number += 1
                spool.waiting.append(Numbered(number, msgspec.Raw(msgspec.msgpack.encode(ahead))))
                ahead = next(facts, None)
            if batch := spool.next(late=False):
                self._done(spool, batch, await self._send(vantage, batch, spool.lowest), late=False)
                self.new_until = clock.wall()
            if len(spool.waiting) < MOST_IN_BATCH:
                await self._send_again(vantage, spool)
                await asyncio.sleep(1.0)

    async def _send_again(self, vantage: int, spool: _Spool) -> None:
        """The next batch of what is owed again, when the hub wants it; it does not come before what is new."""
        batch = spool.next(late=True)
        if not batch or clock.monotonic() < spool.welcome_at:
            return
        try:
            receipt = await self._try(vantage, vantage, batch, spool.lowest, late=True)
        except LinkError:
            return
        spool.welcome_at = clock.monotonic() + receipt.backlog_pause_s
        self._done(spool, batch, receipt, late=True)

    def _done(self, spool: _Spool, batch: Sequence[Numbered], receipt: Receipt, *, late: bool) -> None:
        assert receipt.refused == (), receipt.refused[0]
        again = spool.brought(len(batch), receipt.epoch, clock.monotonic(), late=late)
        self.count.sent += len(batch) - again
        self.count.again += again

    async def _send(self, vantage: int, facts: tuple[Numbered, ...], lowest: int) -> Receipt:
        """Until one door has given a receipt."""
        place = vantage
        while True:
            try:
                return await self._try(vantage, place, facts, lowest, late=False)
            except LinkError:
                self.count.tries += 1
                place += 1
                await asyncio.sleep(PAUSE_S)

    async def _try(
        self, vantage: int, place: int, facts: tuple[Numbered, ...], lowest: int, *, late: bool
    ) -> Receipt:
        links, name = self._links[vantage], self._world.vantage_names[vantage]
        batch = Batch(vantage=name, sent_at=clock.wall(), late=late, settled_below=lowest, facts=facts)
        return await links[place % len(links)].send(batch)
