"""Traces through real routers in network namespaces; see `conftest` for the map."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from probes.failure_word import Failure
from probes.observation import HopReply, TraceObservation

if TYPE_CHECKING:
    from conftest import Chain, Vantage

pytestmark = pytest.mark.netns

FAMILIES = pytest.mark.parametrize("family", [4, 6])
ROUTERS = {4: ("198.18.1.1", "198.18.2.2"), 6: ("2001:db8:1::1", "2001:db8:2::2")}
LISTEN = "0A"
"""The TCP state in /proc/net/tcp; a half-open connection is 03."""
SERVER = {4: "198.18.3.2", 6: "2001:db8:3::2"}
BALANCED = {4: "198.18.50.1", 6: "2001:db8:50::1"}


def beyond(family: int, network: int) -> str:
    """An address in one of the networks behind r2 that no host has."""
    return f"198.18.{network}.1" if family == 4 else f"2001:db8:{network}::1"


def path(observation: TraceObservation) -> tuple[tuple[str | None, HopReply | None], ...]:
    """What answered at each TTL."""
    return tuple((hop.address, hop.reply) for hop in observation.hops)


def whole_path(family: int, reply: HopReply) -> tuple[tuple[str | None, HopReply | None], ...]:
    """The chain, with the server's kind of reply."""
    routers = tuple((router, HopReply.TIME_EXCEEDED) for router in ROUTERS[family])
    return (*routers, (SERVER[family], reply))


def assert_timed(observation: TraceObservation) -> None:
    """Every answer has a round trip that fits into the trace."""
    assert observation.elapsed_s is not None
    for hop in observation.hops:
        if hop.address is not None:
            assert hop.rtt_s is not None
            assert 0 < hop.rtt_s <= observation.elapsed_s


@FAMILIES
@pytest.mark.parametrize(
    ("asked", "reply"),
    [
        ({"method": "tcp", "port": 443}, HopReply.SYN_ACK),
        ({"method": "tcp", "port": 444}, HopReply.RST),
        ({"method": "icmp"}, HopReply.ECHO_REPLY),
        ({"method": "udp"}, HopReply.PORT_UNREACHABLE),
    ],
)
def test_raw_sockets_find_the_whole_path(
    root_vantage: Vantage, family: int, asked: dict[str, Any], reply: HopReply
) -> None:
    """TCP to an open and a closed port, ICMP and UDP see the same routers, and the server by its own reply."""
    seen = root_vantage.trace(address=SERVER[family], **asked)

    assert path(seen) == whole_path(family, reply)
    assert (seen.reached, seen.failure, seen.mode, seen.method) == (True, None, "raw", asked["method"])
    assert_timed(seen)


@FAMILIES
@pytest.mark.parametrize(
    ("asked", "used", "reply"),
    [
        ("tcp", "icmp", HopReply.ECHO_REPLY),
        ("icmp", "icmp", HopReply.ECHO_REPLY),
        ("udp", "udp", HopReply.PORT_UNREACHABLE),
    ],
)
def test_without_privilege_the_error_queue_finds_the_whole_path(
    plain_vantage: Vantage, family: int, asked: str, used: str, reply: HopReply
) -> None:
    """A process without capabilities sees the same routers, and says how it really traced."""
    seen = plain_vantage.trace(address=SERVER[family], method=asked)

    assert path(seen) == whole_path(family, reply)
    assert (seen.reached, seen.mode, seen.method) == (True, "unprivileged", used)
    assert_timed(seen)


@FAMILIES
def test_udp_stands_in_where_echo_is_not_allowed_either(bare_vantage: Vantage, family: int) -> None:
    """Outside of ping_group_range a TCP trace becomes a UDP trace to the traceroute port, not a failure."""
    seen = bare_vantage.trace(address=SERVER[family])

    assert path(seen) == whole_path(family, HopReply.PORT_UNREACHABLE)[1:]
    assert (seen.method, seen.port, seen.mode, seen.failure) == ("udp", 33434, "unprivileged", None)


def test_raw_mode_without_privilege_is_permission_denied(plain_vantage: Vantage) -> None:
    """Who insists on raw sockets and may not open them gets that failure and no hops."""
    seen = plain_vantage.trace(address=SERVER[4], mode="raw")

    assert (seen.failure, seen.hops, seen.reached) == (Failure.PERMISSION_DENIED, (), False)
    assert "raw tcp socket" in (seen.error or "")


@FAMILIES
@pytest.mark.parametrize("mode", ["raw", "unprivileged"])
def test_a_silent_router_is_a_gap_in_the_path(chain: Chain, root_vantage: Vantage, family: int, mode: str) -> None:
    """A router that sends no ICMP errors leaves its TTL empty; the hops around it and the end stay."""
    with chain.silent("r2"):
        seen = root_vantage.trace(address=SERVER[family], mode=mode, method="icmp")

    expected = list(whole_path(family, HopReply.ECHO_REPLY))
    expected[1] = (None, None)
    assert path(seen) == tuple(expected)
    assert seen.reached


@FAMILIES
@pytest.mark.parametrize("mode", ["raw", "unprivileged"])
def test_a_black_hole_shows_the_last_router_that_answers(root_vantage: Vantage, family: int, mode: str) -> None:
    """Behind the last hop silence is asked for five TTLs, twice, and then the trace ends by itself."""
    seen = root_vantage.trace(address=beyond(family, 99), mode=mode, timeout_s=8.0)

    assert path(seen) == ((ROUTERS[family][0], HopReply.TIME_EXCEEDED), *[(None, None)] * 5)
    assert (seen.reached, seen.failure) == (False, None)
    assert (seen.elapsed_s or 99) < 4


@FAMILIES
@pytest.mark.parametrize("mode", ["raw", "unprivileged"])
@pytest.mark.parametrize(
    ("network", "replies"),
    [
        (97, {4: HopReply.ADMIN_PROHIBITED, 6: HopReply.ADMIN_PROHIBITED}),
        # Linux: an unreachable route is "host unreachable" in IPv4, "no route" in IPv6.
        (98, {4: HopReply.HOST_UNREACHABLE, 6: HopReply.NET_UNREACHABLE}),
    ],
)
def test_a_refusing_router_ends_the_path(
    root_vantage: Vantage, family: int, mode: str, network: int, replies: dict[int, HopReply]
) -> None:
    """A router that says no is the last hop, with its reason, and the target is not reached."""
    # Linux answers with at most five such errors in a row, so no probe beyond the router may be sent.
    seen = root_vantage.trace(address=beyond(family, network), mode=mode, method="udp", max_hops=2)

    expected = (ROUTERS[family][0], HopReply.TIME_EXCEEDED), (ROUTERS[family][1], replies[family])
    assert path(seen) == expected
    assert not seen.reached


@FAMILIES
def test_a_forwarding_loop_is_named_and_not_followed(root_vantage: Vantage, family: int) -> None:
    """Two routers that send a packet to each other are told apart from a path of thirty hops."""
    seen = root_vantage.trace(address=beyond(family, 96))

    # With IPv6, r1 answers from the interface that a packet came in by, so that r2 is the first seen thrice.
    returned_to = ROUTERS[family][0 if family == 4 else 1]
    assert not seen.reached
    assert seen.error == f"forwarding loop through {returned_to}"
    assert len(seen.hops) < 15


@pytest.mark.parametrize("address", ["203.0.113.1", "3fff::1"])
@pytest.mark.parametrize("mode", ["raw", "unprivileged"])
def test_no_route_is_a_failure_of_the_network(root_vantage: Vantage, address: str, mode: str) -> None:
    """Without a route there is nothing to trace, and the observation says so at once."""
    seen = root_vantage.trace(address=address, mode=mode)

    assert (seen.failure, seen.hops) == (Failure.NETWORK_UNREACHABLE, ())
    assert "route to" in (seen.error or "")


@FAMILIES
def test_the_deadline_ends_a_trace(root_vantage: Vantage, family: int) -> None:
    """A trace that would go on for seconds stops at its deadline and keeps what it has."""
    seen = root_vantage.trace(address=beyond(family, 99), timeout_s=0.6)

    # On an idle machine it is 0.601 s, without the deadline some 3; a test machine may be busy.
    assert 0.5 < (seen.elapsed_s or 0) < 2
    assert seen.hops[0].address == ROUTERS[family][0]


@FAMILIES
def test_a_known_length_is_sent_in_one_burst(root_vantage: Vantage, family: int) -> None:
    """With the last length known, the same path comes back; the server's refusal of a second SYN is no gap."""
    seen = root_vantage.trace(address=SERVER[family], expected_hops=3)

    assert path(seen) == whole_path(family, HopReply.SYN_ACK)


@FAMILIES
def test_one_flow_takes_one_way_through_a_balancer(root_vantage: Vantage, family: int) -> None:
    """r1 spreads by 5-tuple: the same flow number always meets the same router, different ones meet both."""

    def second_routers(flows: list[int]) -> list[str | None]:
        asked = [{"address": BALANCED[family], "flow": flow} for flow in flows]
        return [seen.hops[1].address for seen in root_vantage.traces(*asked)]

    first = second_routers(list(range(16)))

    assert set(first) == {ROUTERS[family][1], "198.18.4.2" if family == 4 else "2001:db8:4::2"}
    assert second_routers(list(range(16))) == first
    assert len(set(second_routers([7] * 4))) == 1


@FAMILIES
def test_many_traces_at_once_do_not_mix(root_vantage: Vantage, family: int) -> None:
    """Forty traces with different methods and ends share the sockets, and each gets its own answers."""
    asked: list[dict[str, Any]] = []
    for _ in range(10):
        asked += [{"address": SERVER[family], "method": method} for method in ("tcp", "udp", "icmp")]
        asked.append({"address": beyond(family, 99), "method": "udp"})

    seen = root_vantage.traces(*asked)

    replies = {"tcp": HopReply.SYN_ACK, "udp": HopReply.PORT_UNREACHABLE, "icmp": HopReply.ECHO_REPLY}
    for request, observation in zip(asked, seen, strict=True):
        if request["address"] == SERVER[family]:
            assert path(observation) == whole_path(family, replies[request["method"]])
        else:
            assert [hop.address for hop in observation.hops] == [ROUTERS[family][0], *[None] * 5]
    assert len({observation.flow for observation in seen if observation.method == "tcp"}) == 10


@FAMILIES
@pytest.mark.parametrize(("method", "reply"), [("icmp", HopReply.ECHO_REPLY), ("udp", HopReply.PORT_UNREACHABLE)])
def test_another_process_tracing_the_same_flow_is_not_heard(
    root_vantage: Vantage, other_vantage: Vantage, family: int, method: str, reply: HopReply
) -> None:
    """The kernel gives both processes every answer to either; each believes only those to its own packets."""
    asked = {"address": SERVER[family], "method": method, "flow": 7}
    with ThreadPoolExecutor(2) as threads:
        runs = threads.map(
            lambda vantage: [vantage.trace(**asked) for _ in range(10)], (root_vantage, other_vantage)
        )

    for observation in (seen for run in runs for seen in run):
        assert path(observation) == whole_path(family, reply)
        assert_timed(observation)


@FAMILIES
def test_no_connection_is_left_half_open(chain: Chain, root_vantage: Vantage, family: int) -> None:
    """The client's kernel resets what the SYN probes opened, so the server holds nothing in SYN-RECEIVED."""
    assert root_vantage.trace(address=SERVER[family], expected_hops=3).reached

    table = subprocess.run(
        chain.command("server", "cat", "/proc/net/tcp", "/proc/net/tcp6"),
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    ).stdout
    states = [line.split()[3] for line in table.splitlines() if ":" in line.split()[0]]
    assert states == [LISTEN]


def test_later_rounds_of_the_command_know_the_length(chain: Chain) -> None:
    """The first trace sends five TTLs, of which three come to the server; the others only one beyond its hop."""

    def probes_at_the_server() -> int:
        read = chain.command("server", "cat", "/proc/net/snmp")
        lines = subprocess.run(read, check=True, capture_output=True, text=True, timeout=10).stdout.splitlines()
        names, counts = (line.split() for line in lines if line.startswith("Udp:"))
        return int(counts[names.index("NoPorts")])

    before = probes_at_the_server()
    with chain.python("client", "-m", "probes", "trace", SERVER[4], "--method", "udp", "--count", "3") as command:
        lengths = [len(json.loads(line)["hops"]) for line in command.communicate(timeout=30)[0].splitlines()]

    assert lengths == [3, 3, 3]
    assert probes_at_the_server() - before == 3 + 2 + 2
