"""Many traceroutes at once: wires strategy, traffic and sockets and makes one observation of each trace.

Knows ways, flows and deadlines; packets are `packets` and `replies`, decisions `strategy`, turns and timers
`traffic`, sockets `raw` and `unprivileged`. Whatever happens on the network or in the kernel, a trace ends as
an observation within its deadline; only cancelling it raises.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import inf
from typing import Final

from probes import clock
from probes.failure_word import Failure
from probes.observation import TraceObservation
from probes.traceroute.channel import Channel
from probes.traceroute.flow import SOURCE_PORTS, Flow, flow_number, ident_of
from probes.traceroute.packets import Template, build, skeleton
from probes.traceroute.raw import RawSockets
from probes.traceroute.request import Method, Mode, TraceRequest
from probes.traceroute.send_error import CannotTraceError
from probes.traceroute.source_address import destination_of, source_address
from probes.traceroute.strategy import Plan, Strategy
from probes.traceroute.traffic import Run, Traffic
from probes.traceroute.unprivileged import STAND_INS, UnprivilegedChannel

__all__ = ["DEFAULT_RATE", "Tracer", "trace"]

DEFAULT_RATE: Final = 200.0
"""Packets a second: some fifteen paths. scamper takes 20 when not told, CAIDA's monitors 100; the first router
answers all of the lowest TTLs, and many answer but some hundred a second."""

_ROUND_S: Final = 0.25
"""So many traces run at once that each has a turn this often: longer than most round trips, so that the answer
to a trace's last packet mostly comes before its next turn and tells whether another packet is needed."""
_FEWEST_AT_ONCE: Final = 8
_MOST_AT_ONCE: Final = 512
"""Each unprivileged trace has a socket, and a process by default 1024 file descriptors."""


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to carry a trace out."""

    mode: Mode
    method: Method


@dataclass(slots=True)
class _Outcome:
    """What will be in the observation, as far as it is known."""

    mode: Mode
    method: Method
    port: int | None = None
    flow: int | None = None
    strategy: Strategy | None = None
    failure: Failure | None = None
    error: str | None = None


class Tracer:
    """Traces of one event loop, sharing raw sockets. Use as `async with Tracer() as tracer:` or `aclose` it.

    `rate`: packets a second of all traces together, more than 0; up to `pace.BURST` more when none were sent
    for a while. As many traces as the rate keeps busy run at once, the others wait.
    """

    def __init__(self, *, rate: float = DEFAULT_RATE) -> None:
        _check_rate(rate)
        self._raw = RawSockets()
        self._traffic = Traffic(rate, self._raw)
        self._places = _places(rate)
        self._prepared: set[tuple[int, Method]] = set()
        self._unstamped = 0
        self._claimed: dict[tuple[object, ...], asyncio.Event] = {}

    async def __aenter__(self) -> Tracer:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the shared sockets. Traces that still run hear nothing more."""
        self._raw.close()

    @property
    def rate(self) -> float:
        """Packets a second of all traces together. Can be set at any time; traces under way go on by it."""
        return self._traffic.rate

    @rate.setter
    def rate(self, rate: float) -> None:
        _check_rate(rate)
        if rate != self._traffic.rate:
            self._traffic.rate = rate
            self._places = _places(rate)

    @property
    def malformed(self) -> int:
        """How many packets the raw sockets received and could make no sense of; they were passed over."""
        return self._raw.malformed

    @property
    def unstamped(self) -> int:
        """How many answers of finished traces were timed by our own clock at one end or both, for want of the
        kernel's stamp: a driver that stamps no departures, or a kernel that does not know how."""
        return self._unstamped

    async def trace(self, request: TraceRequest, *, vantage: str, target: str) -> TraceObservation:
        """Trace once. The observation's `method` and `mode` say how it was really done.

        `failure` is set only where this machine could not trace: no route, no permission, its own fault. An
        unanswered trace is an observation with `reached` false. One that the packet rate cut short keeps its
        hops but has a failure, since its last hop is not where the packets end.
        """
        at, start = clock.wall(), clock.monotonic()
        ways = _ways(request)
        outcome = _Outcome(ways[0].mode, ways[0].method, request.port_of(ways[0].method), request.flow)
        try:
            async with asyncio.timeout(request.timeout_s):
                await self._attempt(request, ways, start + request.timeout_s, outcome)
        except CannotTraceError as reason:
            outcome.failure, outcome.error = reason.failure, f"trace {request.address}: {reason}"
        except TimeoutError:
            pass  # what was found until now is the trace
        if outcome.failure is None and (outcome.strategy is None or outcome.strategy.starved):
            sent = 0 if outcome.strategy is None else outcome.strategy.sent
            outcome.failure = Failure.MONITOR_FAULT
            outcome.error = (
                f"trace {request.address}: {f'cut short after {sent} packets' if sent else 'not started'}"
                f" within {request.timeout_s} s, at {self.rate:g} packets a second for all traces"
            )
        return _observation(request, outcome, at=at, start=start, vantage=vantage, target=target)

    async def _attempt(self, request: TraceRequest, ways: list[_Way], deadline: float, outcome: _Outcome) -> None:
        """Trace in the first way that this machine permits."""
        refusals: dict[_Way, OSError] = {}
        for way in ways:
            try:
                if way.mode == "raw":
                    self._raw.open(request.family)
                async with self._claim(request, way.method) as flow, self._places:
                    await self._run(request, way, flow, deadline, outcome)
                    return
            except OSError as error:
                refusals[way] = error
        reasons = [CannotTraceError.because(f"{way.mode} {way.method} socket", e) for way, e in refusals.items()]
        denied = any(isinstance(error, PermissionError) for error in refusals.values())
        failure = Failure.PERMISSION_DENIED if denied else reasons[-1].failure
        raise CannotTraceError(failure, "; ".join(map(str, reasons)))

    async def _run(self, request: TraceRequest, way: _Way, flow: Flow, deadline: float, outcome: _Outcome) -> None:
        template = await self._template(flow)
        plan = Plan(
            max_hops=request.max_hops,
            attempts=request.attempts,
            deadline=deadline,
            expected_hops=request.expected_hops,
        )
        run = Run(template, Strategy(plan), self._traffic.heard)
        destination = destination_of(request.address, flow.port or 0)
        make = self._raw.channel if way.mode == "raw" else UnprivilegedChannel
        channel: Channel = make(template, destination, run.marks.cookie, run.arrived)
        outcome.mode, outcome.method, outcome.port = way.mode, way.method, flow.port
        outcome.flow, outcome.strategy = flow.number, run.strategy
        try:
            await self._traffic.carry(run, channel)
        finally:
            self._unstamped += run.unstamped

    async def _template(self, flow: Flow) -> Template:
        kind = (flow.family, flow.method)
        if kind not in self._prepared:
            # In a thread: the first one imports scapy, which takes half a second and would stop every probe.
            await asyncio.to_thread(skeleton, *kind)
            self._prepared.add(kind)
        return build(flow)

    @asynccontextmanager
    async def _claim(self, request: TraceRequest, method: Method) -> AsyncIterator[Flow]:
        """The flow of a trace, for it alone.

        A flow that was asked for by number is waited for; else the next free one is taken, while there are any.
        """
        source = source_address(destination_of(request.address, 0))
        number = request.flow if request.flow is not None else flow_number(request.address)
        flow = _flow(request, method, source, number)
        while flow.key in self._claimed:
            if request.flow is None and len(self._claimed) < SOURCE_PORTS:
                flow = _flow(request, method, source, (flow.number + 1) % SOURCE_PORTS)
            else:
                await self._claimed[flow.key].wait()
        released = self._claimed[flow.key] = asyncio.Event()
        try:
            yield flow
        finally:
            del self._claimed[flow.key]
            released.set()


async def trace(request: TraceRequest, *, vantage: str, target: str) -> TraceObservation:
    """Trace once with sockets of its own; for many traces use one `Tracer`."""
    async with Tracer() as tracer:
        return await tracer.trace(request, vantage=vantage, target=target)


def _check_rate(rate: float) -> None:
    if not 0 < rate < inf:
        raise ValueError(f"rate is {rate}, it must be more than 0 packets a second")


def _places(rate: float) -> asyncio.Semaphore:
    return asyncio.Semaphore(min(max(int(rate * _ROUND_S), _FEWEST_AT_ONCE), _MOST_AT_ONCE))


def _ways(request: TraceRequest) -> list[_Way]:
    """How the request may be carried out, the best way first."""
    ways = []
    if request.mode != "unprivileged":
        ways.append(_Way("raw", request.method))
    if request.mode != "raw":
        ways += [_Way("unprivileged", method) for method in STAND_INS[request.method]]
    return ways


def _flow(request: TraceRequest, method: Method, source: str, number: int) -> Flow:
    family = socket.AF_INET if request.family == 4 else socket.AF_INET6
    # Through inet_pton, so that it equals what is read from packets, character by character.
    bare = request.address.partition("%")[0]
    destination = socket.inet_ntop(family, socket.inet_pton(family, bare))
    return Flow(
        number=number,
        family=request.family,
        method=method,
        source=source,
        destination=destination,
        ident=ident_of(method, number, destination),
        port=request.port_of(method),
    )


def _observation(
    request: TraceRequest, outcome: _Outcome, *, at: float, start: float, vantage: str, target: str
) -> TraceObservation:
    strategy = outcome.strategy
    hops = () if strategy is None else strategy.hops()
    error = outcome.error
    if strategy is not None and error is None and strategy.looping is not None:
        error = f"forwarding loop through {strategy.looping}"
    return TraceObservation(
        at=at,
        vantage=vantage,
        target=target,
        address=request.address,
        method=outcome.method,
        port=outcome.port,
        flow=outcome.flow,
        mode=outcome.mode,
        reached=strategy is not None and strategy.reached,
        failure=outcome.failure,
        hops=hops,
        elapsed_s=clock.elapsed(start),
        error=error,
    )
