"""Many traceroutes at once: wires the strategy to the sockets and makes one observation of each trace.

Knows time, tasks and deadlines; packets are `packets` and `replies`, decisions `strategy`, sockets `raw` and
`unprivileged`. Whatever happens on the network or in the kernel, a trace ends as an observation within its
deadline; only cancelling it raises.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from probes import clock
from probes.failure_word import Failure
from probes.observation import TraceObservation
from probes.traceroute.channel import Arrival, Channel
from probes.traceroute.flow import SOURCE_PORTS, Flow, Marks, flow_number, ident_of
from probes.traceroute.packets import build
from probes.traceroute.raw import RawSockets
from probes.traceroute.request import Method, Mode, TraceRequest
from probes.traceroute.send_error import TRANSIENT, CannotTraceError
from probes.traceroute.source_address import socket_address, source_address
from probes.traceroute.strategy import Answer, Plan, Strategy
from probes.traceroute.unprivileged import STAND_INS, UnprivilegedChannel

__all__ = ["MAX_IN_FLIGHT", "Tracer", "trace"]

MAX_IN_FLIGHT: Final = 256
"""Packets of all traces of a `Tracer` that wait for an answer: eight bursts. The first router answers all of
their low TTLs, and many limit ICMP errors to some hundred a second."""

_LOOK_AGAIN_S: Final = 0.02
"""How soon a trace that found all room taken looks again."""

_STAMP_SLACK_S: Final = 0.001
"""A kernel stamp later than our own reading of the packet means that the wall clock was set."""


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to carry a trace out."""

    mode: Mode
    method: Method


@dataclass(slots=True)
class _Run:
    """One trace under way."""

    strategy: Strategy
    marks: Marks
    news: asyncio.Event = field(default_factory=asyncio.Event)
    sent_at: list[tuple[float, int]] = field(default_factory=list)
    """When each probe was sent: monotonic seconds, wall nanoseconds."""

    def send(self, channel: Channel, room: int) -> None:
        """Send what is due. :raises CannotTraceError: the kernel has no way for it."""
        for probe in self.strategy.due(clock.monotonic(), room):
            self.sent_at.append((clock.monotonic(), time.time_ns()))
            try:
                channel.send(probe.ttl, self.marks.mark(probe.index))
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
            rtt_s = self._rtt(index, arrival.stamp_ns, now)
            self.strategy.heard(index, Answer(reply.responder, reply.kind, rtt_s, reply.mpls))
        self.news.set()

    def _rtt(self, index: int, stamp_ns: int | None, now: float) -> float:
        sent, sent_wall_ns = self.sent_at[index]
        if stamp_ns is not None:
            by_kernel = (stamp_ns - sent_wall_ns) / 1e9
            if 0 <= by_kernel <= now - sent + _STAMP_SLACK_S:
                return clock.duration(by_kernel)
        return clock.duration(now - sent)


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
    """Traces of one event loop, sharing raw sockets. Use as `async with Tracer() as tracer:` or `aclose` it."""

    def __init__(self, *, max_in_flight: int = MAX_IN_FLIGHT) -> None:
        self._max_in_flight = max_in_flight
        self._raw = RawSockets()
        self._runs: list[_Run] = []
        self._claimed: dict[tuple[object, ...], asyncio.Event] = {}

    async def __aenter__(self) -> Tracer:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the shared sockets. Traces that still run hear nothing more."""
        self._raw.close()

    @property
    def malformed(self) -> int:
        """How many packets the raw sockets received and could make no sense of; they were passed over."""
        return self._raw.malformed

    async def trace(self, request: TraceRequest, *, vantage: str, target: str) -> TraceObservation:
        """Trace once. The observation's `method` and `mode` say how it was really done.

        `failure` is set only where this machine could not trace: no route, no permission, its own fault. An
        unanswered trace is an observation with `reached` false.
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
            if outcome.strategy is None:
                outcome.failure = Failure.MONITOR_FAULT
                outcome.error = f"trace {request.address}: not started within {request.timeout_s} s"
        return _observation(request, outcome, at=at, start=start, vantage=vantage, target=target)

    async def _attempt(self, request: TraceRequest, ways: list[_Way], deadline: float, outcome: _Outcome) -> None:
        """Trace in the first way that this machine permits."""
        refusals: dict[_Way, OSError] = {}
        for way in ways:
            try:
                if way.mode == "raw":
                    self._raw.open(request.family)
                async with self._claim(request, way.method) as flow:
                    await self._run(request, way, flow, deadline, outcome)
                    return
            except OSError as error:
                refusals[way] = error
        reasons = [CannotTraceError.because(f"{way.mode} {way.method} socket", e) for way, e in refusals.items()]
        denied = any(isinstance(error, PermissionError) for error in refusals.values())
        failure = Failure.PERMISSION_DENIED if denied else reasons[-1].failure
        raise CannotTraceError(failure, "; ".join(map(str, reasons)))

    async def _run(self, request: TraceRequest, way: _Way, flow: Flow, deadline: float, outcome: _Outcome) -> None:
        # In a thread: the first build imports scapy, which takes half a second and would stop every probe.
        template = await asyncio.to_thread(build, flow)
        plan = Plan(
            max_hops=request.max_hops,
            attempts=request.attempts,
            deadline=deadline,
            expected_hops=request.expected_hops,
        )
        run = _Run(Strategy(plan), Marks())
        destination = socket_address(request.address, flow.port or 0)
        make = self._raw.channel if way.mode == "raw" else UnprivilegedChannel
        channel: Channel = make(template, destination, run.marks.cookie, run.arrived)
        outcome.mode, outcome.method, outcome.port = way.mode, way.method, flow.port
        outcome.flow, outcome.strategy = flow.number, run.strategy
        self._runs.append(run)
        try:
            await self._drive(run, channel)
        finally:
            self._runs.remove(run)
            channel.close()

    async def _drive(self, run: _Run, channel: Channel) -> None:
        while not run.strategy.finished(clock.monotonic()):
            run.news.clear()
            room = self._max_in_flight - sum(other.strategy.in_flight for other in self._runs)
            run.send(channel, room)
            wait_s = run.strategy.wake_at() - clock.monotonic()
            if room <= 0:
                wait_s = min(wait_s, _LOOK_AGAIN_S)
            try:
                async with asyncio.timeout(max(wait_s, 0.0)):
                    await run.news.wait()
            except TimeoutError:
                continue

    @asynccontextmanager
    async def _claim(self, request: TraceRequest, method: Method) -> AsyncIterator[Flow]:
        """The flow of a trace, for it alone.

        A flow that was asked for by number is waited for; else the next free one is taken, while there are any.
        """
        source = source_address(request.family, socket_address(request.address, 0))
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
