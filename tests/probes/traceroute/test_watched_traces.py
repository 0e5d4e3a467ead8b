"""Rates and round trips of traces through real routers, against a packet capture of the tracer's interface."""

from __future__ import annotations

import bisect
import json
import platform
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import pytest

from probes.observation import TraceObservation
from probes.traceroute.pace import burst_of

if TYPE_CHECKING:
    from conftest import Chain

pytestmark = pytest.mark.netns

SERVER = {4: "198.18.3.2", 6: "2001:db8:3::2"}
FAMILIES = pytest.mark.parametrize("family", [4, 6])
ICMP = {4: 1, 6: 58}
TIME_EXCEEDED = {4: 11, 6: 3}
SECOND = 1_000_000_000


class Packet(NamedTuple):
    """One captured packet: Unix nanoseconds, whether it left, its octets."""

    at_ns: int
    left: bool
    octets: bytes

    @property
    def family(self) -> int:
        """The version of IP."""
        return self.octets[0] >> 4

    @property
    def ttl(self) -> int:
        """Of the IP header."""
        return self.octets[8] if self.family == 4 else self.octets[7]

    @property
    def header(self) -> int:
        """Octets of the IP header."""
        return 20 if self.family == 4 else 40

    @property
    def is_icmp(self) -> bool:
        """Whether it holds an ICMP message."""
        return self.octets[9 if self.family == 4 else 6] == ICMP[self.family]


class Watched(msgspec.Struct):
    """What the watched process tells."""

    observations: list[TraceObservation]
    unstamped: int
    packets: list[tuple[int, bool, str]]

    @property
    def probes(self) -> list[Packet]:
        """The UDP packets that left, in the order of their stamps."""
        return sorted(packet for packet in self._read() if packet.left and not packet.is_icmp)

    @property
    def errors(self) -> list[Packet]:
        """The ICMP errors that came."""
        return [packet for packet in self._read() if not packet.left and packet.is_icmp]

    def _read(self) -> list[Packet]:
        packets = [Packet(at_ns, left, bytes.fromhex(octets)) for at_ns, left, octets in self.packets]
        udp_or_icmp = [p for p in packets if p.is_icmp or p.octets[9 if p.family == 4 else 6] == 17]
        return [p for p in udp_or_icmp if not (p.is_icmp and p.family == 6 and p.octets[40] > 4)]  # neighbours


class Tracing:
    """A watched process on the client."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __call__(self, *traces: dict[str, Any], rate: float = 1000) -> Watched:
        """Trace all at once."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"traces": traces, "rate": rate}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the watched process died; its reason is on standard error"
        return msgspec.json.decode(line, type=Watched)


SCRIPT = str(Path(__file__).with_name("watched_process.py"))


@pytest.fixture(scope="module")
def watched(chain: Chain) -> Iterator[Tracing]:
    """Traces from the client, watched on its only interface."""
    with chain.python("client", SCRIPT, "e1") as process:
        yield Tracing(process)


@pytest.fixture(scope="module")
def stampless(chain: Chain) -> Iterator[Tracing]:
    """The same under a kernel that refuses stamps."""
    if platform.machine() not in ("x86_64", "aarch64"):
        pytest.skip(f"the system call numbers of {platform.machine()} are not known here")
    with chain.python("client", SCRIPT, "e1", "without-stamps") as process:
        yield Tracing(process)


def by_capture(seen: Watched, family: int) -> dict[tuple[int, int], float]:
    """Round trips by (source port, TTL) of the probe, seconds.

    Routers quote all of these short packets; ports and payload tell each from the others. The checksum does
    not, since a virtual wire need not have one.
    """

    def name(udp: bytes) -> bytes:
        return udp[:4] + udp[8:]

    left = {name(probe.octets[probe.header :]): probe for probe in seen.probes}
    trips = {}
    for error in seen.errors:
        quoted = error.octets[error.header + 8 + error.header :]
        probe = left[name(quoted)]
        assert probe.family == family
        trips[int.from_bytes(quoted[:2], "big"), probe.ttl] = (error.at_ns - probe.at_ns) / SECOND
    return trips


@FAMILIES
@pytest.mark.parametrize("mode", ["raw", "unprivileged"])
def test_round_trips_are_those_of_the_packets_on_the_wire(watched: Tracing, family: int, mode: str) -> None:
    """Kernel stamp to kernel stamp: half of the hops are within 50 us of a capture, and all are stamped."""
    flows = range(20)
    seen = watched(*({"address": SERVER[family], "method": "udp", "mode": mode, "flow": flow} for flow in flows))
    trips = by_capture(seen, family)
    errors = [
        abs((hop.rtt_s or 0) - trips[61440 + flow, hop.ttl])
        for flow, observation in zip(flows, seen.observations, strict=True)
        for hop in observation.hops
    ]

    assert len(errors) == 20 * 3
    assert statistics.median(errors) < 50e-6
    assert seen.unstamped == 0


@FAMILIES
def test_three_hundred_traces_at_once_keep_the_rate(watched: Tracing, family: int) -> None:
    """No second has more packets than the rate and a burst, by the stamps of a capture, and all traces arrive."""
    rate = 400
    trace = {"address": SERVER[family], "method": "udp", "timeout_s": 60.0}
    seen = watched(*[trace] * 300, rate=rate)
    left = [probe.at_ns for probe in seen.probes]

    assert [observation.reached for observation in seen.observations] == [True] * 300
    assert {len(observation.hops) for observation in seen.observations} == {3}
    busiest = max(bisect.bisect_right(left, at + SECOND) - number for number, at in enumerate(left))
    # A tenth more, because a packet that a busy machine holds back leaves in the next second's company.
    assert busiest <= rate * 1.1 + burst_of(rate)


@FAMILIES
def test_under_a_rate_no_packet_is_sent_that_an_answer_makes_needless(watched: Tracing, family: int) -> None:
    """A path of three hops costs three packets when others wait; a trace alone looks five hops ahead."""
    trace = {"address": SERVER[family], "method": "udp", "timeout_s": 60.0}
    alone, many = watched(trace), watched(*[trace] * 100, rate=200)

    assert 3 <= len(alone.probes) <= 3 + 5
    assert 300 <= len(many.probes) <= 330


@pytest.mark.parametrize("mode", ["raw", "unprivileged"])
def test_a_kernel_without_stamps_leaves_our_own(stampless: Tracing, mode: str) -> None:
    """Every hop still has a round trip, not shorter than the packets' own, and it is told how many are ours."""
    seen = stampless({"address": SERVER[4], "method": "udp", "mode": mode, "flow": 3, "max_hops": 3})
    trips = by_capture(seen, 4)
    (observation,) = seen.observations

    assert observation.reached
    assert seen.unstamped == len(observation.hops) == 3
    for hop in observation.hops:
        assert hop.rtt_s is not None
        assert trips[61440 + 3, hop.ttl] - 2e-6 <= hop.rtt_s <= observation.elapsed_s
