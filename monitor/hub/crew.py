"""The hub's agents: what they bring goes on, what they are to do goes back, and who is silent is said.

An order reaches an agent by the request that it keeps open for that: a boost is with every agent within a round
trip, so that all look closer while the trouble is young. Boosts are not stored: one that is a minute old comes
too late to matter.

The crew knows an agent by the name that its key gave it. It does not know HTTP.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog
from msgspec.structs import replace

from monitor.bus.outlet import Outlet
from monitor.diagnose.contact import SILENT_S
from monitor.history.clock_offset import ClockOffset
from monitor.history.shipment import Refusal as Unkept
from monitor.history.shipment import Shipment
from monitor.hub.backlog_pace import BacklogPace
from monitor.link.messages import (
    MOST_BOOSTS,
    MOST_TOLD,
    Batch,
    Boost,
    Orders,
    OrdersRequest,
    Receipt,
    Refusal,
    Told,
)
from monitor.model.contact import CONTACT, HEARD, HUB, SILENT
from monitor.model.settings import Config
from monitor.web.intake import Brought
from probes import NotMeasured, Observation, clock

WAIT_S = 15.0
"""How long a request for orders is kept open. Translators and proxies forget a silent connection after 30 s; and
by these requests agents know that the hub is there (`Standby`)."""

BOOST_KEPT_S = 60.0

CHECK_S = 10.0

MOST_OFF_S = 2.0
"""A clock that is further off than this is said to be wrong; the way here takes a fraction of it."""

MOST_CORRECTED_S = 7200.0
"""A clock that was set to the wrong hour is made up for; one that is further off dates nothing."""


Numbered = Sequence[tuple[int, Observation]]


@dataclass(frozen=True, slots=True)
class _Order:
    """A boost given at a time of the monotonic clock, to one vantage or to all (None)."""

    at: float
    boost: Boost
    vantage: str | None


class Crew:
    """Make it inside a running loop. `outlet`: where facts go, be it the centre or a bus."""

    def __init__(
        self,
        config: Config,
        outlet: Outlet,
        *,
        first_unheard: Callable[[str, float | None, Sequence[str]], object] = lambda vantage, unheard_s, told: (
            None
        ),
        epoch: Callable[[], str] = lambda: "",
        now: Callable[[], float] = clock.wall,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._outlet = outlet
        self._first_unheard = first_unheard
        self._epoch = epoch
        self._now = now
        self._monotonic = monotonic
        self._pace = BacklogPace(monotonic())
        self._boosts: deque[_Order] = deque(maxlen=MOST_BOOSTS)
        self._told: deque[Told] = deque(maxlen=MOST_TOLD)
        self.digest = ""
        """Of the measures that are handed out."""
        self._number = 0
        self._news = asyncio.Event()
        self._dismissed = False
        self._heard: dict[str, float] = {}
        self._here: set[str] = set()
        self._silent: set[str] = set()
        # Who has been heard since the start or since its silence, so that its return is one fact too.
        self._present: set[str] = set()
        self._came: list[NotMeasured] = []
        self._offsets: dict[str, ClockOffset] = {}
        self._wrong: set[str] = set()
        self._log = structlog.get_logger("crew")
        self.configure(config)

    def configure(self, config: Config) -> None:
        """Hand out these targets from now on."""
        self._measures = config.measures
        self.digest = hashlib.sha256(config.measures.encode()).hexdigest()[:32]
        known = [vantage.name for vantage in config.vantages if vantage.keys]
        at = self._monotonic()
        # One that has not come since our start is silent after the same time as one that went.
        self._heard = {name: self._heard.get(name, at) for name in known}
        self._silent &= set(known)
        self._present &= set(known)
        self._announce()

    def boost(self, target: str, vantage: str | None = None) -> None:
        """Tell an agent to look closer, by its vantage; None: every one."""
        self._boosts.append(_Order(self._monotonic(), Boost(self._next_number(), target), vantage))
        self._announce()

    def told(self, key: str) -> None:
        """Let agents know that this message was sent, for the standby."""
        self._told.append(Told(self._next_number(), key))
        self._announce()

    def _next_number(self) -> int:
        self._number = max(self._number + 1, int(self._now() * 1e6))
        return self._number

    def backlog_wait_s(self, vantage: str) -> float:
        """How long a vantage that comes now with late facts shall wait; 0.0: they are welcome."""
        return self._pace.wait_s(vantage, self._monotonic())

    async def take(self, brought: Brought) -> Receipt | None:
        """Keep what an agent brought; None: its numbers cannot be kept (said in the log)."""
        vantage, batch = brought.vantage, brought.batch
        self._hear(vantage)
        self._compare_clocks(vantage, brought.received_at, batch.sent_at)
        for loss in batch.losses:
            self._log.warning(
                "facts_lost_by_agent", vantage=vantage, facts=loss.count, since=loss.since, until=loss.until,
                thinned=loss.thinned,
            )  # fmt: skip
        pause_s = self._pace.admit(vantage, len(brought.facts), self._monotonic()) if batch.late else 0.0
        began_at = self._monotonic()
        taken = await self._outlet.take(
            Shipment(
                vantage=vantage,
                received_at=brought.received_at,
                sent_at=batch.sent_at,
                facts=_by_our_clock(brought.facts, batch),
                refused=[Unkept(one.sequence, one.reason) for one in brought.refused],
                settled_below=batch.settled_below,
                late=batch.late,
            )
        )
        if not batch.late:
            self._pace.fresh_took(self._monotonic() - began_at, self._monotonic())
        if taken is None:
            return None
        if taken.repeated:
            self._log.debug("facts_repeated", vantage=vantage, facts=taken.repeated)
        return Receipt(
            received_at=brought.received_at,
            refused=tuple(Refusal(one.sequence, one.reason) for one in taken.refused),
            backlog_pause_s=pause_s,
            epoch=self._epoch(),
        )

    async def orders(self, request: OrdersRequest) -> Orders:
        """What is new for this vantage, at once or when there is; nothing after `WAIT_S`."""
        self._hear(request.vantage)
        self._first_unheard(request.vantage, request.first_unheard_s, request.told)
        self._compare_clocks(request.vantage, self._now(), request.sent_at)
        try:
            async with asyncio.timeout(WAIT_S):
                while (found := self._orders_for(request)) is None and not self._dismissed:
                    await self._news.wait()
        except TimeoutError:
            found = None
        return found or Orders(at=self._now())

    def dismiss(self) -> None:
        """Answer all that wait for orders; nobody waits any more."""
        self._dismissed = True
        self._announce()

    async def watch(self, speaks: Callable[[], bool] = lambda: True) -> None:
        """Say who has fallen silent and who is heard, until cancelled.

        `speaks`: whether it is this crew that says so; of several at one bus only one does.
        """
        spoke = speaks()
        while True:
            await asyncio.sleep(CHECK_S)
            if speaks() and not spoke:
                # Whoever spoke before may have missed what changed at its end: all is said once more.
                self._present.clear()
                self._silent.clear()
            spoke, news = speaks(), self.contact_news()
            if news and spoke:
                await self._outlet.put(news)

    def heard_here(self) -> tuple[str, ...]:
        """The vantages that came to this door since this was asked last."""
        here, self._here = tuple(self._here), set()
        return here

    def heard_elsewhere(self, vantages: Iterable[str]) -> None:
        """Another door of the same hub has just heard these."""
        for vantage in vantages:
            if vantage in self._heard:
                self._note_heard(vantage)

    def contact_news(self) -> list[NotMeasured]:
        """The vantages that were heard for the first time, or again, and those that have just become silent.

        As facts: what is not heard of a vantage is not measured, and a diagnosis must know both ends of that.
        After a start each is said to be heard once, since who was silent before may have come back meanwhile.
        """
        at, now = self._monotonic(), self._now()
        news, self._came = self._came, []
        for name, heard_at in self._heard.items():
            if at - heard_at > SILENT_S and name not in self._silent:
                self._silent.add(name)
                self._present.discard(name)
                self._log.warning("vantage_silent", vantage=name, for_s=round(at - heard_at))
                news.append(_contact(now, name, SILENT))
        return news

    def _orders_for(self, request: OrdersRequest) -> Orders | None:
        oldest = self._monotonic() - BOOST_KEPT_S
        boosts = tuple(
            order.boost
            for order in self._boosts
            if order.at >= oldest
            and order.boost.number > request.after
            and order.vantage in (None, request.vantage)
        )
        after = request.told_after
        told = () if after is None else tuple(one for one in self._told if one.number > after)
        changed = request.measures != self.digest
        if not boosts and not changed and not told:
            return None
        return Orders(at=self._now(), measures=self._measures if changed else None, boosts=boosts, told=told)

    def _announce(self) -> None:
        """Wake all that wait; whoever comes later waits for the next news."""
        self._news.set()
        self._news = asyncio.Event()

    def _hear(self, vantage: str) -> None:
        self._here.add(vantage)
        self._note_heard(vantage)

    def _note_heard(self, vantage: str) -> None:
        self._heard[vantage] = self._monotonic()
        if vantage not in self._present:
            self._present.add(vantage)
            self._came.append(_contact(self._now(), vantage, HEARD))
        if vantage in self._silent:
            self._silent.discard(vantage)
            self._log.warning("vantage_heard_again", vantage=vantage)

    def _compare_clocks(self, vantage: str, received_at: float, sent_at: float) -> None:
        before = self._offsets.get(vantage)
        offset = (
            ClockOffset(received_at, received_at - sent_at)
            if before is None
            else before.after(received_at, sent_at)
        )
        self._offsets[vantage] = offset
        ahead_s = -offset.estimate_s
        if abs(ahead_s) > MOST_OFF_S and vantage not in self._wrong:
            self._wrong.add(vantage)
            self._log.warning("vantage_clock_wrong", vantage=vantage, ahead_s=round(ahead_s, 1))
        elif abs(ahead_s) <= MOST_OFF_S and vantage in self._wrong:
            self._wrong.discard(vantage)
            self._log.warning("vantage_clock_right_again", vantage=vantage)


def _by_our_clock(facts: Numbered, batch: Batch) -> Numbered:
    """Facts dated by our clock, where the vantage's is wrong.

    Else a vantage whose clock is an hour off has no say: what it measures now would be the future, or long ago.
    What has waited in a spool was dated by a clock of then, which nobody knows, and stays as it is. By when the
    shipment was sent and received, which is kept, the vantage's own times can be had again.
    """
    ahead_s = batch.hub_ahead_s
    if batch.late or not MOST_OFF_S < abs(ahead_s) <= MOST_CORRECTED_S:
        return facts
    return [(number, replace(fact, at=round(fact.at + ahead_s, 3))) for number, fact in facts]


def _contact(at: float, vantage: str, reason: str) -> NotMeasured:
    return NotMeasured(at=round(at, 3), vantage=vantage, target=HUB, probe=CONTACT, reason=reason)
