"""Carries what is in the spool to one hub, in two lanes, and never keeps a probe waiting.

The fresh lane sends what has just been measured; the backlog lane what is older, oldest first, only while the
fresh one gets through and as slowly as the hub asks. A batch leaves the spool when the hub says that it is
durable, or that it will never be taken; until then it is sent again, and the hub takes a fact once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import structlog

from monitor.agent.hub_link import HubLink, LinkError
from monitor.agent.pause import Pause
from monitor.link.messages import Batch, Numbered
from monitor.spool import Kept, Spool, SpoolError
from probes import clock

LINGER_S = 1.0
"""How long fresh facts wait for others: one request a second is enough for a verdict within a minute."""

MOST_IN_BATCH = 500
MOST_BYTES = 2**20
"""Of a batch's facts before compression."""

BACKLOG_EVERY_S = 1.0
"""Between two batches of the backlog: 500 facts a second are 100 times what a large agent measures."""

MOST_LOSSES = 10


class _Carried(NamedTuple):
    """One batch: whether there may be more, and how long the hub wants to wait for more of the backlog."""

    more: bool
    pause_s: float = 0.0


class Postman:
    """Serves one hub. `run` it once; `wake` it when facts came. `name`: what the spool calls the hub."""

    def __init__(
        self,
        vantage: str,
        name: str,
        spool: Spool,
        link: HubLink,
        *,
        now: Callable[[], float] = clock.wall,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._vantage = vantage
        self._name = name
        self._spool = spool
        self._link = link
        self._now = now
        self._monotonic = monotonic
        self._came = asyncio.Event()
        self._through = asyncio.Event()
        self._epoch = ""
        self._log = structlog.get_logger("postman").bind(hub=name)
        self.reached_at: float | None = None
        """When the hub last took a batch, by the monotonic clock; None: never."""
        self.refused_since: float | None = None
        """Since when (monotonic) it was not reached though tried; None: the last try went well."""

    def wake(self) -> None:
        """Facts came to the spool."""
        self._came.set()

    async def run(self) -> None:
        """Carry until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._carry_fresh())
            group.create_task(self._carry_backlog())

    async def last_round(self) -> None:
        """Send once what is fresh; for an end, when nothing more will come.

        :raises LinkError: the hub did not take it; it stays in the spool
        """
        while (await self._carry(late=False)).more:
            pass

    async def _carry_fresh(self) -> None:
        pause = Pause()
        while True:
            try:
                more = (await self._carry(late=False)).more
            except (LinkError, SpoolError) as error:
                self._through.clear()
                if self.refused_since is None:
                    self.refused_since = self._monotonic()
                pause_s = pause.after(error)
                self._log.warning("hub_not_reached", error=str(error), again_in_s=round(pause_s, 1))
                await asyncio.sleep(pause_s)
                continue
            pause.over()
            self.refused_since = None
            self._through.set()
            if not more:
                await self._came.wait()
                self._came.clear()
                await asyncio.sleep(LINGER_S)

    async def _carry_backlog(self) -> None:
        pause = Pause()
        while True:
            await self._through.wait()
            try:
                carried = await self._carry(late=True)
            except (LinkError, SpoolError) as error:
                # Tried again by itself: where nothing fresh comes, the fresh lane would never find out.
                self._log.info("backlog_waits", error=str(error))
                await asyncio.sleep(pause.after(error))
                continue
            pause.over()
            await asyncio.sleep(max(BACKLOG_EVERY_S if carried.more else 10.0, carried.pause_s))

    async def _carry(self, *, late: bool) -> _Carried:
        """Send one batch.

        :raises LinkError: the hub did not take it
        """
        look = self._spool.backlog if late else self._spool.fresh
        kept = await asyncio.to_thread(look, self._name, self._monotonic(), MOST_IN_BATCH, MOST_BYTES)
        losses = [] if late else await asyncio.to_thread(self._spool.losses, self._name, MOST_LOSSES)
        if not kept and not losses:
            return _Carried(more=False)
        below = await asyncio.to_thread(self._spool.settled_below, self._name)
        receipt = await self._link.send(
            Batch(
                vantage=self._vantage,
                sent_at=self._now(),
                late=late,
                hub_ahead_s=round(self._link.ahead_s, 3),
                settled_below=below,
                facts=_numbered(kept),
                losses=tuple(loss for _, loss in losses),
            )
        )
        self.reached_at = self._monotonic()
        if receipt.refused:
            self._log.error("facts_refused_by_hub", facts=len(receipt.refused), first=receipt.refused[0].reason)
        kept_at = self._now() if receipt.epoch else None
        await asyncio.to_thread(self._spool.acknowledge, self._name, [one.sequence for one in kept], kept_at)
        await self._heed_epoch(receipt.epoch)
        await asyncio.to_thread(self._spool.told, [key for key, _ in losses])
        more = len(kept) >= MOST_IN_BATCH or sum(len(one.body) for one in kept) > MOST_BYTES / 2
        return _Carried(more=more, pause_s=receipt.backlog_pause_s)

    async def _heed_epoch(self, epoch: str) -> None:
        """When the hub's brokers may have lost what they took, send again what is kept of that.

        What this very batch brought is among it: its receipt may be older than the loss.
        """
        if not epoch or epoch == self._epoch:
            return
        memo = f"epoch of {self._name}"
        before = await asyncio.to_thread(self._spool.recall, memo)
        if before not in (None, epoch):
            facts = await asyncio.to_thread(self._spool.owe_again, self._name, self._monotonic())
            self._log.warning("sends_again", facts=facts, epoch=epoch, before=before)
        if before != epoch:
            await asyncio.to_thread(self._spool.remember, memo, epoch)
        self._epoch = epoch


def _numbered(kept: Sequence[Kept]) -> tuple[Numbered, ...]:
    return tuple(Numbered(one.sequence, msgspec.Raw(one.body)) for one in kept)
