"""Reading replies: what scapy builds is read rightly, and any bytes end in a value or our own error."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6PacketTooBig,
    ICMPv6ParamProblem,
    ICMPv6TimeExceeded,
    IPv6,
)

from probes.observation import HopReply
from probes.traceroute.flow import Quoted
from probes.traceroute.replies import (
    MalformedReplyError,
    Reply,
    read_icmp4,
    read_icmp6,
    read_tcp4,
    read_tcp6,
)

ROUTER4, ROUTER6 = "198.18.1.1", "2001:db8:1::1"
PROBE4 = IP(src="198.18.1.2", dst="203.0.113.10", id=0x1234, ttl=1)
PROBE6 = IPv6(src="2001:db8:1::2", dst="2001:db8:3::2", hlim=1)
TRANSPORTS: dict[str, Any] = {
    "tcp": TCP(sport=61441, dport=443, seq=0xBEEF1234, flags="S"),
    "udp": UDP(sport=61441, dport=33434, chksum=0x1234),
    "icmp": ICMP(type=8, id=77, seq=0x1234),
    "icmp6": ICMPv6EchoRequest(id=77, seq=0x1234),
}
QUOTED4 = {
    "tcp": Quoted(4, "tcp", "203.0.113.10", 61441, 443, 0x1234, 0xBEEF, 0x1234),
    "udp": Quoted(4, "udp", "203.0.113.10", 61441, 33434, 0x1234, None, 0x1234),
    "icmp": Quoted(4, "icmp", "203.0.113.10", 77, None, 0x1234, None, 0x1234),
}
QUOTED6 = {
    "tcp": Quoted(6, "tcp", "2001:db8:3::2", 61441, 443, 0x1234, 0xBEEF),
    "udp": Quoted(6, "udp", "2001:db8:3::2", 61441, 33434, 0x1234),
    "icmp6": Quoted(6, "icmp", "2001:db8:3::2", 77, None, 0x1234),
}


def told(responder: str, kind: HopReply, probe: Any, octets: int | None = None) -> Reply:
    """What a router's error about `probe`, cut to its first octets, says; scapy reads the probe again."""
    whole = type(probe)(bytes(probe))
    four, method = isinstance(whole, IP), next(name for name, layer in TRANSPORTS.items() if type(layer) in whole)
    checksum = whole[type(TRANSPORTS[method])]
    kept = octets is None or method != "tcp"
    value = (checksum.cksum if method == "icmp6" else checksum.chksum) if kept else None
    quoted = (QUOTED4 if four else QUOTED6)[method]
    return Reply(responder, kind, quoted, (), "198.18.1.2" if four else "2001:db8:1::2", value)


def icmp4(kind: int, code: int, probe: Any, octets: int | None = None) -> bytes:
    """An ICMP error of a router about `probe`, which is cut to its first octets."""
    return bytes(IP(src=ROUTER4, dst="198.18.1.2") / ICMP(type=kind, code=code) / bytes(probe)[:octets])


@pytest.mark.parametrize("method", list(QUOTED4))
def test_time_exceeded_names_router_and_probe(method: str) -> None:
    """Even 8 octets behind the quoted header (RFC 792) are enough for every method."""
    packet = icmp4(11, 0, PROBE4 / TRANSPORTS[method], octets=28)

    assert read_icmp4(packet) == told(ROUTER4, HopReply.TIME_EXCEEDED, PROBE4 / TRANSPORTS[method], octets=28)


@pytest.mark.parametrize("method", list(QUOTED6))
def test_time_exceeded_in_ipv6_names_router_and_probe(method: str) -> None:
    """The same for ICMPv6, where the header of the packet that brought it is not seen."""
    message = bytes(ICMPv6TimeExceeded() / bytes(PROBE6 / TRANSPORTS[method]))

    assert read_icmp6(message, ROUTER6) == told(ROUTER6, HopReply.TIME_EXCEEDED, PROBE6 / TRANSPORTS[method])


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (0, HopReply.NET_UNREACHABLE),
        (1, HopReply.HOST_UNREACHABLE),
        (2, HopReply.PORT_UNREACHABLE),
        (3, HopReply.PORT_UNREACHABLE),
        (9, HopReply.ADMIN_PROHIBITED),
        (10, HopReply.ADMIN_PROHIBITED),
        (13, HopReply.ADMIN_PROHIBITED),
    ],
)
def test_unreachable_codes_of_ipv4(code: int, kind: HopReply) -> None:
    """Codes of RFC 792 and RFC 1812 keep apart what network, host, port and policy say."""
    reply = read_icmp4(icmp4(3, code, PROBE4 / TRANSPORTS["udp"]))

    assert reply == told(ROUTER4, kind, PROBE4 / TRANSPORTS["udp"])


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (0, HopReply.NET_UNREACHABLE),
        (1, HopReply.ADMIN_PROHIBITED),
        (3, HopReply.HOST_UNREACHABLE),
        (4, HopReply.PORT_UNREACHABLE),
        (5, HopReply.ADMIN_PROHIBITED),
        (6, HopReply.ADMIN_PROHIBITED),
    ],
)
def test_unreachable_codes_of_ipv6(code: int, kind: HopReply) -> None:
    """RFC 4443 numbers them differently: 1 is policy here, host in IPv4."""
    message = bytes(ICMPv6DestUnreach(code=code) / bytes(PROBE6 / TRANSPORTS["udp"]))

    assert read_icmp6(message, ROUTER6) == told(ROUTER6, kind, PROBE6 / TRANSPORTS["udp"])


def test_an_unknown_next_header_is_said_by_the_destination() -> None:
    """Parameter problem code 1 is IPv6's "protocol unreachable"; its pointer is no RFC 4884 length."""
    message = bytes(ICMPv6ParamProblem(code=1, ptr=6) / bytes(PROBE6 / TRANSPORTS["udp"]))

    assert read_icmp6(message, ROUTER6) == told(ROUTER6, HopReply.PORT_UNREACHABLE, PROBE6 / TRANSPORTS["udp"])


def test_echo_replies_name_the_probe_by_their_sequence() -> None:
    """An echo reply is read in both families."""
    four = bytes(IP(src="203.0.113.10", dst="198.18.1.2") / ICMP(type=0, id=77, seq=0x1234) / b"payload")
    six = bytes(ICMPv6EchoReply(id=77, seq=0x1234, data=b"payload"))

    assert read_icmp4(four) == Reply(
        "203.0.113.10", HopReply.ECHO_REPLY, Quoted(4, "icmp", "203.0.113.10", 77, None, 0x1234)
    )
    assert read_icmp6(six, "2001:db8:3::2") == Reply(
        "2001:db8:3::2", HopReply.ECHO_REPLY, Quoted(6, "icmp", "2001:db8:3::2", 77, None, 0x1234)
    )


@pytest.mark.parametrize(("flags", "kind"), [("SA", HopReply.SYN_ACK), ("RA", HopReply.RST)])
def test_tcp_answers_name_the_probe_by_their_acknowledgement(flags: str, kind: HopReply) -> None:
    """The acknowledgement is the probe's sequence number plus one."""
    segment = TCP(sport=443, dport=61441, ack=0xBEEF1235, flags=flags)
    four = read_tcp4(bytes(IP(src="203.0.113.10", dst="198.18.1.2") / segment))
    six = read_tcp6(bytes(segment), "2001:db8:3::2")

    assert four == Reply("203.0.113.10", kind, Quoted(4, "tcp", "203.0.113.10", 61441, 443, 0x1234, 0xBEEF))
    assert six == Reply("2001:db8:3::2", kind, Quoted(6, "tcp", "2001:db8:3::2", 61441, 443, 0x1234, 0xBEEF))


def test_an_acknowledgement_of_the_last_sequence_number_wraps() -> None:
    """0 acknowledges 0xffffffff."""
    reply = read_tcp6(bytes(TCP(sport=443, dport=61441, ack=0, flags="SA")), "2001:db8:3::2")

    assert reply is not None
    assert (reply.quoted.cookie, reply.quoted.mark) == (0xFFFF, 0xFFFF)


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(icmp4(5, 0, PROBE4 / TRANSPORTS["udp"]), id="redirect"),
        pytest.param(icmp4(3, 4, PROBE4 / TRANSPORTS["udp"]), id="fragmentation needed"),
        pytest.param(icmp4(11, 1, PROBE4 / TRANSPORTS["udp"]), id="reassembly time exceeded"),
        pytest.param(icmp4(11, 0, PROBE4 / ICMP(type=0, id=77, seq=1)), id="about an echo reply"),
        pytest.param(icmp4(11, 0, PROBE4.copy() / b"12345678"), id="about another protocol"),
    ],
)
def test_sound_packets_that_answer_no_probe_are_passed_over(packet: bytes) -> None:
    """They are neither a reply nor an error."""
    assert read_icmp4(packet) is None


def test_other_icmp6_and_tcp_answer_no_probe() -> None:
    """A packet-too-big, a bare ACK and a RST that acknowledges nothing are passed over."""
    too_big = bytes(ICMPv6PacketTooBig() / bytes(PROBE6 / TRANSPORTS["udp"]))

    assert read_icmp6(too_big, ROUTER6) is None
    assert read_tcp6(bytes(TCP(flags="A", ack=7)), ROUTER6) is None
    assert read_tcp6(bytes(TCP(flags="R", ack=0)), ROUTER6) is None


@pytest.mark.parametrize(
    ("packet", "complaint"),
    [
        (b"", "packet: 0 octets, at least 20"),
        (b"\x65" + bytes(40), "packet: IP version 6, not 4"),
        (b"\x44" + bytes(40), "header of 16 octets"),
        (icmp4(11, 0, PROBE4 / TRANSPORTS["udp"], octets=27), "quoted transport header: 7 octets"),
        (icmp4(11, 0, PROBE4, octets=12), "quoted datagram: 12 octets"),
    ],
)
def test_cut_packets_are_malformed_and_say_where(packet: bytes, complaint: str) -> None:
    """The error names the part and the limit."""
    with pytest.raises(MalformedReplyError, match=complaint):
        read_icmp4(packet)


HEADERS = st.sampled_from([
    b"",
    bytes(PROBE4)[:20],
    icmp4(11, 0, PROBE4)[:28],
    icmp4(11, 0, PROBE4 / TRANSPORTS["udp"]),
    bytes(ICMPv6TimeExceeded()),
    bytes(ICMPv6TimeExceeded() / bytes(PROBE6)),
])  # fmt: skip


@given(head=HEADERS, tail=st.binary(max_size=300))
@settings(max_examples=400, derandomize=True, deadline=None)
def test_any_bytes_give_a_reply_or_nothing_or_our_error(head: bytes, tail: bytes) -> None:
    """A stranger can send anything to a raw socket; no other exception may come of it."""
    packet = head + tail
    for reader in (
        read_icmp4,
        read_tcp4,
        lambda octets: read_icmp6(octets, ROUTER6),
        lambda octets: read_tcp6(octets, ROUTER6),
    ):
        try:
            reply = reader(packet)
        except MalformedReplyError:
            continue
        assert reply is None or isinstance(reply, Reply)
