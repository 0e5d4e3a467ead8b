"""Turns and timers of traces that share a loop, where one of them ends in an unusual way."""

from __future__ import annotations

import asyncio
import errno

from probes import clock
from probes.traceroute.flow import Flow
from probes.traceroute.packets import build
from probes.traceroute.stamps import Departure
from probes.traceroute.strategy import SILENT_LIMIT, Plan, Strategy
from probes.traceroute.traffic import Run, Traffic

RATE = 20.0


class Inlet:
    """No sockets: nothing is ever heard."""

    def hold(self) -> None:
        """Nothing to hold."""

    def release(self) -> None:
        """Nothing to release."""

    def read(self) -> None:
        """Nothing to read."""


class Line:
    """A channel whose link goes down after `good` packets; `at_the_end` happens with the first that is refused."""

    def __init__(self, good: int) -> None:
        self.good = good
        self.sent = 0
        self.at_the_end: asyncio.Task[None] | None = None
        self.tried_again = asyncio.Event()

    def send(self, ttl: int, mark: int, departure: Departure) -> None:
        """Count, or refuse."""
        if self.sent >= self.good:
            if self.at_the_end is not None:
                self.at_the_end.cancel()
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        self.sent += 1
        if self.sent > SILENT_LIMIT:
            self.tried_again.set()

    def close(self) -> None:
        """Nothing is open."""


def run_to(number: int, heard: Traffic) -> Run:
    """A trace that nobody answers."""
    flow = Flow(
        number=number,
        family=4,
        method="udp",
        source="127.0.0.1",
        destination="198.51.100.1",
        ident=40000 + number,
        port=33434,
    )
    plan = Plan(max_hops=30, attempts=2, deadline=clock.monotonic() + 60)
    return Run(build(flow), Strategy(plan), heard.heard)


def test_a_trace_that_is_cancelled_while_its_link_goes_down_does_not_hold_up_the_others() -> None:
    """Its deadline and the kernel's refusal fall into one turn, as they do for many traces when a link fails."""
    troubles: list[object] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
        traffic = Traffic(RATE, Inlet())
        broken, whole = Line(good=SILENT_LIMIT), Line(good=10**6)
        doomed = asyncio.create_task(traffic.carry(run_to(1, traffic), broken))
        other = asyncio.create_task(traffic.carry(run_to(2, traffic), whole))
        broken.at_the_end = doomed
        async with asyncio.timeout(10):
            await asyncio.wait([doomed])
            await whole.tried_again.wait()
        other.cancel()
        await asyncio.gather(other, return_exceptions=True)
        assert doomed.cancelled()

    asyncio.run(main())

    assert troubles == []
