"""Patched packets against scapy, which builds the same probe from nothing and computes its own checksums."""

from __future__ import annotations

import socket
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6

from probes.traceroute.flow import Flow
from probes.traceroute.packets import Template, build
from probes.traceroute.request import Method

ADDRESSES = {4: ("198.18.1.2", "203.0.113.10"), 6: ("2001:db8:1::2", "2001:db8:3::2")}
TEMPLATES = {
    (family, method): build(Flow(1, family, method, *ADDRESSES[family], 61441, None if method == "icmp" else 443))
    for family in (4, 6)
    for method in ("tcp", "udp", "icmp")
}
LAYERS: dict[tuple[int, str], Any] = {
    (4, "icmp"): ICMP,
    (6, "icmp"): ICMPv6EchoRequest,
    **{(family, "tcp"): TCP for family in (4, 6)},
    **{(family, "udp"): UDP for family in (4, 6)},
}

EVERY_KIND = pytest.mark.parametrize(("family", "method"), list(TEMPLATES))
MARKS = st.integers(1, 0xFFFE)
COOKIES = st.integers(0, 0xFFFF)


def dissected(family: int, packet: bytes) -> Any:
    """The packet as scapy reads it."""
    return (IP if family == 4 else IPv6)(packet)


def rebuilt(family: int, method: str, packet: bytes) -> bytes:
    """The same packet with all checksums left for scapy to compute."""
    layers = dissected(family, packet)
    if family == 4:
        layers.chksum = None
    transport = layers[LAYERS[family, method]]
    if hasattr(transport, "chksum"):
        transport.chksum = None
    else:
        transport.cksum = None
    return bytes(layers)


@EVERY_KIND
@given(ttl=st.integers(1, 255), mark=MARKS, cookie=COOKIES)
@settings(max_examples=60, derandomize=True, deadline=None)
def test_patched_checksums_are_the_ones_scapy_computes(
    family: int, method: str, ttl: int, mark: int, cookie: int
) -> None:
    """Whatever TTL, mark and cookie are patched in, the packet is bit for bit what scapy would send."""
    packet = TEMPLATES[family, method].patch(ttl, mark, cookie)

    assert packet == rebuilt(family, method, packet)
    assert (dissected(family, packet).ttl if family == 4 else dissected(family, packet).hlim) == ttl


@EVERY_KIND
@given(
    hosts=st.tuples(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16)),
    ident=st.integers(1, 0xFFFF),
    port=st.integers(1, 0xFFFF),
)
@settings(max_examples=30, derandomize=True, deadline=None)
def test_every_flow_is_filled_in_as_scapy_would_build_it(
    family: int, method: Method, hosts: tuple[bytes, bytes], ident: int, port: int
) -> None:
    """Whatever the addresses, the identifier and the port: fields and checksums of the probe are scapy's."""
    size, af = (4, socket.AF_INET) if family == 4 else (16, socket.AF_INET6)
    source, destination = (socket.inet_ntop(af, host[:size]) for host in hosts)
    template = build(Flow(1, family, method, source, destination, ident, None if method == "icmp" else port))
    packet = template.patch(9, 77, 88)
    read = dissected(family, packet)

    assert packet == rebuilt(family, method, packet)
    assert (read.src, read.dst) == (source, destination)
    transport = read[LAYERS[family, method]]
    if method == "icmp":
        assert transport.id == ident
    else:
        assert (transport.sport, transport.dport) == (ident, port)
    assert family == 4 or read.fl == ident


@pytest.mark.parametrize("family", [4, 6])
def test_each_method_carries_its_mark_where_routers_quote_it(family: int) -> None:
    """TCP and ICMP have it in the sequence number, UDP in the checksum, IPv4 in the identification too."""
    tcp = dissected(family, TEMPLATES[family, "tcp"].patch(3, 0x1234, 0xBEEF))
    udp = dissected(family, TEMPLATES[family, "udp"].patch(3, 0x1234, 0xBEEF))
    echo = dissected(family, TEMPLATES[family, "icmp"].patch(3, 0x1234, 0xBEEF))

    assert tcp[TCP].seq == 0xBEEF1234
    assert udp[UDP].chksum == 0x1234
    assert echo[LAYERS[family, "icmp"]].seq == 0x1234
    if family == 4:
        assert {tcp.id, udp.id, echo.id} == {0x1234}


@EVERY_KIND
@given(marks=st.lists(MARKS, min_size=2, max_size=6), cookie=COOKIES)
@settings(max_examples=30, derandomize=True, deadline=None)
def test_all_probes_of_a_trace_have_one_flow(family: int, method: str, marks: list[int], cookie: int) -> None:
    """What load balancers hash is the same for every mark and TTL: addresses, label, ports, ICMP checksum."""

    def hashed(packet: bytes) -> tuple[bytes, ...]:
        addresses = packet[12:20] if family == 4 else packet[0:4] + packet[8:40]
        first_word = packet[20:24] if family == 4 else packet[40:44]
        return addresses, first_word

    template = TEMPLATES[family, method]
    flows = {hashed(template.patch(ttl, mark, cookie)) for ttl, mark in enumerate(marks, start=1)}

    assert len(flows) == 1


@pytest.mark.parametrize("family", [4, 6])
@given(mark=MARKS, cookie=COOKIES)
@settings(max_examples=30, derandomize=True, deadline=None)
def test_an_unprivileged_body_gives_its_mark_back(family: int, mark: int, cookie: int) -> None:
    """The kernel returns an ICMP message or a UDP payload, and mark and cookie can be read from it."""
    echo = TEMPLATES[family, "icmp"].body(mark, cookie)
    payload = TEMPLATES[family, "udp"].body(mark, cookie)

    assert struct.unpack_from("!H", echo, 6) == (mark,)
    assert struct.unpack_from("!HH", payload, 2) == (mark, cookie)


@pytest.mark.parametrize("method", ["tcp", "udp", "icmp"])
def test_a_template_is_not_changed_by_its_probes(method: Method) -> None:
    """Patching twice with the same values gives the same packet, whatever was patched between."""
    template: Template = TEMPLATES[4, method]
    first = template.patch(1, 7, 9)
    template.patch(30, 0xFFFE, 0xFFFF)

    assert template.patch(1, 7, 9) == first
