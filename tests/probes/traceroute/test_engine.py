"""Many traces of one process, on the loopback interface, without privileges."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys

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
    assert source_address(4, ("127.0.0.1", 0)) == "127.0.0.1"


def test_scapy_is_imported_only_by_the_first_trace() -> None:
    """It takes half a second, which no command line start may pay."""
    code = "import sys, probes.traceroute; sys.exit('scapy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
