"""The packets of all traces of one event loop: whose turn it is to send, and when each trace is looked at again.

One timer and one line for all of them. A trace costs its task one wake-up, at its end; what happens between is
callbacks, and what one wake-up of the loop brings in is taken in together.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from math import inf

from probes import clock
from probes.observation import Rewritten
from probes.traceroute.channel import Arrival, Channel, Inlet
from probes.traceroute.flow import Marks
from probes.traceroute.pace import Pace
from probes.traceroute.packets import Template
from probes.traceroute.rewriting import rewriting
from probes.traceroute.send_error import TRANSIENT, CannotTraceError
from probes.traceroute.stamps import Departure
from probes.traceroute.strategy import Answer, Probe, Strategy

__all__ = ["Run", "Traffic"]

_SOON_S = 0.02
"""Answers may wait so long for the next turn; patience with silent routers is 0.5 s."""

_STAMP_SLACK_S = 0.001
"""A round trip by the kernel's stamps that is longer than ours means that the wall clock was set."""


@dataclass(slots=True, eq=False)
class Run:
    """One trace under way. `news` is called after each answer that came; `unstamped` counts those whose round
    trip is by our own clock, because the kernel stamped only one end of it, or none."""

    template: Template
    strategy: Strategy
    news: Callable[[Run], None]
    marks: Marks = field(default_factory=Marks)
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    look_at: float = inf
    unstamped: int = 0
    _departures: list[Departure] = field(default_factory=list)

    def send(self, probe: Probe, channel: Channel) -> None:
        """Send one probe. :raises CannotTraceError: the kernel has no way for it."""
        departure = Departure(clock.monotonic(), time.time_ns())
        self._departures.append(departure)
        try:
            channel.send(probe.ttl, self.marks.mark(probe.index), departure)
        except OSError as error:
            if error.errno not in TRANSIENT:
                raise CannotTraceError.because(f"send with TTL {probe.ttl}", error) from error

    def arrived(self, arrival: Arrival) -> None:
        """Take a reply from the sockets; one that names none of our probes is dropped."""
        now = clock.monotonic()
        reply = arrival.reply
        if reply.quoted.mark is None and reply.quoted.ip_id is None:
            index = self.strategy.unnamed_answer()
        else:
            index = self.marks.index(reply.quoted, self.strategy.sent)
        if index is not None:
            rtt_s = self._rtt(self._departures[index], arrival.stamp_ns, now)
            rewritten = rewriting(self.template, reply, self.marks.mark(index), self.marks.cookie)
            changed = rewritten is not None and Rewritten.DESTINATION in rewritten
            self.strategy.heard(index, Answer(
                reply.responder, reply.kind, rtt_s, reply.mpls, arrival.ttl, rewritten,
                reply.quoted.destination if changed else None,
            ))  # fmt: skip
        self.news(self)

    def _rtt(self, departure: Departure, stamp_ns: int | None, now: float) -> float:
        by_us = now - departure.monotonic_s
        if stamp_ns is None or departure.kernel_ns is None:
            self.unstamped += 1
        if stamp_ns is not None:
            by_kernel = (stamp_ns - (departure.kernel_ns or departure.wall_ns)) / 1e9
            if 0 <= by_kernel <= by_us + _STAMP_SLACK_S:
                return clock.duration(by_kernel)
        return clock.duration(by_us)


class Traffic:
    """All runs of one event loop, under one packet rate. Make it inside the loop or before; use it inside.

    While the line moves every few milliseconds, `inlet` is held back and read before each turn.
    """

    def __init__(self, rate: float, inlet: Inlet) -> None:
        self._inlet = inlet
        self._pace: Pace[Run] = Pace(rate, now=clock.monotonic())
        self._channels: dict[Run, Channel] = {}
        self._looks: list[tuple[float, int, Run]] = []
        self._order = count()
        self._news: dict[Run, None] = {}
        self._reading = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def rate(self) -> float:
        """Packets a second. Can be set at any time."""
        return self._pace.rate

    @rate.setter
    def rate(self, rate: float) -> None:
        self._pace.rate = rate
        if self._channels:
            self._sleep(clock.monotonic())  # the next turn may be sooner than the timer thinks

    async def carry(self, run: Run, channel: Channel) -> None:
        """Send what the run's strategy wants until it is finished, and close the channel.

        :raises CannotTraceError: the kernel has no way for a packet
        """
        self._channels[run] = channel
        try:
            # At once, not when the loop comes round: hundreds of traces that start together take the loop so
            # long that tokens would be lost.
            now = clock.monotonic()
            self._look(run, now)
            self._send(now)
            await run.done
        finally:
            channel.close()
            del self._channels[run]
            self._pace.leave(run)

    def heard(self, run: Run) -> None:
        """Look at the run when all that waits in the sockets was read."""
        if not self._news and not self._reading:
            asyncio.get_running_loop().call_soon(self._settle)
        self._news[run] = None

    def _settle(self) -> None:
        now = clock.monotonic()
        self._look_at_news(now)
        self._send(now)

    def _look_at_news(self, now: float) -> None:
        news, self._news = self._news, {}
        for run in news:
            self._look(run, now)

    def _wake(self) -> None:
        self._timer = None
        self._reading = True
        try:
            self._inlet.read()
        finally:
            self._reading = False
        now = clock.monotonic()
        self._look_at_news(now)
        while self._looks and self._looks[0][0] <= now:
            at, _, run = heapq.heappop(self._looks)
            if at == run.look_at:
                run.look_at = inf
                self._look(run, now)
        self._send(now)

    def _look(self, run: Run, now: float) -> None:
        """End the run, or let it stand in line: whether it wants to send, its turn will show."""
        if run.done.done():
            return
        if run.strategy.finished(now):
            run.done.set_result(None)
            self._pace.leave(run)
        else:
            self._pace.join(run)
            self._look_again(run)

    def _look_again(self, run: Run) -> None:
        """When the run's patience will be over."""
        at = run.strategy.wake_at()
        if at < run.look_at:  # a look that comes too early costs less than to take it out of the heap
            run.look_at = at
            heapq.heappush(self._looks, (at, next(self._order), run))

    def _send(self, now: float) -> None:
        """Give turns while there are tokens, then sleep until the next turn or look."""
        while (run := self._pace.turn(now)) is not None:
            for probe in run.strategy.due(now, 1):
                self._pace.spend()
                try:
                    run.send(probe, self._channels[run])
                except CannotTraceError as error:
                    if not run.done.done():  # its task may have been cancelled and not have been told yet
                        run.done.set_exception(error)
                else:
                    self._pace.join(run)
                    self._look_again(run)
        self._sleep(now)

    def _sleep(self, now: float) -> None:
        turn_at = self._pace.next_turn_at()
        if turn_at is not None and turn_at - now < _SOON_S:
            self._inlet.hold()
        else:
            self._inlet.release()
        at = min(inf if turn_at is None else turn_at, self._looks[0][0] if self._looks else inf)
        if at == inf:
            return
        loop = asyncio.get_running_loop()
        when = loop.time() + max(at - now, 0.0)
        if self._timer is not None:
            if self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = loop.call_at(when, self._wake)
