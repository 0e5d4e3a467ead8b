"""Many traces of one process, on the loopback interface, without privileges."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys

import pytest

from probes.failure_word import Failure
from probes.observation import HopReply, TraceObservation, decode, encode
from probes.traceroute import Tracer, TraceRequest, trace
from probes.traceroute.source_address import source_address


def loopback(flow: int | None = None, timeout_s: float = 10.0) -> TraceRequest:
    """A trace that one packet to a closed port answers."""
    return TraceRequest(
        address="127.0.0.1", method="udp", port=9, mode="unprivileged", flow=flow, timeout_s=timeout_s
    )


async def together(tracer: Tracer, *requests: TraceRequest) -> list[TraceObservation]:
    """All observations of traces started at the same time."""
    return await asyncio.gather(*(tracer.trace(r, vantage="here", target="loopback") for r in requests))


def test_a_trace_is_one_observation_that_can_be_stored() -> None:
    """The module's own function needs no tracer, and what it returns survives its wire format."""
    seen = asyncio.run(trace(loopback(), vantage="here", target="loopback"))

    assert (seen.vantage, seen.target, seen.address) == ("here", "loopback", "127.0.0.1")
    assert [(hop.ttl, hop.address, hop.reply) for hop in seen.hops] == [
        (1, "127.0.0.1", HopReply.PORT_UNREACHABLE)
    ]
    assert (seen.reached, seen.port, seen.method) == (True, 9, "udp")
    assert decode(encode(seen)) == seen


def test_traces_of_one_flow_wait_for_each_other() -> None:
    """The same flow number at the same time: one after the other, both whole, both with that number."""

    async def run() -> list[TraceObservation]:
        async with Tracer() as tracer:
            return await together(tracer, loopback(flow=5), loopback(flow=5), loopback(flow=5))

    assert [(o.reached, o.flow, o.failure) for o in asyncio.run(run())] == [(True, 5, None)] * 3


def test_traces_that_name_no_flow_get_their_own() -> None:
    """Nobody waits; the first keeps the flow that the address always has."""

    async def run() -> list[TraceObservation]:
        async with Tracer() as tracer:
            return await together(tracer, loopback(), loopback(), loopback())

    seen = asyncio.run(run())

    assert all(observation.reached for observation in seen)
    assert len({observation.flow for observation in seen}) == 3


def test_many_traces_share_a_low_rate() -> None:
    """More packets than a burst, at a rate that lets them wait: twelve traces of five TTLs still reach."""

    async def run() -> list[TraceObservation]:
        async with Tracer(rate=100) as tracer:
            return await together(tracer, *[loopback() for _ in range(12)])

    assert [o.reached for o in asyncio.run(run())] == [True] * 12


@pytest.mark.parametrize("rate", [0.0, -1.0, float("inf"), float("nan")])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    """At the start and later, by an error that says it."""
    with pytest.raises(ValueError, match="packets a second"):
        Tracer(rate=rate)

    async def run() -> None:
        async with Tracer(rate=7) as tracer:
            with pytest.raises(ValueError, match="packets a second"):
                tracer.rate = rate
            assert tracer.rate == 7

    asyncio.run(run())


def test_a_trace_that_the_rate_leaves_too_few_turns_says_so() -> None:
    """A hundredth of a packet a second: the burst serves some, the others name the rate, and none is taken for
    a target that does not answer."""

    async def run() -> list[TraceObservation]:
        async with Tracer(rate=0.01) as tracer:
            await tracer.trace(loopback(), vantage="here", target="loopback")  # imports scapy, which takes long
            return await together(tracer, *[loopback(timeout_s=0.5) for _ in range(40)])

    seen = asyncio.run(run())
    served = [one for one in seen if one.reached]
    others = [one for one in seen if not one.reached]

    assert served
    assert others
    assert {one.failure for one in served} == {None}
    assert {one.failure for one in others} == {Failure.MONITOR_FAULT}
    assert all("0.01 packets a second" in (one.error or "") for one in others)


def test_a_rate_can_be_raised_while_traces_wait() -> None:
    """What the burst left over would take a quarter of an hour, and is done at once."""

    async def run() -> list[TraceObservation]:
        async with Tracer(rate=0.01) as tracer:
            one = (tracer.trace(loopback(timeout_s=30), vantage="here", target="loopback") for _ in range(40))
            traces = waiting = {asyncio.create_task(trace) for trace in one}
            ended = traces
            while ended:  # until the burst is used up and no timer is left but the next turn
                ended, waiting = await asyncio.wait(waiting, timeout=1.2, return_when=asyncio.FIRST_COMPLETED)
            assert waiting
            tracer.rate = 1000
            return await asyncio.gather(*traces)

    assert [one.reached for one in asyncio.run(run())] == [True] * 40


def test_a_deadline_before_the_first_packet_is_the_monitors_own_fault() -> None:
    """An observation comes all the same, and does not blame the target."""
    seen = asyncio.run(trace(loopback(timeout_s=1e-6), vantage="here", target="loopback"))

    assert (seen.failure, seen.reached, seen.hops) == (Failure.MONITOR_FAULT, False, ())
    assert "not started" in (seen.error or "")


def test_cancelling_leaves_nothing_open() -> None:
    """The flow is free again and no socket is left to the garbage collector, which would warn."""

    async def run() -> TraceObservation:
        async with Tracer() as tracer:
            task = asyncio.create_task(tracer.trace(loopback(flow=5), vantage="here", target="loopback"))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled()
            return await tracer.trace(loopback(flow=5), vantage="here", target="loopback")

    assert asyncio.run(run()).reached
    gc.collect()


def test_the_source_address_is_the_kernels_choice() -> None:
    """Packets to the loopback come from it."""
    assert source_address(("127.0.0.1", 0)) == "127.0.0.1"


def test_scapy_is_imported_only_by_the_first_trace() -> None:
    """It takes half a second, which no command line start may pay."""
    code = "import sys, probes.traceroute; sys.exit('scapy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
