"""Packets that answer a probe, read by struct. Pure; any bytes give a `Reply`, None or `MalformedReplyError`.

    RFC 792   ICMP: time exceeded, destination unreachable, echo reply
    RFC 4443  ICMPv6: the same
    RFC 4884  the length of the quoted datagram, and extensions behind it
    RFC 9293  TCP: SYN-ACK and RST

None means a sound packet that is no answer to a traceroute (a redirect, a fragmentation-needed). Not read:
IPv6 extension headers inside a quotation, since our probes have none.
"""

from __future__ import annotations

import socket
import struct
from functools import lru_cache
from typing import Final

import msgspec

from probes.observation import HopReply, MplsLabel
from probes.traceroute.extensions import mpls_labels_after_quote
from probes.traceroute.flow import CHECKSUM_AT, Quoted
from probes.traceroute.request import Method

__all__ = [
    "REACHED",
    "MalformedReplyError",
    "Reply",
    "icmp4_kind",
    "icmp6_kind",
    "read_icmp4",
    "read_icmp6",
    "read_tcp4",
    "read_tcp6",
]

REACHED: Final = frozenset({
    HopReply.SYN_ACK, HopReply.RST, HopReply.ECHO_REPLY, HopReply.PORT_UNREACHABLE,
})  # fmt: skip
"""Kinds of reply that the destination itself gives."""

_METHODS: Final[dict[int, Method]] = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp"}


class MalformedReplyError(ValueError):
    """A packet that ends too early or contradicts itself. Asking again may help: it may be a broken one."""


class Reply(msgspec.Struct, frozen=True, gc=False):
    """One answer to one probe: who answered, how, and what it tells of the probe.

    A struct, as all values are that are made for each answer: a frozen dataclass takes eight times as long.

    `quoted_source`, `quoted_checksum`: the probe's source address and transport checksum as an ICMP error quotes
    them; None where nothing, or too little, is quoted.
    """

    responder: str
    kind: HopReply
    quoted: Quoted
    mpls: tuple[MplsLabel, ...] = ()
    quoted_source: str | None = None
    quoted_checksum: int | None = None


_Quotation = tuple[Quoted, str, int | None]
"""What an ICMP error quotes: the probe, its source address, its transport checksum (None: cut off)."""

_IPV4: Final = struct.Struct("!4xH3xB2x4s4s")
"""Identification, protocol, source and destination."""
_IPV6: Final = struct.Struct("!6xBx16s16s")
"""Next header, source and destination."""
_PORTS: Final = struct.Struct("!4H")
"""All of a transport header that is surely quoted."""

# RFC 792, RFC 1122 §3.2.2.1 and RFC 1812 §5.2.7.1. Protocol unreachable (2) is said by the host, as port
# unreachable is. Absent: 4, fragmentation needed, which no probe of ours can cause.
_UNREACHABLE4: Final = {
    **dict.fromkeys((0, 6, 11), HopReply.NET_UNREACHABLE),
    **dict.fromkeys((1, 5, 7, 8, 12), HopReply.HOST_UNREACHABLE),
    **dict.fromkeys((2, 3), HopReply.PORT_UNREACHABLE),
    **dict.fromkeys((9, 10, 13, 14, 15), HopReply.ADMIN_PROHIBITED),
}
# RFC 4443 §3.1; 5 and 6 are "source address failed policy" and "reject route".
_UNREACHABLE6: Final = {
    **dict.fromkeys((0, 2), HopReply.NET_UNREACHABLE),
    3: HopReply.HOST_UNREACHABLE,
    4: HopReply.PORT_UNREACHABLE,
    **dict.fromkeys((1, 5, 6), HopReply.ADMIN_PROHIBITED),
}


def icmp4_kind(kind: int, code: int) -> HopReply | None:
    """What an ICMP error means for a trace, None when nothing (code 1 of time exceeded is reassembly)."""
    if (kind, code) == (11, 0):
        return HopReply.TIME_EXCEEDED
    return _UNREACHABLE4.get(code) if kind == 3 else None


def icmp6_kind(kind: int, code: int) -> HopReply | None:
    """What an ICMPv6 error means for a trace, None when nothing.

    Parameter problem code 1, "unrecognized Next Header" (RFC 4443 §3.4), is IPv6's protocol unreachable.
    """
    if (kind, code) == (3, 0):
        return HopReply.TIME_EXCEEDED
    if (kind, code) == (4, 1):
        return HopReply.PORT_UNREACHABLE
    return _UNREACHABLE6.get(code) if kind == 1 else None


def read_icmp4(packet: bytes) -> Reply | None:
    """Read an IPv4 packet, header included, that holds an ICMP message."""
    message = packet[_ipv4_header(packet, "packet") :]
    responder = _ipv4_text(packet[12:16])
    kind, code = _need(message, 8, "ICMP message")[:2]
    if kind == 0:
        ident, sequence = struct.unpack_from("!HH", message, 4)
        return Reply(responder, HopReply.ECHO_REPLY, Quoted(4, "icmp", responder, ident, None, sequence))
    meaning = icmp4_kind(kind, code)
    datagram = message[8:]
    quotation = None if meaning is None else _quoted4(datagram)
    if meaning is None or quotation is None:
        return None
    quoted, source, checksum = quotation
    # RFC 4884 §4.1: the second octet of the unused word counts 32-bit words.
    labels = mpls_labels_after_quote(datagram, message[5] * 4)
    return Reply(responder, meaning, quoted, labels, source, checksum)


def read_icmp6(message: bytes, responder: str) -> Reply | None:
    """Read an ICMPv6 message; `responder` is the source address of the packet that brought it."""
    kind, code = _need(message, 8, "ICMPv6 message")[:2]
    if kind == 129:
        ident, sequence = struct.unpack_from("!HH", message, 4)
        return Reply(responder, HopReply.ECHO_REPLY, Quoted(6, "icmp", responder, ident, None, sequence))
    meaning = icmp6_kind(kind, code)
    datagram = message[8:]
    quotation = None if meaning is None else _quoted6(datagram)
    if meaning is None or quotation is None:
        return None
    quoted, source, checksum = quotation
    # RFC 4884 §4.4: the first octet of the unused word counts 64-bit words; a parameter problem has none.
    labels = () if kind == 4 else mpls_labels_after_quote(datagram, message[4] * 8)
    return Reply(responder, meaning, quoted, labels, source, checksum)


def read_tcp4(packet: bytes) -> Reply | None:
    """Read an IPv4 packet, header included, that holds a TCP segment."""
    segment = packet[_ipv4_header(packet, "packet") :]
    return _read_tcp(segment, _ipv4_text(packet[12:16]), 4)


def read_tcp6(segment: bytes, responder: str) -> Reply | None:
    """Read a TCP segment; `responder` is the source address of the IPv6 packet that brought it."""
    return _read_tcp(segment, responder, 6)


def _read_tcp(segment: bytes, responder: str, family: int) -> Reply | None:
    _need(segment, 20, "TCP segment")
    source, destination, _, acknowledged = struct.unpack_from("!HHII", segment)
    flags = segment[13]
    # RFC 9293 §3.10.7.1: a RST that answers a SYN acknowledges it. One that acknowledges nothing could be
    # anybody's guess, and names no probe.
    if not flags & 0x10 or not flags & 0x06:
        return None
    kind = HopReply.RST if flags & 0x04 else HopReply.SYN_ACK
    sequence = (acknowledged - 1) & 0xFFFFFFFF
    quoted = Quoted(family, "tcp", responder, destination, source, sequence & 0xFFFF, sequence >> 16)
    return Reply(responder, kind, quoted)


@lru_cache(maxsize=1024)
def _ipv4_text(octets: bytes) -> str:
    """An address as text. Kept, because each answer names three and hundreds in a row name the same."""
    return socket.inet_ntop(socket.AF_INET, octets)


def _quoted4(datagram: bytes) -> _Quotation | None:
    header = _ipv4_header(datagram, "quoted datagram")
    ip_id, protocol, source, destination = _IPV4.unpack_from(datagram)
    told = _quoted(4, protocol, _ipv4_text(destination), datagram[header:], ip_id)
    return None if told is None else (told[0], _ipv4_text(source), told[1])


def _quoted6(datagram: bytes) -> _Quotation | None:
    if _need(datagram, 40, "quoted datagram")[0] >> 4 != 6:
        raise MalformedReplyError(f"quoted datagram: IP version {datagram[0] >> 4}, not 6")
    protocol, source, destination = _IPV6.unpack_from(datagram)
    told = _quoted(6, protocol, socket.inet_ntop(socket.AF_INET6, destination), datagram[40:], None)
    return None if told is None else (told[0], socket.inet_ntop(socket.AF_INET6, source), told[1])


def _quoted(
    family: int, protocol: int, destination: str, transport: bytes, ip_id: int | None
) -> tuple[Quoted, int | None] | None:
    """The probe and its checksum, None when it is none of ours."""
    method = _METHODS.get(protocol)
    if method is None:
        return None
    # RFC 792: at least "the first 64 bits of the original datagram's data" are quoted.
    _need(transport, 8, "quoted transport header")
    first, second, third, fourth = _PORTS.unpack_from(transport)
    if method == "icmp":
        # RFC 792: 8 is an echo request; RFC 4443: 128. Errors about other messages are not ours.
        is_echo = first >> 8 == (8 if family == 4 else 128)
        quoted = Quoted(family, method, destination, third, None, fourth, None, ip_id)
        return (quoted, second) if is_echo else None
    if method == "udp":
        return Quoted(family, method, destination, first, second, fourth, None, ip_id), fourth
    at = CHECKSUM_AT["tcp"]
    checksum = transport[at] << 8 | transport[at + 1] if len(transport) >= at + 2 else None
    return Quoted(family, method, destination, first, second, fourth, third, ip_id), checksum


def _ipv4_header(packet: bytes, what: str) -> int:
    first = _need(packet, 20, what)[0]
    length = (first & 0x0F) * 4
    if first >> 4 != 4:
        raise MalformedReplyError(f"{what}: IP version {first >> 4}, not 4")
    if length < 20:
        raise MalformedReplyError(f"{what}: header of {length} octets, the least is 20")
    _need(packet, length, what)
    return length


def _need(octets: bytes, least: int, what: str) -> bytes:
    if len(octets) < least:
        raise MalformedReplyError(f"{what}: {len(octets)} octets, at least {least} are needed")
    return octets
