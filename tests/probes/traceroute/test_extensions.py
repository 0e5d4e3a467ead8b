"""MPLS labels in ICMP extensions, built by scapy, and broken ones, which never cost the hop."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.contrib.mpls import MPLS, ICMPExtension_MPLS
from scapy.layers.inet import ICMP, IP, UDP, ICMPExtension_Header, ICMPExtension_InterfaceInformation
from scapy.layers.inet6 import ICMPv6TimeExceeded, IPv6

from probes.observation import HopReply, MplsLabel
from probes.traceroute.extensions import mpls_labels, mpls_labels_after_quote
from probes.traceroute.replies import read_icmp4, read_icmp6

STACK = [MPLS(label=24015, cos=2, s=0, ttl=1), MPLS(label=16, cos=0, s=1, ttl=254)]
LABELS = (
    MplsLabel(label=24015, tc=2, bottom=False, ttl=1),
    MplsLabel(label=16, tc=0, bottom=True, ttl=254),
)
EXTENSION = bytes(ICMPExtension_Header() / ICMPExtension_MPLS(stack=STACK))
PROBE = bytes(IP(src="198.18.1.2", dst="203.0.113.10") / UDP(sport=61441, dport=443) / bytes(20))
PROBE6 = bytes(IPv6(src="2001:db8:1::2", dst="2001:db8:3::2") / UDP(sport=61441, dport=443) / bytes(20))


def time_exceeded(extension: bytes, *, words: int) -> bytes:
    """A router's message: the probe padded to 128 octets, then the extension; `words` as its length field."""
    icmp = bytearray(bytes(ICMP(type=11, code=0))[:8])
    icmp[5] = words
    return bytes(IP(src="198.18.1.1", dst="198.18.1.2") / (bytes(icmp) + PROBE.ljust(128, b"\0") + extension))


@pytest.mark.parametrize("words", [32, 0], ids=["RFC 4884", "older routers, without a length"])
def test_labels_follow_the_quoted_datagram(words: int) -> None:
    """The stack is read outermost first, with and without the length field."""
    reply = read_icmp4(time_exceeded(EXTENSION, words=words))

    assert reply is not None
    assert reply.mpls == LABELS


def test_labels_in_ipv6_are_found_by_a_length_in_longer_words() -> None:
    """ICMPv6 counts 64-bit words, in another octet than ICMP."""
    message = bytearray(bytes(ICMPv6TimeExceeded())[:8])
    message[4] = 16
    reply = read_icmp6(bytes(message) + PROBE6.ljust(128, b"\0") + EXTENSION, "2001:db8:1::1")

    assert reply is not None
    assert reply.mpls == LABELS


def test_labels_behind_another_object_are_found() -> None:
    """An interface information object (RFC 5837) may come first."""
    first = bytes(ICMPExtension_InterfaceInformation(has_ifindex=1, ifindex=7))
    header_without_checksum = b"\x20\0\0\0"

    assert mpls_labels(header_without_checksum + first + bytes(ICMPExtension_MPLS(stack=STACK))) == LABELS


@pytest.mark.parametrize(
    "extension",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x10" + EXTENSION[1:], id="version 1"),
        pytest.param(EXTENSION[:-1] + b"\x00", id="wrong checksum"),
        pytest.param(b"\x20\0\0\0" + b"\x00\x02\x01\x01", id="object shorter than its header"),
        pytest.param(b"\x20\0\0\0" + b"\x00\x40\x01\x01", id="object longer than the message"),
    ],
)
def test_a_broken_extension_gives_no_labels_and_keeps_the_hop(extension: bytes) -> None:
    """The router's address is worth more than its labels."""
    reply = read_icmp4(time_exceeded(extension, words=32))

    assert reply is not None
    assert (reply.kind, reply.responder, reply.mpls) == (HopReply.TIME_EXCEEDED, "198.18.1.1", ())


def test_without_a_length_an_extension_needs_a_checksum() -> None:
    """Octets behind 128 may as well be a long quotation, so that only a checksum makes them an extension."""
    unsigned = EXTENSION[:2] + b"\0\0" + EXTENSION[4:]

    assert mpls_labels_after_quote(bytes(128) + unsigned, 128) == LABELS
    assert mpls_labels_after_quote(bytes(128) + unsigned, 0) == ()


def test_a_hostile_stack_is_cut() -> None:
    """No more than 16 labels are kept of any message."""
    stack = [MPLS(label=n, cos=0, s=0, ttl=1) for n in range(100)]

    assert len(mpls_labels(bytes(ICMPExtension_Header() / ICMPExtension_MPLS(stack=stack)))) == 16


@given(octets=st.binary(max_size=200), signed=st.booleans())
@settings(max_examples=300, derandomize=True, deadline=None)
def test_any_octets_give_labels_or_none(octets: bytes, signed: bool) -> None:
    """Whatever follows a quotation, the result is a bounded tuple."""
    for extension in (octets, b"\x20\0\0\0" + octets):
        assert len(mpls_labels(extension, checksum_needed=signed)) <= 16
