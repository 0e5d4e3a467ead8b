"""IP packets by the letter of the RFCs, read and written with struct; shares no code with what it tests.

RFC 791, RFC 8200   IPv4 and IPv6 headers
RFC 1071            the Internet checksum, RFC 8200 §8.1 its pseudo-header
RFC 4884, RFC 4950  ICMP extensions and MPLS label stacks in them
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass, replace

from pocket.topology import Label

__all__ = ["ICMP", "ICMP6", "TCP", "UDP", "NotAPacketError", "Packet", "checksummed", "extension", "icmp_error"]

ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
_CHECKSUM_AT = {ICMP: 2, TCP: 16, UDP: 6, ICMP6: 2}
_LEAST = {ICMP: 8, TCP: 20, UDP: 8, ICMP6: 8}
_LONGEST_ERROR = {4: 576, 6: 1280}
"""RFC 1812 §4.3.2.3, RFC 4443 §2.4: of the whole error message, its IP header included."""


class NotAPacketError(ValueError):
    """Octets that no host of ours would send: options, fragments, extension headers, or nothing known."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One IP packet without options. `tag`: IPv4 identification or IPv6 flow label; `flags`: IPv4's word 6."""

    family: int
    source: str
    destination: str
    protocol: int
    ttl: int
    payload: bytes
    tag: int = 0
    flags: int = 0
    traffic_class: int = 0

    @classmethod
    def decode(cls, octets: bytes) -> Packet:
        """Read a packet. :raises NotAPacketError:"""
        packet = _decode4(octets) if octets[:1] and octets[0] >> 4 == 4 else _decode6(octets)
        if len(packet.payload) < _LEAST.get(packet.protocol, 1 << 16):
            raise NotAPacketError(f"protocol {packet.protocol} with {len(packet.payload)} octets")
        return packet

    def encode(self) -> bytes:
        """The packet as it is on the wire."""
        if self.family == 6:
            first = 6 << 28 | self.traffic_class << 20 | self.tag
            header = struct.pack("!IHBB", first, len(self.payload), self.protocol, self.ttl)
            return header + self._addresses() + self.payload
        header = struct.pack(
            "!BBHHHBBH",
            0x45,
            self.traffic_class,
            20 + len(self.payload),
            self.tag,
            self.flags,
            self.ttl,
            self.protocol,
            0,
        )
        header += self._addresses()
        return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + self.payload

    def _addresses(self) -> bytes:
        family = socket.AF_INET if self.family == 4 else socket.AF_INET6
        return socket.inet_pton(family, self.source) + socket.inet_pton(family, self.destination)

    def pseudo_header(self) -> bytes:
        """What transport checksums take in besides the transport; for ICMP over IPv4 nothing."""
        if self.protocol == ICMP:
            return b""
        layout = "!HH" if self.family == 4 else "!II"
        sizes = (self.protocol, len(self.payload)) if self.family == 4 else (len(self.payload), self.protocol)
        return self._addresses() + struct.pack(layout, *sizes)

    @property
    def ports(self) -> tuple[int, int]:
        """Source and destination port of TCP or UDP; the first four octets of ICMP, as balancers hash them."""
        first, second = struct.unpack_from("!HH", self.payload)
        return first, second

    def with_ports(self, source: int | None, destination: int | None) -> Packet:
        """The packet with other ports where one is given and the protocol has them; the checksum is stale."""
        if self.protocol not in (TCP, UDP):
            return self
        old = self.ports
        new = struct.pack(
            "!HH", old[0] if source is None else source, old[1] if destination is None else destination
        )
        return replace(self, payload=new + self.payload[4:])

    def with_checksum_of(self, other: Packet) -> Packet:
        """The packet with the transport checksum that stands in `other`."""
        at = _CHECKSUM_AT[self.protocol]
        return replace(self, payload=self.payload[:at] + other.payload[at : at + 2] + self.payload[at + 2 :])


def checksummed(packet: Packet) -> Packet:
    """The packet with the right transport checksum."""
    at = _CHECKSUM_AT[packet.protocol]
    blank = packet.payload[:at] + b"\0\0" + packet.payload[at + 2 :]
    value = checksum(packet.pseudo_header() + blank)
    if value == 0 and packet.protocol == UDP:
        value = 0xFFFF  # RFC 768: 0 would mean that there is none
    return replace(packet, payload=blank[:at] + struct.pack("!H", value) + blank[at + 2 :])


def checksum(octets: bytes) -> int:
    """RFC 1071, one word after the other."""
    total = 0
    for at in range(0, len(octets), 2):
        total += int.from_bytes(octets[at : at + 2].ljust(2, b"\0"), "big")
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


def icmp_error(
    about: Packet, source: str, destination: str, what: tuple[int, int], *, quote: int | None, extension: bytes,
    says_length: bool,
) -> Packet:  # fmt: skip
    """An ICMP error `what` = (type, code) that quotes `quote` octets behind the header of `about`."""
    family = about.family
    whole = about.encode()
    header = 20 if family == 4 else 40
    room = _LONGEST_ERROR[family] - header - 8 - len(extension)
    quoted = whole[: min(room, len(whole) if quote is None else header + quote)]
    length = 0
    if extension:
        # RFC 4884 §3: at least 128 octets, and a multiple of 4 or 8; filled with zeros.
        unit = 4 if family == 4 else 8
        size = 128 if not says_length else max(128, -(-len(quoted) // unit) * unit)
        quoted = quoted[:size].ljust(size, b"\0")
        length = size // unit if says_length else 0
    rest = struct.pack("!BBH", 0, length, 0) if family == 4 else struct.pack("!BBH", length, 0, 0)
    message = bytes(what) + b"\0\0" + rest + quoted + extension
    protocol = ICMP if family == 4 else ICMP6
    return checksummed(Packet(family, source, destination, protocol, 255, message))


def extension(labels: tuple[Label, ...], *, broken: bool) -> bytes:
    """An extension structure with an incoming label stack (RFC 4950 §3); b"" without labels."""
    if not labels:
        return b""
    entries = b"".join(
        struct.pack("!I", entry.label << 12 | entry.tc << 9 | (entry is labels[-1]) << 8 | entry.ttl)
        for entry in labels
    )
    body = struct.pack("!HBB", 4 + len(entries), 1, 1) + entries
    value = checksum(b"\x20\0\0\0" + body) ^ (0x5555 if broken else 0)
    return b"\x20\0" + struct.pack("!H", value) + body


def _decode4(octets: bytes) -> Packet:
    if len(octets) < 20 or octets[0] != 0x45:
        raise NotAPacketError(f"IPv4 header of {len(octets)} octets, first is {octets[:1].hex()}")
    _, tos, length, ident, flags, ttl, protocol, _ = struct.unpack_from("!BBHHHBBH", octets)
    if flags & 0x3FFF or length != len(octets):
        raise NotAPacketError(f"a fragment, or {len(octets)} octets that say {length}")
    source, destination = (socket.inet_ntop(socket.AF_INET, octets[at : at + 4]) for at in (12, 16))
    return Packet(4, source, destination, protocol, ttl, octets[20:], ident, flags, tos)


def _decode6(octets: bytes) -> Packet:
    if len(octets) < 40 or octets[0] >> 4 != 6:
        raise NotAPacketError(f"neither IPv4 nor IPv6: {octets[:1].hex()}")
    first, length, protocol, ttl = struct.unpack_from("!IHBB", octets)
    if length != len(octets) - 40:
        raise NotAPacketError(f"{len(octets)} octets that say {length}")
    source, destination = (socket.inet_ntop(socket.AF_INET6, octets[at : at + 16]) for at in (8, 24))
    return Packet(6, source, destination, protocol, ttl, octets[40:], first & 0xFFFFF, 0, first >> 20 & 0xFF)
