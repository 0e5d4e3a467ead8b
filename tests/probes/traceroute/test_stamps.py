"""The kernel's stamps: real ones of loopback sockets, and messages as the kernel lays them out."""

from __future__ import annotations

import select
import socket
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.traceroute.receive import waiting
from probes.traceroute.stamps import Departure, Departures, request_stamps, stamp_ns

TIMESTAMPING = (socket.SOL_SOCKET, 37)
RECVERR4, RECVERR6 = (socket.IPPROTO_IP, 11), (socket.IPPROTO_IPV6, 25)
SECOND = 1_000_000_000


def stamp(nanoseconds: int) -> tuple[int, int, bytes]:
    """`struct scm_timestamping`, software stamp only."""
    return (*TIMESTAMPING, struct.pack("@6l", *divmod(nanoseconds, SECOND), 0, 0, 0, 0))


def departed(number: int, *, origin: int = 4, where: tuple[int, int] = RECVERR4) -> tuple[int, int, bytes]:
    """`struct sock_extended_err` of a departure, with an empty offender."""
    return (*where, struct.pack("=IBBBBII", 42, origin, 0, 0, 0, 0, number) + bytes(16))


def sending(departures: Departures, *walls_ns: int) -> list[Departure]:
    """Packets that the kernel took, with our own readings of the wall clock."""
    packets = [Departure(0.0, wall_ns) for wall_ns in walls_ns]
    for packet in packets:
        departures.left(packet)
    return packets


def test_the_kernels_stamp_is_in_nanoseconds() -> None:
    """Without one, cut short, or all zero (a hardware stamp only), there is None, not 0."""
    whole = stamp(1643855431_250_000_000)

    assert stamp_ns([whole]) == 1643855431_250_000_000
    assert stamp_ns([(*TIMESTAMPING, whole[2][:8])]) is None
    assert stamp_ns([stamp(0)]) is None
    assert stamp_ns([]) is None


@pytest.mark.parametrize("where", [RECVERR4, RECVERR6])
def test_a_departure_is_found_by_its_number(where: tuple[int, int]) -> None:
    """Also when a stamp of another packet never came, or they come in another order."""
    departures = Departures()
    first, second, third = sending(departures, 100, 200, 300)

    assert departures.read([stamp(333), departed(2, where=where)])
    assert departures.read([stamp(111), departed(0, where=where)])
    assert [packet.kernel_ns for packet in (first, second, third)] == [111, None, 333]


def test_a_stamp_of_a_packet_before_the_renumbering_is_not_believed() -> None:
    """It is older than our own reading before the packet that has the number now."""
    departures = Departures()
    sending(departures, 100)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        departures.renumber(sock)
    (now_first,) = sending(departures, 500)

    departures.read([stamp(104), departed(0)])
    assert now_first.kernel_ns is None
    departures.read([stamp(504), departed(0)])
    assert now_first.kernel_ns == 504


@pytest.mark.parametrize(
    "ancillary",
    [
        pytest.param([stamp(5)], id="an arrival"),
        pytest.param([stamp(5), departed(0, origin=2)], id="an ICMP error"),
        pytest.param([stamp(5), (*RECVERR4, departed(0)[2][:12])], id="cut short"),
        pytest.param([], id="nothing"),
    ],
)
def test_other_messages_are_no_departures(ancillary: list[tuple[int, int, bytes]]) -> None:
    """They are left to others, and no packet gets their stamp."""
    departures = Departures()
    (packet,) = sending(departures, 1)

    assert not departures.read(ancillary)
    assert packet.kernel_ns is None


def test_only_the_latest_packets_are_remembered() -> None:
    """Ten thousand packets without a stamp hold no memory, and late stamps find no wrong packet."""
    departures = Departures()
    packets = sending(departures, *range(1, 10_001))

    departures.read([stamp(SECOND), departed(0)])
    departures.read([stamp(SECOND), departed(9_999)])
    assert [packet.number for packet in packets if packet.kernel_ns] == [9_999]


@given(octets=st.binary(max_size=64), where=st.sampled_from([RECVERR4, RECVERR6, TIMESTAMPING]))
@settings(max_examples=200, derandomize=True)
def test_any_octets_are_read_without_harm(octets: bytes, where: tuple[int, int]) -> None:
    """No length of ancillary data is trusted."""
    departures = Departures()
    (packet,) = sending(departures, 1 << 62)
    departures.read([(*where, octets)])

    assert packet.kernel_ns is None or packet.kernel_ns >= packet.wall_ns


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_kernel_stamps_what_leaves_and_what_arrives(address: str) -> None:
    """Three packets over loopback: each left between our reading before the send and its arrival."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with (
        socket.socket(family, socket.SOCK_DGRAM) as sender,
        socket.socket(family, socket.SOCK_DGRAM) as receiver,
    ):
        sender.setblocking(False)
        request_stamps(sender, departures=True)
        request_stamps(receiver)
        receiver.setblocking(False)
        receiver.bind((address, 0))
        departures, packets, arrivals = Departures(), [], []
        for _ in range(3):
            packet = Departure(time.perf_counter(), time.time_ns())
            sender.sendto(b"probe", receiver.getsockname())
            departures.left(packet)
            packets.append(packet)
            assert select.select([receiver], [], [], 10)[0]
            arrivals += [stamp_ns(received.ancillary) for received in waiting(receiver)]
        for received in waiting(sender, socket.MSG_ERRQUEUE):
            assert departures.read(received.ancillary)

    for packet, arrival in zip(packets, arrivals, strict=True):
        assert packet.kernel_ns is not None
        assert arrival is not None
        assert packet.wall_ns <= packet.kernel_ns <= arrival <= time.time_ns()


def test_after_a_renumbering_the_kernel_counts_with_us() -> None:
    """A refused send may or may not have taken a number; both begin anew, and the next stamp fits."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        request_stamps(sender, departures=True)
        departures = Departures()
        sender.sendto(b"taken", ("127.0.0.1", 9))
        (before,) = sending(departures, time.time_ns())
        with pytest.raises(PermissionError):
            sender.sendto(b"refused", ("255.255.255.255", 9))
        departures.renumber(sender)
        after = Departure(time.perf_counter(), time.time_ns())
        sender.sendto(b"again", ("127.0.0.1", 9))
        departures.left(after)
        for received in waiting(sender, socket.MSG_ERRQUEUE):
            departures.read(received.ancillary)

    assert (before.kernel_ns, after.number) == (None, 0)
    assert after.kernel_ns is not None
