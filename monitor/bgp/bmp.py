"""BMP messages: what a router says of its BGP sessions (RFC 7854, RFC 8671, RFC 9069). Bytes to values.

| message | read |
|---|---|
| Route Monitoring (0) | the view it is of, and the BGP message, undecoded |
| Statistics Report (1) | the counters and gauges of RFC 7854 section 4.8, by their number |
| Peer Down (2) | the reason's number |
| Peer Up (3) | both OPENs |
| Initiation (4) | the router's name and description |
| Termination (5) | the reason's number |
| Route Mirroring (6), unknown types | only the type |

Knows nothing of what was said before; `bmp_router` does. Pure.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from struct import Struct

from monitor.bgp.bgp_open import Open, OpenError, split_open
from monitor.model import Asn

HEADER_BYTES = 6
MAX_MESSAGE_BYTES = 1 << 20
"""A BGP message has 65,535 bytes at most (RFC 8654); a mirrored one comes with some context."""

_VERSION = 3
_PEER_HEADER = Struct("!BB8s16sI4sII")
_STATISTIC = {4: Struct("!I"), 8: Struct("!Q")}
_LOC_RIB = 3
_IPV6, _POST_POLICY, _TWO_BYTE_ASN, _ADJ_RIB_OUT = 0x80, 0x40, 0x20, 0x10


class BmpError(ValueError):
    """The bytes are not a BMP message; says what is wrong."""


class View(Enum):
    """Which of a router's tables is spoken of."""

    PRE_POLICY = "adj-rib-in pre-policy"
    POST_POLICY = "adj-rib-in post-policy"
    ADJ_RIB_OUT = "adj-rib-out"
    LOC_RIB = "loc-rib"


@dataclass(frozen=True, slots=True)
class Peer:
    """Whose routes these are. For the router's own table `address` is its BGP identifier.

    `distinguisher`: of the VPN or other instance, eight zero bytes for the global table. `at`: the router's
    stamp, Unix seconds; 0 where it has none. `asn_size`: bytes of an AS number in the AS_PATHs.
    """

    view: View
    distinguisher: bytes
    address: str
    asn: Asn
    asn_size: int
    at: float


@dataclass(frozen=True, slots=True)
class RouteMonitoring:
    """A BGP message as the peer sent it, or as the router would have."""

    peer: Peer
    message: bytes


@dataclass(frozen=True, slots=True)
class StatisticsReport:
    """Numbers by their type; those of one address family each (types 9, 10 and above) are left out."""

    peer: Peer
    counters: dict[int, int]


@dataclass(frozen=True, slots=True)
class PeerDown:
    """The session with a peer ended; reasons are those of RFC 7854 section 4.9, 6 of RFC 9069."""

    peer: Peer
    reason: int


@dataclass(frozen=True, slots=True)
class PeerUp:
    """The session with a peer came up, with the OPENs that the router sent and received."""

    peer: Peer
    sent: Open
    received: Open


@dataclass(frozen=True, slots=True)
class Initiation:
    """The router's name and description, empty where it gives none. Hostile text: print it with care."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Termination:
    """The router ends the session; None: it does not say why."""

    reason: int | None


@dataclass(frozen=True, slots=True)
class OtherMessage:
    """A message that says nothing of routes."""

    kind: int


BmpMessage = RouteMonitoring | StatisticsReport | PeerDown | PeerUp | Initiation | Termination | OtherMessage


def message_size(header: bytes) -> int:
    """How long the message is that begins with these `HEADER_BYTES` bytes, they included.

    :raises BmpError: this is no BMP, or too long a message; behind it there is no telling where the next begins
    """
    if header[0] != _VERSION:
        raise BmpError(f"BMP version {header[0]}, not {_VERSION}")
    size = int.from_bytes(header[1:5], "big")
    if not HEADER_BYTES <= size <= MAX_MESSAGE_BYTES:
        raise BmpError(f"BMP message of {size} bytes, not in {HEADER_BYTES}..{MAX_MESSAGE_BYTES}")
    return size


def decode(message: bytes) -> BmpMessage:
    """One whole message with its header.

    :raises BmpError: it is malformed
    """
    if len(message) < HEADER_BYTES or message_size(message) != len(message):
        raise BmpError(f"{len(message)} bytes are not one BMP message")
    kind, body = message[5], message[HEADER_BYTES:]
    if kind in (0, 1, 2, 3):
        return _of_peer(kind, body)
    if kind == 4:
        fields = dict(reversed(list(_fields(body))))
        return Initiation(_text(fields.get(2, b"")), _text(fields.get(1, b"")))
    if kind == 5:
        reason = dict(_fields(body)).get(1)
        return Termination(None if reason is None else int.from_bytes(reason, "big"))
    return OtherMessage(kind)


def _of_peer(kind: int, body: bytes) -> BmpMessage:
    if len(body) < _PEER_HEADER.size:
        raise BmpError(f"BMP message of {len(body)} bytes behind its header, at least {_PEER_HEADER.size} needed")
    peer, rest = _peer(body), body[_PEER_HEADER.size :]
    if kind == 0:
        return RouteMonitoring(peer, rest)
    if kind == 1:
        return StatisticsReport(peer, _counters(rest))
    if kind == 2:
        if not rest:
            raise BmpError("Peer Down without a reason")
        return PeerDown(peer, rest[0])
    return _peer_up(peer, rest)


def _peer(body: bytes) -> Peer:
    """The per-peer header (RFC 7854 section 4.2)."""
    kind, flags, distinguisher, address, asn, identifier, seconds, microseconds = _PEER_HEADER.unpack_from(body)
    at = seconds + microseconds / 1e6
    if kind == _LOC_RIB:
        # RFC 9069 section 4.1: the address is zero, four-octet AS numbers always.
        own = socket.inet_ntop(socket.AF_INET, identifier)
        return Peer(View.LOC_RIB, distinguisher, own, Asn(asn), 4, at)
    if flags & _ADJ_RIB_OUT:
        view = View.ADJ_RIB_OUT
    else:
        view = View.POST_POLICY if flags & _POST_POLICY else View.PRE_POLICY
    text = (
        socket.inet_ntop(socket.AF_INET6, address)
        if flags & _IPV6
        else socket.inet_ntop(socket.AF_INET, address[12:])
    )
    return Peer(view, distinguisher, text, Asn(asn), 2 if flags & _TWO_BYTE_ASN else 4, at)


def _peer_up(peer: Peer, rest: bytes) -> PeerUp:
    # Local address, local and remote port stand before the two OPENs (RFC 7854 section 4.10).
    try:
        sent, behind = split_open(rest[20:])
        received, _ = split_open(behind)
    except OpenError as error:
        raise BmpError(f"Peer Up: {error}") from error
    return PeerUp(peer, sent, received)


def _counters(rest: bytes) -> dict[int, int]:
    if len(rest) < 4:
        raise BmpError("Statistics Report without a count")
    found: dict[int, int] = {}
    for kind, value in _fields(rest[4:]):
        form = _STATISTIC.get(len(value))
        if form is not None:
            found[kind] = int(form.unpack(value)[0])
    return found


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and value of each information field (RFC 7854 section 4.4)."""
    start = 0
    while start < len(data):
        value = start + 4
        end = value + int.from_bytes(data[start + 2 : value], "big")
        if value > len(data) or end > len(data):
            raise BmpError(f"information field at byte {start} ends behind the message")
        yield int.from_bytes(data[start : start + 2], "big"), data[value:end]
        start = end


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
