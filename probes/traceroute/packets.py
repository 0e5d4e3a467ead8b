"""The packets of a trace: one skeleton a kind built by scapy, then patched by struct for flow and probe. Pure.

scapy takes about 0.6 ms for a packet, patching its bytes less than 0.01 ms, and a burst of thirty probes must
not be spread over 20 ms by its own construction. Knows the wire formats (RFC 791, 792, 768, 9293; RFC 8200,
4443) and the marks of `flow`, no socket. scapy is imported by the first skeleton, which takes half a second.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, get_args

from probes.traceroute.flow import CHECKSUM_AT, Flow
from probes.traceroute.request import Method

__all__ = ["Template", "build", "prepare", "skeleton"]

_UDP_PAYLOAD = bytes(6) + b"whydown probe."
_ECHO_PAYLOAD = bytes(2) + b"whydown probe."
_MSS_OPTION = [("MSS", 1460)]
"""A SYN without any option looks like a port scan's to many firewalls."""


@dataclass(frozen=True, slots=True)
class Template:
    """A whole IP packet with TTL, identification, sequence numbers and marks 0, and right checksums."""

    flow: Flow
    packet: bytes

    @property
    def network_header(self) -> int:
        """Octets of the IP header."""
        return 20 if self.flow.family == 4 else 40

    def patch(self, ttl: int, mark: int, cookie: int) -> bytes:
        """The probe with this TTL and mark: a whole IP packet."""
        packet = bytearray(self.packet)
        if self.flow.family == 4:
            _patch_ipv4(packet, ttl, mark)
        else:
            packet[7] = ttl
        _PATCHES[self.flow.method](packet, self.network_header, mark, cookie)
        return bytes(packet)

    def checksum(self, mark: int, cookie: int) -> int:
        """The transport checksum of the probe with this mark."""
        if self.flow.method == "udp":
            return mark
        checksum = _word(self.packet, self.network_header + CHECKSUM_AT[self.flow.method])
        return checksum if self.flow.method == "icmp" else _added(checksum, cookie + mark)

    def body(self, mark: int, cookie: int) -> bytes:
        """What an unprivileged socket sends: an ICMP message, or a UDP payload; the kernel adds the rest.

        The kernel's checksum comes out as in `patch`, because the payload word that steers it is the same.
        """
        headers = self.network_header + (8 if self.flow.method == "udp" else 0)
        return self.patch(1, mark, cookie)[headers:]


def build(flow: Flow) -> Template:
    """The template of a flow: a skeleton with its addresses, identifier and port filled in."""
    packet = bytearray(skeleton(flow.family, flow.method))
    transport = 20 if flow.family == 4 else 40
    addresses = _packed(flow, flow.source) + _packed(flow, flow.destination)
    packet[transport - len(addresses) : transport] = addresses
    words = sum(struct.unpack(f"!{len(addresses) // 2}H", addresses))
    if flow.family == 4:
        struct.pack_into("!H", packet, 10, _added(_word(packet, 10), words))
    else:
        # A fixed label: routers may balance by it (RFC 6438), and it must be one value for all probes.
        struct.pack_into("!I", packet, 0, 6 << 28 | flow.ident)
    if (flow.family, flow.method) == (4, "icmp"):
        words = 0  # RFC 792 has no pseudo-header
    fields, checksum = _IDENTIFIER_AT[flow.method], CHECKSUM_AT[flow.method]
    values = (flow.ident,) if flow.port is None else (flow.ident, flow.port)
    struct.pack_into(f"!{len(values)}H", packet, transport + fields, *values)
    checksum += transport
    struct.pack_into("!H", packet, checksum, _added(_word(packet, checksum), words + sum(values)))
    return Template(flow, bytes(packet))


@cache
def skeleton(family: int, method: Method) -> bytes:
    """What all templates of a kind share, built by scapy: addresses, identifier and port are 0."""
    return bytes(_network(family) / _transport(family, method))


def prepare() -> None:
    """Build all skeletons now: for a process that has the half second at its start, not at its first trace."""
    for family in (4, 6):
        for method in get_args(Method):
            skeleton(family, method)


def _packed(flow: Flow, address: str) -> bytes:
    return socket.inet_pton(socket.AF_INET if flow.family == 4 else socket.AF_INET6, address)


def _network(family: int) -> Any:
    from scapy.layers.inet import IP
    from scapy.layers.inet6 import IPv6

    if family == 4:
        return IP(src="0.0.0.0", dst="0.0.0.0", ttl=0, id=0)  # noqa: S104 - nothing is bound
    return IPv6(src="::", dst="::", hlim=0)


def _transport(family: int, method: Method) -> Any:
    from scapy.layers.inet import ICMP, TCP, UDP
    from scapy.layers.inet6 import ICMPv6EchoRequest

    if method == "tcp":
        return TCP(sport=0, dport=0, flags="S", seq=0, window=64240, options=list(_MSS_OPTION))
    if method == "udp":
        return UDP(sport=0, dport=0) / _UDP_PAYLOAD
    if family == 4:
        return ICMP(type=8, id=0, seq=0) / _ECHO_PAYLOAD
    return ICMPv6EchoRequest(id=0, seq=0, data=_ECHO_PAYLOAD)


_IDENTIFIER_AT: Final[dict[Method, int]] = {"tcp": 0, "udp": 0, "icmp": 4}
"""Where in the transport header the identifier, and then the port, stands."""


def _patch_ipv4(packet: bytearray, ttl: int, mark: int) -> None:
    checksum = _added(_word(packet, 10), (ttl << 8) + mark)
    packet[8] = ttl
    struct.pack_into("!H", packet, 4, mark)
    struct.pack_into("!H", packet, 10, checksum)


def _patch_tcp(packet: bytearray, offset: int, mark: int, cookie: int) -> None:
    checksum = _added(_word(packet, offset + 16), cookie + mark)
    struct.pack_into("!HH", packet, offset + 4, cookie, mark)
    struct.pack_into("!H", packet, offset + 16, checksum)


def _patch_udp(packet: bytearray, offset: int, mark: int, cookie: int) -> None:
    # Payload: a word that makes the checksum equal to the mark, then mark and cookie in the clear, which is
    # what an unprivileged socket is given back.
    steer = (_word(packet, offset + 6) - mark - mark - cookie) % 0xFFFF
    struct.pack_into("!H", packet, offset + 6, mark)
    struct.pack_into("!HHH", packet, offset + 8, steer, mark, cookie)


def _patch_echo(packet: bytearray, offset: int, mark: int, _cookie: int) -> None:
    # mark + its complement is 0 in one's complement arithmetic, so the checksum of the template stands.
    struct.pack_into("!HH", packet, offset + 6, mark, 0xFFFF - mark)


_PATCHES = {"tcp": _patch_tcp, "udp": _patch_udp, "icmp": _patch_echo}


def _word(packet: bytes | bytearray, offset: int) -> int:
    return packet[offset] << 8 | packet[offset + 1]


def _added(checksum: int, value: int) -> int:
    """The Internet checksum after `value` was added to a word that was 0 (RFC 1624)."""
    total = (~checksum & 0xFFFF) + value
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
