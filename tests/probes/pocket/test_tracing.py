"""Traces through an internet that is played on a TUN device: what real kernels seldom do, and routers do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pocket.packet import ICMP, ICMP6, TCP, UDP
from pocket.place import PocketInternet
from pocket.topology import TARGET, Host, Label, Nat, Router, Topology, address_of, line
from pocket.vantage import Vantage

from probes.observation import HopReply, MplsLabel, TraceObservation

pytestmark = pytest.mark.netns

FAMILIES = pytest.mark.parametrize("family", [4, 6])
PROTOCOLS = {"tcp": (TCP, TCP), "udp": (UDP, UDP), "icmp": (ICMP, ICMP6)}
REPLIES = {"icmp": HopReply.ECHO_REPLY, "tcp": HopReply.SYN_ACK, "udp": HopReply.PORT_UNREACHABLE}

Way = tuple[int, str, str]
WAYS: list[Way] = [
    (family, mode, method)
    for mode, method in (
        ("raw", "tcp"), ("raw", "udp"), ("raw", "icmp"), ("unprivileged", "udp"), ("unprivileged", "icmp"),
    )
    for family in (4, 6)
]  # fmt: skip
"""(family, mode, method) of every way to trace; TCP needs raw sockets."""

Path = list[tuple[str | None, HopReply | None]]


def path(observation: TraceObservation) -> Path:
    """What answered at each TTL."""
    return [(hop.address, hop.reply) for hop in observation.hops]


def paths(seen: dict[Way, TraceObservation]) -> dict[Way, Path]:
    """What answered at each TTL, by way of tracing."""
    return {way: path(observation) for way, observation in seen.items()}


def routers(family: int, *numbers: int | None) -> Path:
    """The hops of these routers; None is one that nobody answered for."""
    return [
        (None, None) if number is None else (address_of(family, number), HopReply.TIME_EXCEEDED)
        for number in numbers
    ]


def end(family: int, method: str) -> Path:
    """The target's hop."""
    return [(TARGET[family], REPLIES[method])]


def through(*numbers: int | None) -> dict[Way, Path]:
    """These routers, then the target with the reply that each way of tracing gets."""
    return {way: routers(way[0], *numbers) + end(way[0], way[2]) for way in WAYS}


def stopped(*numbers: int | None) -> dict[Way, Path]:
    """These routers, and no target, whatever the way of tracing."""
    return {way: routers(way[0], *numbers) for way in WAYS}


@pytest.fixture
def traces(pocket_internet: PocketInternet, root_pocket: Vantage, plain_pocket: Vantage) -> Any:
    """Plays a topology and traces `TARGET` through it in every way at once; one without privileges has none."""

    def of(vantage: Vantage, mode: str, fields: dict[str, Any]) -> dict[Way, TraceObservation]:
        ways = [way for way in WAYS if way[1] == mode]
        asked = [{"address": TARGET[family], "mode": mode, "method": w, **fields} for family, _, w in ways]
        return dict(zip(ways, vantage.traces(*asked), strict=True))

    def run(topology: Topology, **fields: Any) -> dict[Way, TraceObservation]:
        pocket_internet.play(topology)
        with ThreadPoolExecutor(1) as thread:
            # Flows of their own: the kernel would show each the answers to the other.
            plain = thread.submit(of, plain_pocket, "unprivileged", {"flow": 2, **fields})
            return of(root_pocket, "raw", {"flow": 1, **fields}) | plain.result()

    return run


@pytest.fixture
def trace(pocket_internet: PocketInternet, root_pocket: Vantage) -> Any:
    """Plays a topology and traces `TARGET` through it once, with raw sockets."""

    def run(topology: Topology, family: int, method: str, **fields: Any) -> TraceObservation:
        pocket_internet.play(topology)
        return root_pocket.trace(address=TARGET[family], mode="raw", method=method, **fields)

    return run


def test_every_way_to_trace_finds_the_whole_path(traces: Any) -> None:
    """Three routers and the host, each by its address and its kind of reply, by every method and mode."""
    seen = traces(line(Router("a", 1), Router("b", 2), Router("c", 3), Host("h")))

    assert paths(seen) == through(1, 2, 3)
    for (_, mode, method), one in seen.items():
        assert (one.reached, one.failure, one.mode, one.method) == (True, None, mode, method)


@FAMILIES
@pytest.mark.parametrize("method", ["tcp", "udp", "icmp"])
def test_all_probes_of_a_trace_are_one_flow_on_the_wire(
    trace: Any, pocket_internet: PocketInternet, family: int, method: str
) -> None:
    """The first router sees probes of one 5-tuple (or ICMP type, code and checksum) and one flow label."""
    trace(line(Router("a", 1), Router("b", 2), Host("h")), family, method)

    probes = [p for p in pocket_internet.sent() if p.protocol in PROTOCOLS[method] and p.ttl < 32]
    flow_label = {probe.tag for probe in probes} if family == 6 else {0}
    assert len(probes) >= 3
    assert len({(p.source, p.destination, *p.ports) for p in probes}) == len(flow_label) == 1
    assert len({probe.payload for probe in probes}) == len(probes)


@pytest.mark.parametrize("says_length", [True, False], ids=["rfc4884", "older"])
def test_mpls_labels_are_read_from_the_extension(traces: Any, says_length: bool) -> None:
    """The stack that a router tells of is at its hop, outermost first, and at no other."""
    stack = (Label(16001, 5, 1), Label(24, 0, 254))
    inside = Router("b", 2, labels=stack, says_length=says_length)

    seen = traces(line(Router("a", 1), inside, Host("h")))

    expected = (
        MplsLabel(label=16001, tc=5, bottom=False, ttl=1),
        MplsLabel(label=24, tc=0, bottom=True, ttl=254),
    )
    assert paths(seen) == through(1, 2)
    for (_, mode, _), one in seen.items():
        # The kernel gives an error queue only the extensions whose place the router says (RFC 4884 §5.5).
        known = says_length or mode == "raw"
        assert [hop.mpls for hop in one.hops] == [(), expected if known else (), ()]


def test_a_broken_extension_costs_no_hop(traces: Any) -> None:
    """Labels behind a wrong checksum are not believed; the router that sent them is."""
    inside = Router("b", 2, labels=(Label(16001),), breaks_extension=True)

    seen = traces(line(Router("a", 1), inside, Host("h")))

    assert paths(seen) == through(1, 2)
    assert {one.hops[1].mpls for one in seen.values()} == {()}


def test_quotes_of_eight_octets_are_enough(traces: Any) -> None:
    """Routers and a host that quote no more than RFC 792 asks for are found all the same."""
    topology = line(Router("a", 1, quote=8), Router("b", 2, quote=8), Router("c", 3), Host("h", quote=8))

    assert paths(traces(topology, attempts=3)) == through(1, 2, 3)


def test_silent_routers_are_gaps(traces: Any) -> None:
    """Routers that answer nothing leave their TTLs empty, also next to each other."""
    topology = line(
        Router("a", 1), Router("b", 2, silent=True), Router("c", 3, silent=True), Router("d", 4), Host("h")
    )

    assert paths(traces(topology)) == through(1, None, None, 4)


def test_a_rate_limited_router_is_heard_when_asked_again(traces: Any) -> None:
    """Ten traces at once share a router that answers eight times a second: the later attempts find it."""
    topology = line(Router("a", 1), Router("b", 2, rate_per_s=8.0, burst=4), Router("c", 3), Host("h"))

    assert paths(traces(topology, attempts=8)) == through(1, 2, 3)


def test_a_router_whose_limit_is_used_up_is_a_gap(traces: Any) -> None:
    """The one answer of the hour goes to one of ten traces; to the others the router is silent, no more."""
    topology = line(Router("a", 1), Router("b", 2, rate_per_s=1 / 3600), Router("c", 3), Host("h"))

    seen = paths(traces(topology))

    whole, gap = through(1, 2, 3), through(1, None, 3)
    assert sorted(found == whole[way] for way, found in seen.items()) == [False] * 9 + [True]
    assert all(found in (whole[way], gap[way]) for way, found in seen.items())


def test_a_router_that_answers_from_another_address_is_one_hop(traces: Any) -> None:
    """Whatever address a router answers from, its hop is there, with an address that it really used."""
    own = ("198.19.77.7", "2001:db8:77::7")

    seen = traces(line(Router("a", 1), Router("b", 2, answers_from=own), Host("h")))

    middle = {4: (own[0], HopReply.TIME_EXCEEDED), 6: (own[1], HopReply.TIME_EXCEEDED)}
    expected = through(1, 2)
    for way, hops in expected.items():
        hops[1] = middle[way[0]]
    assert paths(seen) == expected


@FAMILIES
def test_a_host_that_answers_from_another_address_is_reached_by_its_reply(trace: Any, family: int) -> None:
    """A host with several addresses is the end of the path by the kind of its reply, not by its address."""
    own = ("198.19.77.7", "2001:db8:77::7")

    seen = trace(line(Router("a", 1), Host("h", answers_from=own)), family, "udp")

    assert path(seen)[1:] == [(own[0 if family == 4 else 1], HopReply.PORT_UNREACHABLE)]
    assert seen.reached


@pytest.mark.parametrize(("family", "mode", "method"), WAYS)
def test_a_flow_stays_on_one_way_and_flows_find_all(
    pocket_internet: PocketInternet,
    root_pocket: Vantage,
    plain_pocket: Vantage,
    family: int,
    mode: str,
    method: str,
) -> None:
    """Behind a balancer by flow each flow number sees one way, the same again; sixteen of them see both."""
    pocket_internet.play(
        Topology(
            nodes=(
                Router("a", 1, next=("b", "c")),
                Router("b", 2, next=("d",)),
                Router("c", 3, next=("e",)),
                Router("d", 4, next=("h",)),
                Router("e", 5, next=("h",)),
                Host("h"),
            ),
            entries=dict.fromkeys(TARGET.values(), "a"),
        )
    )
    vantage = root_pocket if mode == "raw" else plain_pocket
    asked = [{"address": TARGET[family], "mode": mode, "method": method, "flow": flow} for flow in range(16)]

    first, again = ([path(seen) for seen in vantage.traces(*asked)] for _ in range(2))

    ways = (routers(family, 1, 2, 4) + end(family, method), routers(family, 1, 3, 5) + end(family, method))
    assert first == again
    assert all(seen in ways for seen in first)
    assert all(way in first for way in ways)


@pytest.mark.parametrize(
    ("refuses", "refuses6", "reply"),
    [
        ((3, 13), (1, 1), HopReply.ADMIN_PROHIBITED),
        ((3, 1), (1, 3), HopReply.HOST_UNREACHABLE),
        ((3, 0), (1, 0), HopReply.NET_UNREACHABLE),
    ],
)
def test_a_refusal_ends_the_path(
    traces: Any, refuses: tuple[int, int], refuses6: tuple[int, int], reply: HopReply
) -> None:
    """A router that says no is the last hop with its reason; the host behind it is not made up."""
    wall = Router("b", 2, refuses=refuses, refuses6=refuses6)

    seen = traces(line(Router("a", 1), wall, Host("h")))

    # A probe whose TTL ends at the wall is time exceeded; one that would go on is refused.
    assert paths(seen) == {way: [*hops, (address_of(way[0], 2), reply)] for way, hops in stopped(1, 2).items()}
    assert not any(one.reached for one in seen.values())


def test_a_loop_is_named(traces: Any) -> None:
    """Two routers that send to each other are a loop, told before thirty hops are probed."""
    topology = line(Router("a", 1), Router("b", 2, next=("c",)), Router("c", 3, next=("b",)))

    for (family, _, _), seen in traces(topology).items():
        assert (seen.reached, seen.error) == (False, f"forwarding loop through {address_of(family, 2)}")
        assert path(seen)[:5] == routers(family, 1, 2, 3, 2, 3)
        assert len(seen.hops) < 15


def test_a_black_hole_ends_the_trace_by_itself(traces: Any) -> None:
    """Behind the last router that answers there is silence for five TTLs, and no failure."""
    seen = traces(line(Router("a", 1), Router("b", 2)))

    assert paths(seen) == stopped(1, 2, *[None] * 5)
    assert {(one.reached, one.failure, one.error) for one in seen.values()} == {(False, None, None)}


@FAMILIES
def test_a_host_that_refuses_is_reached_by_its_reset(trace: Any, family: int) -> None:
    """A RST is an answer of the target itself."""
    seen = trace(line(Router("a", 1), Host("h", tcp="refuse")), family, "tcp")

    assert path(seen) == [*routers(family, 1), (TARGET[family], HopReply.RST)]
    assert seen.reached


def test_a_silent_host_is_not_reached(traces: Any) -> None:
    """Of a target that answers nothing only the way there is known."""
    seen = traces(line(Router("a", 1), Host("h", tcp="silent", udp="silent", echo=False)))

    assert paths(seen) == stopped(1, *[None] * 5)
    assert not any(one.reached for one in seen.values())


def test_a_translator_that_undoes_its_work_hides_no_hop(traces: Any) -> None:
    """Behind a translator of sources as RFC 5508 wants it, every hop is found."""
    nat = Nat(source4="203.0.113.99", source6="2001:db8:113::99", source_port=4242)

    seen = traces(line(Router("a", 1), Router("b", 2, nat=nat), Router("c", 3), Host("h")))

    assert paths(seen) == through(1, 2, 3)


@FAMILIES
@pytest.mark.parametrize("method", ["tcp", "udp"])
def test_a_translator_that_forgets_the_quoted_checksum_costs_no_hop(trace: Any, family: int, method: str) -> None:
    """The checksum inside the quotation is not ours any more; IPv4 probes are known by their identification."""
    nat = Nat(destination4="198.19.88.8", destination6="2001:db8:88::8", restores="addresses")

    seen = trace(line(Router("a", 1), Router("b", 2, nat=nat), Router("c", 3), Host("h")), family, method)

    # An IPv6 UDP probe is told apart by its checksum alone.
    behind = None if (family, method) == (6, "udp") else 3
    assert path(seen)[:3] == routers(family, 1, 2, behind)


def test_quotations_left_translated_are_never_a_wrong_hop(traces: Any) -> None:
    """They name another destination; a probe that its number or sequence tells is known, another is a gap."""
    nat = Nat(destination4="198.19.88.8", destination6="2001:db8:88::8", restores="nothing")

    seen = traces(line(Router("a", 1), Router("b", 2, nat=nat), Router("c", 3), Host("h")))

    for (family, _, method), one in seen.items():
        gap = routers(family, None) if method == "udp" else []
        assert path(one)[:2] == routers(family, 1, 2)
        assert path(one)[2] in routers(family, 3) + gap


def test_round_trips_are_those_of_the_wire(traces: Any) -> None:
    """Delays on the links add up hop by hop, there and back; nothing is early, and little is late."""
    topology = line(Router("a", 1, delay_s=0.01), Router("b", 2, delay_s=0.02), Host("h", delay_s=0.03))

    for way, seen in traces(topology).items():
        for hop, least in zip(seen.hops, (0.02, 0.06, 0.12), strict=True):
            assert hop.rtt_s is not None
            assert least <= hop.rtt_s < least + 0.2, way  # a busy machine may be late


def test_lost_answers_are_asked_for_again(traces: Any) -> None:
    """With a fifth of the answers lost ten attempts find all four hops, and with a half one does not."""

    def lossy(loss: float) -> Any:
        return line(*(Router(f"r{n}", n, loss=loss) for n in range(1, 4)), Host("h", loss=loss))

    # Chance may spare all of a few packets: of some dozens at a half it never does, at a fifth once in hundreds.
    assert paths(traces(lossy(0.5), attempts=1)) != through(1, 2, 3)
    assert paths(traces(lossy(0.2), attempts=10)) == through(1, 2, 3)


def test_copies_of_answers_are_one_hop_each(traces: Any) -> None:
    """Answers that arrive three times, as over a bridge loop, change nothing."""
    topology = line(Router("a", 1, copies=3), Router("b", 2, copies=3), Host("h", copies=3))

    assert paths(traces(topology)) == through(1, 2)


def test_a_hop_that_hides_is_not_invented(traces: Any) -> None:
    """A bridge that leaves the TTL alone is no hop; a router that forwards TTL 0 shows the next one twice."""
    bridge, careless = Router("b", 2, decrements=False), Router("c", 3, forwards_expired=True)

    seen = traces(line(Router("a", 1), bridge, careless, Router("d", 4), Host("h")))

    assert paths(seen) == through(1, 4, 4)
