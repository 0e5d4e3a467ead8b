"""What the agent asks of the instruments, and that nothing of ours looks like the target's failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_address
from itertools import repeat
from pathlib import Path

import pytest

from monitor.agent.addresses import MOST_TRACED
from monitor.agent.agent import MOST_WAYS, Agent
from monitor.agent.timetable import Job, Probe, jobs_of
from monitor.model.settings import Config, DnsSettings, HubAccess, TracerouteSettings
from monitor.model.target import Control, Target, mail_target
from probes import (
    DnsObservation,
    Failure,
    Hop,
    HopReply,
    HttpObservation,
    NotMeasured,
    Observation,
    TraceObservation,
)
from probes.dns import DnsQuestion
from probes.expectation import Expect
from probes.http import HttpRequest
from probes.traceroute import TraceRequest

ADDRESS = {4: "203.0.113.10", 6: "2001:db8::10"}
SHOP = Target(
    name="shop", url="https://shop.example/health", method="POST", headers=(("x-key", "k"),), body="ping",
    timeout_s=3.0, expect=Expect(body_contains="ok"),
)  # fmt: skip


class _Instruments:
    """A network that answers at once, and remembers what it was asked."""

    def __init__(self, *, families: Sequence[int] = (4, 6)) -> None:
        self.families = families
        self.requests: list[HttpRequest] = []
        self.questions: list[DnsQuestion] = []
        self.traces: list[TraceRequest] = []
        self.pool: dict[int, Sequence[str]] = {4: (), 6: ()}
        self.zone_lookups = 0
        self.started_at: Sequence[str] | None = None
        self.validated_from: list[Sequence[str] | None] = []
        self.addresses: Iterator[str] = repeat(ADDRESS[4])
        self.servers: Sequence[str] = ("198.51.100.1", "2001:db8::53")
        self.breaks: Callable[[], None] = lambda: None
        self.closed = False

    async def http(self, request: HttpRequest, *, vantage: str, target: str) -> HttpObservation:
        self.requests.append(request)
        self.breaks()
        family = request.family or 4
        if family not in self.families:
            return HttpObservation(at=1.0, vantage=vantage, target=target, failure=Failure.DNS_NO_ANSWER)
        address = request.address or (ADDRESS[6] if family == 6 else next(self.addresses))
        return HttpObservation(at=1.0, vantage=vantage, target=target, address=address, family=family)

    async def ask(
        self, question: DnsQuestion, *, vantage: str, target: str, validate_from: Sequence[str] | None = None
    ) -> DnsObservation:
        self.questions.append(question)
        self.validated_from.append(validate_from)
        self.breaks()
        return DnsObservation(
            at=1.0, vantage=vantage, target=target, server=question.server, role=question.role, name=question.name,
            rrtype=question.rrtype,
        )  # fmt: skip

    async def trace(self, request: TraceRequest, *, vantage: str, target: str) -> TraceObservation:
        self.traces.append(request)
        self.breaks()
        hops = tuple(Hop(ttl=ttl, reply=HopReply.TIME_EXCEEDED) for ttl in range(1, 8))
        return TraceObservation(
            at=1.0, vantage=vantage, target=target, address=request.address, reached=True, hops=hops
        )

    def pace_traces(self, rate: int) -> None:
        self.trace_rate = rate

    async def addresses_of(self, name: str, family: int, timeout_s: float) -> Sequence[str]:
        return self.pool[family]

    def has_route(self, address: str) -> bool:
        """Everywhere."""
        return True

    def system_resolvers(self) -> tuple[str, ...]:
        return ("198.51.100.53",)

    async def zone_servers(self, name: str, start: Sequence[str], timeout_s: float) -> Sequence[str]:
        self.zone_lookups += 1
        self.started_at = start
        return self.servers

    async def aclose(self) -> None:
        self.closed = True


def _config(*targets: Target, controls: tuple[Control, ...] = (), dns: DnsSettings | None = None) -> Config:
    """One flow: which flows a round has is a matter of its own."""
    one_flow = TracerouteSettings(flows=1)
    return Config(vantage="v", targets=targets, controls=controls, dns=dns or DnsSettings(), traceroute=one_flow)


def _rounds(
    config: Config, instruments: _Instruments, *probes: Probe, overtime_s: float = 5.0
) -> list[Observation]:
    """The observations of one round of each probe, one after the other."""
    seen: list[Observation] = []

    async def sink(observations: Sequence[Observation]) -> None:
        seen.extend(observations)

    async def scenario() -> None:
        agent = Agent(config, instruments, sink, overtime_s=overtime_s)
        jobs = jobs_of(config)
        for probe in probes:
            await agent.round(next(job for job in jobs if job.probe is probe))
        await agent.aclose()

    asyncio.run(scenario())
    return seen


def test_each_family_of_a_name_is_an_observation_of_its_own() -> None:
    """IPv4 and IPv6 fail apart, so they are measured apart."""
    seen = _rounds(_config(SHOP), _Instruments(), Probe.HTTP)

    assert [(one.family, one.address) for one in seen if isinstance(one, HttpObservation)] == [
        (4, ADDRESS[4]),
        (6, ADDRESS[6]),
    ]


def test_as_many_addresses_as_are_wanted_are_observed_one_by_one() -> None:
    """The lowest of each family, in an order that does not rotate with the resolver's."""
    instruments = _Instruments()
    instruments.pool = {4: ("203.0.113.30", "203.0.113.9", "203.0.113.10"), 6: ("2001:db8::9",)}
    seen = _rounds(_config(replace(SHOP, addresses=2)), instruments, Probe.HTTP)

    assert [one.address for one in seen if isinstance(one, HttpObservation)] == [
        "203.0.113.9",
        "203.0.113.10",
        "2001:db8::9",
    ]
    assert {request.url for request in instruments.requests} == {SHOP.url}


def test_name_whose_addresses_cannot_be_found_is_still_observed() -> None:
    """The exchange looks the name up itself, so that its failure is told in the words of names."""
    instruments = _Instruments(families=())
    seen = _rounds(_config(replace(SHOP, addresses=32)), instruments, Probe.HTTP)

    assert [one.failure for one in seen if isinstance(one, HttpObservation)] == [Failure.DNS_NO_ANSWER]
    assert [request.address for request in instruments.requests] == [None, None]


def test_one_address_of_a_family_is_left_to_the_exchange() -> None:
    """By default nothing is pinned: the name is looked up in each exchange, and timed."""
    instruments = _Instruments()
    instruments.pool = {4: ("203.0.113.30",), 6: ()}
    _rounds(_config(SHOP), instruments, Probe.HTTP)

    assert [request.address for request in instruments.requests] == [None, None]


def test_traces_of_a_large_pool_are_bounded() -> None:
    """All addresses are observed, a few of each family are traced."""
    instruments = _Instruments()
    instruments.pool = {
        4: [f"203.0.113.{n}" for n in range(1, 13)],
        6: [f"2001:db8::{n:x}" for n in range(1, 13)],
    }
    seen = _rounds(_config(replace(SHOP, addresses=32)), instruments, Probe.HTTP, Probe.TRACE)

    versions = [ip_address(trace.address).version for trace in instruments.traces]

    assert sum(isinstance(one, HttpObservation) for one in seen) == 24
    assert versions == [4] * MOST_TRACED + [6] * MOST_TRACED


def test_a_name_without_ipv6_gives_one_observation_a_round() -> None:
    """A missing AAAA record is no failure of the target, in this round or the next."""
    instruments = _Instruments(families=(4,))
    seen = _rounds(_config(SHOP), instruments, Probe.HTTP, Probe.HTTP)

    assert [one.failure for one in seen if isinstance(one, HttpObservation)] == [None, None]
    assert [request.family for request in instruments.requests] == [4, 6, 4]


def test_the_request_is_the_one_of_the_configuration() -> None:
    """Method, headers, body, deadline and expectations reach the probe; nothing is resolved beforehand."""
    instruments = _Instruments()
    _rounds(_config(SHOP), instruments, Probe.HTTP)

    assert instruments.requests[0] == HttpRequest(
        url=SHOP.url, method="POST", headers=SHOP.headers, body="ping", timeout_s=3.0, expect=SHOP.expect, family=4
    )


def test_the_agents_own_list_holds_for_redirects_too() -> None:
    """A hub that was broken into must not reach others through a permitted host that redirects."""
    instruments = _Instruments()
    access = HubAccess(urls=("https://hub.example",), key_file=Path("key.pem"), allowed=("shop.example",))
    _rounds(replace(_config(SHOP), hub=access), instruments, Probe.HTTP)
    may_follow = instruments.requests[0].may_follow

    assert may_follow is not None
    assert may_follow("https://shop.example/elsewhere")
    assert not may_follow("https://evil.example/")


def test_dns_asks_every_resolver_and_the_zones_own_servers_for_both_types() -> None:
    """Two resolvers and one authoritative server make six questions; the server list is looked up once."""
    instruments = _Instruments()
    config = _config(SHOP, dns=DnsSettings(resolvers=("system", "9.9.9.9")))
    _rounds(config, instruments, Probe.DNS, Probe.DNS)
    first = [(question.server, question.role, question.rrtype) for question in instruments.questions[:6]]

    assert first == [
        ("198.51.100.53", "recursive", "A"),
        ("198.51.100.53", "recursive", "AAAA"),
        ("9.9.9.9", "recursive", "A"),
        ("9.9.9.9", "recursive", "AAAA"),
        ("198.51.100.1", "authoritative", "A"),
        ("198.51.100.1", "authoritative", "AAAA"),
    ]
    assert {question.name for question in instruments.questions} == {"shop.example"}
    assert instruments.zone_lookups == 1


def test_resolvers_are_asked_by_the_transport_they_are_written_with() -> None:
    """Over TLS and HTTPS, with the certificate's name and the path."""
    instruments = _Instruments()
    resolvers = ("tls://9.9.9.9#dns.quad9.net", "https://[::1]:8443/q")
    _rounds(_config(SHOP, dns=DnsSettings(resolvers=resolvers, authoritative=False)), instruments, Probe.DNS)
    asked = [(one.server, one.transport, one.server_name, one.path) for one in instruments.questions[::2]]

    assert asked == [
        ("9.9.9.9", "tls", "dns.quad9.net", "/dns-query"),
        ("[::1]:8443", "https", None, "/q"),
    ]


def test_search_begins_where_the_configuration_says_and_validation_only_when_asked_for() -> None:
    """At the root's servers and without checking chains, unless there are a start and `dnssec`."""
    plain, private = _Instruments(), _Instruments()
    _rounds(_config(SHOP), plain, Probe.DNS)
    _rounds(_config(SHOP, dns=DnsSettings(start=("10.0.0.53",), dnssec=True)), private, Probe.DNS)

    assert (plain.started_at, set(plain.validated_from)) == ((), {None})
    assert (private.started_at, set(private.validated_from)) == (("10.0.0.53",), {("10.0.0.53",)})


def test_search_in_vain_is_not_repeated_at_once() -> None:
    """Where nobody may ask the root's servers, each search costs its whole time-out."""
    instruments = _Instruments()
    instruments.servers = ()
    _rounds(_config(SHOP), instruments, Probe.DNS, Probe.DNS)

    assert instruments.zone_lookups == 1


def test_traces_follow_the_addresses_of_the_last_http_round() -> None:
    """Each family's address is traced to the URL's port, the second time with the known length."""
    instruments = _Instruments()
    _rounds(_config(SHOP), instruments, Probe.HTTP, Probe.TRACE, Probe.TRACE)

    assert [(trace.address, trace.port, trace.expected_hops) for trace in instruments.traces] == [
        (ADDRESS[4], 443, None),
        (ADDRESS[6], 443, None),
        (ADDRESS[4], 443, 7),
        (ADDRESS[6], 443, 7),
    ]


def test_a_pool_of_any_size_costs_bounded_memory() -> None:
    """The length of the path to an address seen long ago is forgotten; that of a recent one is not."""
    instruments = _Instruments(families=(4,))
    net = int(ip_address("10.0.0.0"))
    pool = [str(ip_address(net + number)) for number in range(MOST_WAYS + 1)]
    instruments.addresses = iter([*pool, pool[-1], pool[0]])
    _rounds(_config(SHOP), instruments, *[Probe.HTTP, Probe.TRACE] * (len(pool) + 2))

    assert [trace.expected_hops for trace in instruments.traces[-2:]] == [7, None]


def test_a_trace_that_is_due_first_waits_for_the_first_http_round() -> None:
    """At a start all rounds begin together; the trace learns the address instead of giving up."""
    config, instruments, seen = _config(SHOP), _Instruments(), []

    async def sink(observations: Sequence[Observation]) -> None:
        seen.extend(observations)

    async def scenario() -> None:
        agent = Agent(config, instruments, sink)
        http, _, trace = jobs_of(config)
        tracing = asyncio.create_task(agent.round(trace))
        await asyncio.sleep(0)
        assert not instruments.traces
        await agent.round(http)
        await tracing

    asyncio.run(scenario())

    assert [trace.address for trace in instruments.traces] == [ADDRESS[4], ADDRESS[6]]


def test_a_target_without_an_address_is_not_traced() -> None:
    """Nothing was measured, and that is said."""
    seen = _rounds(_config(SHOP), _Instruments(families=()), Probe.HTTP, Probe.TRACE)

    assert isinstance(seen[-1], NotMeasured)
    assert (seen[-1].probe, seen[-1].reason) == ("trace", "unresolved")


def _raise(error: Exception) -> Callable[[], None]:
    def broken() -> None:
        raise error

    return broken


@pytest.mark.parametrize("probe", [Probe.HTTP, Probe.DNS, Probe.TRACE])
@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (PermissionError("raw sockets"), Failure.PERMISSION_DENIED),
        (KeyError("a bug\x1b[31m"), Failure.MONITOR_FAULT),
    ],
)
def test_a_probe_that_breaks_is_the_monitors_fault(probe: Probe, error: Exception, failure: Failure) -> None:
    """Whatever a probe raises becomes an observation that blames us, in printable words."""
    instruments = _Instruments()
    rounds = (Probe.HTTP, probe) if probe is Probe.TRACE else (probe,)
    if probe is Probe.TRACE:
        _rounds_then_break(instruments, error)
    else:
        instruments.breaks = _raise(error)
    seen = _rounds(_config(SHOP), instruments, *rounds)
    last = seen[-1]

    assert isinstance(last, HttpObservation | DnsObservation | TraceObservation)
    assert last.failure is failure
    assert last.error is not None
    assert last.error.isprintable()
    assert last.error.startswith(f"{probe}: ")


def _rounds_then_break(instruments: _Instruments, error: Exception) -> None:
    """Break from the first trace on, so that the HTTP round before it finds its address."""

    def broken() -> None:
        if instruments.traces:
            raise error

    instruments.breaks = broken


def test_a_probe_that_overruns_its_deadline_is_cut_short() -> None:
    """A probe that hangs would hold its job for ever."""
    target = Target(name="shop", url="http://203.0.113.10/", timeout_s=0.01)

    class Hanging(_Instruments):
        async def http(self, request: HttpRequest, *, vantage: str, target: str) -> HttpObservation:
            await asyncio.Event().wait()
            raise AssertionError

    (seen,) = _rounds(_config(target), Hanging(), Probe.HTTP, overtime_s=0.0)

    assert isinstance(seen, HttpObservation)
    assert seen.failure is Failure.MONITOR_FAULT


def test_a_round_of_a_removed_target_does_nothing() -> None:
    """A reload may fall between being due and being run."""
    instruments = _Instruments()
    seen: list[Observation] = []

    async def sink(observations: Sequence[Observation]) -> None:
        seen.extend(observations)

    async def scenario() -> None:
        agent = Agent(_config(SHOP), instruments, sink)
        job: Job = jobs_of(_config(SHOP))[0]
        agent.configure(_config())
        await agent.round(job)

    asyncio.run(scenario())

    assert (seen, instruments.requests) == ([], [])


def test_a_control_is_probed_with_its_own_expectations() -> None:
    """Any 2xx or 3xx is a healthy control."""
    instruments = _Instruments()
    control = Control(name="control", url="https://control.example/")
    _rounds(_config(controls=(control,)), instruments, Probe.HTTP)

    assert 302 in instruments.requests[0].expect.status


def test_a_targets_mail_is_asked_of_the_zones_servers_under_its_own_name() -> None:
    """Not of the resolvers, whose answers for the target are compared with each other."""
    instruments = _Instruments()
    agent_config = _config(replace(SHOP, mail="example.net"))
    (job,) = [job for job in jobs_of(agent_config) if job.target == mail_target("shop")]
    seen: list[Observation] = []

    async def sink(observations: Sequence[Observation]) -> None:
        seen.extend(observations)

    asyncio.run(Agent(agent_config, instruments, sink).round(job))

    assert {(one.name, one.rrtype, one.role) for one in instruments.questions} == {
        ("example.net", "MX", "authoritative")
    }
    assert {one.target for one in seen} == {mail_target("shop")}


def test_traces_can_use_another_method() -> None:
    """The configured method, hops, deadline and packet rate reach the tracer."""
    instruments = _Instruments()
    settings = TracerouteSettings(max_hops=12, timeout_s=4.0, rate=50, flows=1)
    config = Config(vantage="v", targets=(SHOP,), traceroute=settings)
    _rounds(config, instruments, Probe.HTTP, Probe.TRACE)

    assert (instruments.traces[0].method, instruments.traces[0].max_hops, instruments.traces[0].timeout_s) == (
        "tcp",
        12,
        4.0,
    )
    assert instruments.trace_rate == 50
