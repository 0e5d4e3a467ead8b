"""One vantage at work: turns a due job into probe calls and hands on what they saw.

HTTP: one exchange per address family that the name has, IPv4 and IPv6 each an observation of its own, to
the first address of the family, where the other addresses of a pool come round by the resolver's rotation;
or to as many addresses of each family as the target asks for. DNS:
A and AAAA from each named resolver and from the zone's authoritative servers; of a target's mail hosts from these
alone (`mail_hosts`). Traceroute: to the addresses
that the last HTTP round used, by one of their ways or, to get to know these, by several (`ways`).

Our own faults (a bug, no permission) become observations too, of the layer `monitor`: they must neither
end the agent nor look like the target's. The agent knows neither the store nor what its facts mean.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

import structlog

from monitor.agent.addresses import chosen, traced
from monitor.agent.families import Families
from monitor.agent.instruments import Instruments
from monitor.agent.mail_hosts import MailHosts
from monitor.agent.permit import Permit
from monitor.agent.timetable import Job, Probe
from monitor.agent.ways import Ways
from monitor.agent.zone_servers import ZoneServers
from monitor.model.settings import Config
from monitor.model.target import Control, Target, mail_target
from probes import (
    DnsObservation,
    Failure,
    HttpObservation,
    NotMeasured,
    Observation,
    TraceObservation,
    clock,
)
from probes.dns import DnsQuestion, Resolver, parse_resolver
from probes.http import HttpRequest
from probes.traceroute import TraceRequest

Seen = TypeVar("Seen", HttpObservation, DnsObservation, TraceObservation)
Sink = Callable[[Sequence[Observation]], Coroutine[Any, Any, None]]

MOST_AT_ONCE = {Probe.HTTP: 100, Probe.DNS: 50, Probe.TRACE: 32}
"""Rounds that run at the same time, by probe. An HTTPS exchange costs about 1.5 ms of processor: a hundred
at once end within a fifth of a second; more would only measure our own queue. Traces wait for replies and share
a packet rate: at the default one, 32 to two addresses each have their packets sent in half of their time-out."""

MOST_WAYS = 4096
"""Addresses whose ways are remembered, the newest: a thousand targets with two families and a spare of each."""

MOST_EXPLORATIONS = 2
"""Addresses whose ways are explored at the same time: each is a dozen traces."""

OVERTIME_S = 5.0
"""Probes keep their own deadlines; one that is this much over it is our bug and is cut short."""


class Agent:
    """Runs rounds. `sink` gets each round's observations and may make the agent wait."""

    def __init__(
        self, config: Config, instruments: Instruments, sink: Sink, *, overtime_s: float = OVERTIME_S
    ) -> None:
        self._instruments = instruments
        self._sink = sink
        self._overtime_s = overtime_s
        self._log = structlog.get_logger("agent")
        self._free = {probe: asyncio.Semaphore(limit) for probe, limit in MOST_AT_ONCE.items()}
        self._endpoints: dict[str, Target | Control] = {}
        self._families: dict[str, Families] = {}
        self._addresses: dict[str, tuple[str, ...]] = {}
        self._located: dict[str, asyncio.Event] = {}
        self._ways: dict[tuple[str, str], Ways] = {}
        self._explorations = asyncio.Semaphore(MOST_EXPLORATIONS)
        self._zone_servers = ZoneServers(self._zone_search, monotonic=clock.monotonic)
        self._mail: dict[str, str] = {}
        self._mail_hosts = MailHosts(self._authoritative, self._question)
        self.configure(config)

    def configure(self, config: Config) -> None:
        """Use this configuration from the next round on; what was learned of unchanged targets is kept."""
        endpoints: dict[str, Target | Control] = {control.name: control for control in config.controls}
        endpoints |= {target.name: target for target in config.targets}
        before = self._endpoints
        for name in [name for name in before if before[name] != endpoints.get(name)]:
            self._families.pop(name, None)
            self._addresses.pop(name, None)
            self._located.pop(name, None)
        self._config, self._endpoints = config, endpoints
        self._permit = Permit(config.hub.allowed if config.hub is not None else ())
        self._mail = {mail_target(target.name): target.mail for target in config.targets if target.mail}
        self._instruments.pace_traces(config.traceroute.rate)

    async def round(self, job: Job) -> None:
        """Measure one due round and hand it on. Raises nothing but cancellation and what the sink raises."""
        endpoint, domain = self._endpoints.get(job.target), self._mail.get(job.target)
        measure: Callable[[], Awaitable[Sequence[Observation]]]
        if endpoint is not None:
            measure = partial(self._measure, job, endpoint)
        elif domain is not None:
            measure = partial(self._mail_hosts.look, job.target, domain, self._config.dns.timeout_s)
        else:
            return  # removed by a reload between being due and being run
        async with self._place(job) as place:
            seen = await measure() if place else [self._not_measured(job, "starved")]
        await self._sink(seen)

    async def aclose(self) -> None:
        """Close the instruments."""
        await self._instruments.aclose()

    @asynccontextmanager
    async def _place(self, job: Job) -> AsyncIterator[bool]:
        """Wait for a place among the rounds that run; False when the job's whole interval was not enough."""
        free = self._free[job.probe]
        try:
            async with asyncio.timeout(job.interval_s):
                await free.acquire()
        except TimeoutError:
            yield False
            return
        try:
            yield True
        finally:
            free.release()

    async def _measure(self, job: Job, endpoint: Target | Control) -> Sequence[Observation]:
        match job.probe:
            case Probe.HTTP:
                return await self._http_round(endpoint)
            case Probe.DNS:
                return await self._dns_round(endpoint)
            case Probe.TRACE:
                return await self._trace_round(job, endpoint)

    # HTTP

    async def _http_round(self, endpoint: Target | Control) -> Sequence[Observation]:
        families = self._families.setdefault(endpoint.name, Families(_host(endpoint), self._instruments.has_route))
        due = families.due(clock.wall())
        seen = await asyncio.gather(*(self._exchanges(endpoint, family) for family in due))
        kept = families.keep(dict(zip(due, seen, strict=True)), clock.wall())
        if addresses := traced(kept):
            self._addresses[endpoint.name] = addresses
        self._located.setdefault(endpoint.name, asyncio.Event()).set()
        return kept

    async def _exchanges(self, endpoint: Target | Control, family: int) -> Sequence[HttpObservation]:
        """One exchange with each address of the family that is wanted; at least one, which says why not more."""
        most = endpoint.addresses if isinstance(endpoint, Target) else 1
        addresses: tuple[str, ...] = ()
        if most > 1:
            host = _host(endpoint)
            addresses = chosen(await self._instruments.addresses_of(host, family, endpoint.timeout_s), most)
        return await asyncio.gather(
            *(self._exchange(endpoint, family, address) for address in addresses or (None,))
        )

    async def _exchange(self, endpoint: Target | Control, family: int, address: str | None) -> HttpObservation:
        at = clock.wall()

        def failed(failure: Failure, error: str) -> HttpObservation:
            """What is said of an exchange that could not begin."""
            return HttpObservation(
                at=at,
                vantage=self._config.vantage,
                target=endpoint.name,
                address=address,
                family=family,
                failure=failure,
                error=error,
            )

        def call() -> Coroutine[Any, Any, HttpObservation]:
            return self._instruments.http(
                _request(endpoint, family, address, self._permit),
                vantage=self._config.vantage,
                target=endpoint.name,
            )

        return await self._guarded("http", endpoint.name, call, endpoint.timeout_s, failed)

    # DNS

    async def _dns_round(self, endpoint: Target | Control) -> Sequence[Observation]:
        name = _host(endpoint)
        settings = self._config.dns
        servers = [(parse_resolver(resolver), "recursive") for resolver in self._resolvers()]
        if settings.authoritative:
            own = await self._authoritative(name)
            servers += [(Resolver(server=server), "authoritative") for server in own]
        return await asyncio.gather(
            *(
                self._question(endpoint.name, DnsQuestion(
                    server=one.server, transport=one.transport, server_name=one.server_name, path=one.path,
                    name=name, rrtype=rrtype, role=role, timeout_s=settings.timeout_s,
                ))
                for one, role in servers
                for rrtype in ("A", "AAAA")
            )
        )  # fmt: skip

    async def _question(self, target: str, question: DnsQuestion) -> DnsObservation:
        at = clock.wall()

        def failed(failure: Failure, error: str) -> DnsObservation:
            return DnsObservation(
                at=at, vantage=self._config.vantage, target=target, server=question.server, role=question.role,
                transport=question.transport, name=question.name, rrtype=question.rrtype, failure=failure,
                error=error,
            )  # fmt: skip

        settings = self._config.dns

        def call() -> Coroutine[Any, Any, DnsObservation]:
            return self._instruments.ask(
                question, vantage=self._config.vantage, target=target,
                validate_from=settings.start if settings.dnssec else None,
            )  # fmt: skip

        # The answer, what a resolver refused asked for again, and the chain: each may take its time.
        deadline_s = question.timeout_s * (3 if settings.dnssec else 1)
        return await self._guarded("dns", target, call, deadline_s, failed)

    def _resolvers(self) -> tuple[str, ...]:
        """The configured resolvers with `system` replaced by what it means at this moment."""
        resolvers: list[str] = []
        for resolver in self._config.dns.resolvers:
            resolvers += self._instruments.system_resolvers() if resolver == "system" else [resolver]
        return tuple(dict.fromkeys(resolvers))

    async def _authoritative(self, name: str) -> tuple[str, ...]:
        return await self._zone_servers.of(name, self._config.dns.timeout_s + self._overtime_s)

    async def _zone_search(self, name: str) -> Sequence[str]:
        settings = self._config.dns
        return await self._instruments.zone_servers(name, settings.start, settings.timeout_s)

    # Traceroute

    async def _trace_round(self, job: Job, endpoint: Target | Control) -> Sequence[Observation]:
        addresses = await self._current_addresses(endpoint)
        if not addresses:
            return [self._not_measured(job, "unresolved")]
        rounds = await asyncio.gather(*(self._ways_round(endpoint, address) for address in addresses))
        return [seen for one in rounds for seen in one]

    async def _current_addresses(self, endpoint: Target | Control) -> tuple[str, ...]:
        """Those of the last HTTP round; a trace due before the first one has ended waits for it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(endpoint.timeout_s + self._overtime_s):
                await self._located.setdefault(endpoint.name, asyncio.Event()).wait()
        return self._addresses.get(endpoint.name, ())

    async def _ways_round(self, endpoint: Target | Control, address: str) -> Sequence[TraceObservation]:
        """A round's traces to one address: one, or more where the set of its paths is to be known."""
        ways = self._ways.setdefault((endpoint.name, address), Ways(address))
        if len(self._ways) > MOST_WAYS:
            # A large pool shows other addresses for months.
            del self._ways[next(iter(self._ways))]

        def trace(flow: int, length: int | None) -> Coroutine[Any, Any, TraceObservation]:
            return self._trace(endpoint, address, flow, length)

        return await ways.round(trace, self._config.traceroute.flows, self._explorations)

    async def _trace(
        self, endpoint: Target | Control, address: str, flow: int, length: int | None
    ) -> TraceObservation:
        at = clock.wall()
        settings = self._config.traceroute
        port = _port(endpoint)

        def failed(failure: Failure, error: str) -> TraceObservation:
            return TraceObservation(
                at=at, vantage=self._config.vantage, target=endpoint.name, address=address,
                method=settings.method, port=port, flow=flow, failure=failure, error=error,
            )  # fmt: skip

        def call() -> Coroutine[Any, Any, TraceObservation]:
            request = TraceRequest(
                address=address, method=settings.method.value, port=port, max_hops=settings.max_hops,
                timeout_s=settings.timeout_s, flow=flow, expected_hops=length,
            )  # fmt: skip
            return self._instruments.trace(request, vantage=self._config.vantage, target=endpoint.name)

        return await self._guarded("trace", endpoint.name, call, settings.timeout_s, failed)

    # Our own faults

    async def _guarded(
        self,
        operation: str,
        target: str,
        call: Callable[[], Coroutine[Any, Any, Seen]],
        deadline_s: float,
        failed: Callable[[Failure, str], Seen],
    ) -> Seen:
        """What the probe saw; or, if it broke, an observation made by `failed` that says so."""
        try:
            async with asyncio.timeout(deadline_s + self._overtime_s):
                return await call()
        except PermissionError as error:
            failure, cause = Failure.PERMISSION_DENIED, repr(error)
        except TimeoutError:
            failure, cause = (
                Failure.MONITOR_FAULT,
                f"over its deadline of {deadline_s:g} s by {self._overtime_s:g} s",
            )
        except Exception as error:
            failure, cause = Failure.MONITOR_FAULT, repr(error)
            self._log.exception("probe_broke", probe=operation, target=target)
        return failed(failure, f"{operation}: {ascii(cause)[1:-1]}"[:200])

    def _not_measured(self, job: Job, reason: str) -> NotMeasured:
        return NotMeasured(
            at=clock.wall(), vantage=self._config.vantage, target=job.target, probe=job.probe, reason=reason
        )


def _request(endpoint: Target | Control, family: int, address: str | None, permit: Permit) -> HttpRequest:
    if isinstance(endpoint, Control):
        return HttpRequest(
            url=endpoint.url, expect=endpoint.expect, timeout_s=endpoint.timeout_s, family=family,
            verify_tls=endpoint.verify_tls, ca_file=endpoint.ca_file,
        )  # fmt: skip
    return HttpRequest(
        url=endpoint.url, method=endpoint.method, headers=endpoint.headers,
        body=endpoint.body, expect=endpoint.expect, timeout_s=endpoint.timeout_s, family=family,
        address=address, follow_redirects=endpoint.follow_redirects,
        may_follow=permit.permits if permit.restrains else None, verify_tls=endpoint.verify_tls,
        ca_file=endpoint.ca_file, client_cert=endpoint.client_cert, client_key=endpoint.client_key,
    )  # fmt: skip


def _host(endpoint: Target | Control) -> str:
    return urlsplit(endpoint.url).hostname or ""


def _port(endpoint: Target | Control) -> int:
    parts = urlsplit(endpoint.url)
    return parts.port or (443 if parts.scheme == "https" else 80)
