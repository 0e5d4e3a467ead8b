"""The constant flow of a trace, and how single probes are told apart inside it. Pure.

Load balancers choose a way by hashing a packet's flow: addresses, protocol, and ports (for ICMP, the first
four octets: type, code, checksum). A trace whose probes differ in these draws links that do not exist
(Augustin et al., "Avoiding traceroute anomalies with Paris traceroute", IMC 2006). So every probe of a trace
has the same flow, and the probes differ where no balancer looks:

    tcp    sequence number (cookie, mark); IPv4 also the identification
    icmp   sequence number, with a payload word that keeps the checksum constant
    udp    checksum, steered by a payload word; IPv4 also the identification

A *mark* is the 16-bit value that stands there: a random base of the trace plus the probe's index. A late
reply to an earlier trace of the same flow is so outside of the marks that were sent.
"""

from __future__ import annotations

import secrets
import zlib
from dataclasses import dataclass, field
from typing import Final

import msgspec

from probes.traceroute.request import Method

__all__ = [
    "CHECKSUM_AT",
    "FIRST_SOURCE_PORT",
    "SOURCE_PORTS",
    "Flow",
    "Marks",
    "Quoted",
    "flow_number",
    "ident_of",
]

FIRST_SOURCE_PORT: Final = 61440
SOURCE_PORTS: Final = 4096
"""61440-65535: above Linux's ephemeral ports (32768-60999), so that no connection of this host shares the
5-tuple of a trace, and one comparison of a socket filter tells replies to us from all other TCP."""

CHECKSUM_AT: Final[dict[Method, int]] = {"tcp": 16, "udp": 6, "icmp": 2}
"""Where in the transport header the checksum stands."""

MAX_PROBES: Final = 1024
"""More than hops times attempts, and one, of any request; keeps base + index inside 16 bits."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What all probes of one trace share. Addresses are in the form `inet_ntop` writes.

    `number` is what the flow is known by outside; `ident` the source port or ICMP identifier that it stands
    for; `port` the destination port, None for ICMP.
    """

    number: int
    family: int
    method: Method
    source: str
    destination: str
    ident: int
    port: int | None

    @property
    def key(self) -> tuple[object, ...]:
        """What replies are sorted by: two traces with one key cannot run at the same time.

        An ICMP identifier stands alone, since a host may answer an echo from another of its addresses.
        """
        if self.method == "icmp":
            return (self.family, self.method, self.ident)
        return (self.family, self.method, self.destination, self.ident, self.port)


class Quoted(msgspec.Struct, frozen=True, gc=False):
    """What a reply tells of the probe it answers. None: the reply does not say.

    `mark` and `cookie` are the lower and upper half of the TCP sequence number; `mark` is the ICMP sequence
    number or the UDP checksum; `ip_id` the identification of the IPv4 header.
    """

    family: int
    method: Method
    destination: str
    ident: int
    port: int | None
    mark: int | None
    cookie: int | None = None
    ip_id: int | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """Equal to `Flow.key` of the trace that the probe belongs to."""
        if self.method == "icmp":
            return (self.family, self.method, self.ident)
        return (self.family, self.method, self.destination, self.ident, self.port)


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of one trace. `base` is 1 to 65535 - MAX_PROBES, `cookie` 16 bits; both unguessable."""

    base: int = field(default_factory=lambda: 1 + secrets.randbelow(0xFFFF - MAX_PROBES))
    cookie: int = field(default_factory=lambda: secrets.randbits(16))

    def mark(self, index: int) -> int:
        """The mark of probe `index`: never 0 (a UDP checksum of 0 means none) and never 0xffff."""
        if not 0 <= index < MAX_PROBES:
            raise ValueError(f"probe index is {index}, a trace has at most {MAX_PROBES} probes")
        return self.base + index

    def index(self, quoted: Quoted, sent: int) -> int | None:
        """Which of the `sent` first probes is quoted, or None when it is none of them.

        The IPv4 identification is asked second: firewalls that randomise sequence numbers, and translators
        that recompute checksums, do not always undo it inside the quotation.
        """
        candidates = []
        if quoted.mark is not None and quoted.cookie in (None, self.cookie):
            candidates.append(quoted.mark)
        if quoted.ip_id is not None:
            candidates.append(quoted.ip_id)
        for mark in candidates:
            if 0 <= mark - self.base < sent:
                return mark - self.base
        return None


def flow_number(destination: str) -> int:
    """The flow for who names none: the same for this destination every time."""
    return zlib.crc32(destination.encode()) % SOURCE_PORTS


def ident_of(method: Method, number: int, destination: str) -> int:
    """The source port or ICMP identifier of flow `number`.

    The identifier takes in the destination, so that many targets traced with one flow number differ in it.
    """
    if method == "icmp":
        return zlib.crc32(f"{destination} {number}".encode()) % 0xFFFF + 1
    return FIRST_SOURCE_PORT + number % SOURCE_PORTS
