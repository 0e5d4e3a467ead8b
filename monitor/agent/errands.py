"""Keeps asking one hub what to do, and hands its orders on: other targets, a closer look now.

One request is always open, so an order is here within a round trip. It is also the sign of life by which the hub
knows a silent vantage from one that has nothing to send.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Collection, Sequence

import structlog

from monitor import __version__
from monitor.agent.hub_link import HubLink, LinkError
from monitor.agent.pause import Pause
from monitor.link.messages import MOST_BOOSTS, MOST_TOLD, OrdersRequest
from probes import clock

SHORTEST_S = 0.2
"""Between two requests: a hub that answers at once for ever must not keep us busy."""


class Errands:
    """Serves one hub. `boost` and `measure` are called on the loop's thread with what the hub orders.

    `waiting`: how many facts the spool has for it; `refused`: the targets of the hub's that are not probed here.
    `first_unheard_s`: at the standby, for how long the hub that it stands by for was not heard; None: this is it.
    `first_told`: at the standby, the messages which that hub has sent; `has_standby`: this is that hub.
    """

    def __init__(
        self,
        vantage: str,
        link: HubLink,
        *,
        boost: Callable[[str], object],
        measure: Callable[[str], object],
        waiting: Callable[[], int],
        refused: Callable[[], Collection[str]],
        first_unheard_s: Callable[[], float] | None = None,
        first_told: Callable[[], Sequence[str]] = tuple,
        has_standby: bool = False,
        now: Callable[[], float] = clock.wall,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._vantage = vantage
        self._link = link
        self._boost = boost
        self._measure = measure
        self._waiting = waiting
        self._refused = refused
        self._first_unheard_s = first_unheard_s
        self._first_told = first_told
        self._told_after = 0 if has_standby else None
        self._told: deque[str] = deque(maxlen=MOST_TOLD)
        self._began_at = monotonic()
        self._now = now
        self._monotonic = monotonic
        self._digest = ""
        self._after = 0
        self._log = structlog.get_logger("errands").bind(hub=link.url)
        self.heard_at: float | None = None
        """When the hub last answered, by the monotonic clock; None: never."""

    @property
    def unheard_s(self) -> float:
        """For how long the hub has not answered."""
        return self._monotonic() - (self._began_at if self.heard_at is None else self.heard_at)

    @property
    def told(self) -> tuple[str, ...]:
        """The messages that the hub says it has sent, the newest last."""
        return tuple(self._told)

    async def run(self) -> None:
        """Ask until cancelled."""
        pause = Pause()
        while True:
            try:
                await self._ask()
            except LinkError as error:
                pause_s = pause.after(error)
                self._log.warning("orders_not_heard", error=str(error), again_in_s=round(pause_s, 1))
                await asyncio.sleep(pause_s)
            else:
                pause.over()
                await asyncio.sleep(SHORTEST_S)

    async def _ask(self) -> None:
        waiting = await asyncio.to_thread(self._waiting)
        orders = await self._link.orders(
            OrdersRequest(
                vantage=self._vantage,
                sent_at=self._now(),
                program=__version__,
                measures=self._digest,
                after=self._after,
                waiting=waiting,
                refused_targets=tuple(self._refused())[:MOST_BOOSTS],
                first_unheard_s=None if self._first_unheard_s is None else self._first_unheard_s(),
                told_after=self._told_after,
                told=tuple(self._first_told()),
            )
        )
        self.heard_at = self._monotonic()
        if orders.measures is not None:
            self._digest = hashlib.sha256(orders.measures.encode()).hexdigest()[:32]
            self._measure(orders.measures)
        for told in orders.told:
            self._told_after = max(self._told_after or 0, told.number)
            self._told.append(told.key)
            self._log.info("first_hub_sent", notice=told.key)
        for boost in orders.boosts:
            if boost.number > self._after:
                self._after = boost.number
                self._boost(boost.target)
