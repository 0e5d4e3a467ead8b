"""Writers of the wire formats that the routes room reads, independent of its readers; and event builders."""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from monitor.model import AsPath, RouteEvent, RouteKind, parse_prefix


def nlri(*prefixes: str, path_id: int | None = None) -> bytes:
    """Prefixes as RFC 4271 section 4.3 writes them, with a path identifier (RFC 7911) if given."""
    out = b""
    for text in prefixes:
        network = ipaddress.ip_network(text)
        size = (network.prefixlen + 7) // 8
        out += b"" if path_id is None else struct.pack("!I", path_id)
        out += bytes([network.prefixlen]) + network.network_address.packed[:size]
    return out


def as_path(parts: Sequence[int | set[int]], size: int = 4) -> bytes:
    """An AS_PATH's value: one segment a number or set."""
    out = b""
    for part in parts:
        members = sorted(part) if isinstance(part, set) else [part]
        out += bytes([1 if isinstance(part, set) else 2, len(members)])
        out += b"".join(asn.to_bytes(size, "big") for asn in members)
    return out


def attribute(code: int, value: bytes) -> bytes:
    """A path attribute, with an extended length where it needs one."""
    if len(value) > 255:
        return struct.pack("!BBH", 0x50, code, len(value)) + value
    return struct.pack("!BBB", 0x40, code, len(value)) + value


def mp_reach(next_hop: str, *prefixes: str, afi: int = 2, safi: int = 1) -> bytes:
    """MP_REACH_NLRI (RFC 4760 section 3)."""
    packed = b"".join(ipaddress.ip_address(part).packed for part in next_hop.split(","))
    return attribute(14, struct.pack("!HBB", afi, safi, len(packed)) + packed + b"\0" + nlri(*prefixes))


def mp_unreach(*prefixes: str, afi: int = 2, safi: int = 1) -> bytes:
    """MP_UNREACH_NLRI (RFC 4760 section 4)."""
    return attribute(15, struct.pack("!HB", afi, safi) + nlri(*prefixes))


def update(*, withdrawn: bytes = b"", attributes: bytes = b"", announced: bytes = b"") -> bytes:
    """An UPDATE's body."""
    return (
        struct.pack("!H", len(withdrawn)) + withdrawn + struct.pack("!H", len(attributes)) + attributes + announced
    )


def message(body: bytes, kind: int = 2) -> bytes:
    """A BGP message with its header."""
    return b"\xff" * 16 + struct.pack("!HB", 19 + len(body), kind) + body


def record(kind: int, subtype: int, body: bytes, at: int = 1_600_000_000) -> bytes:
    """An MRT record."""
    return struct.pack("!IHHI", at, kind, subtype, len(body)) + body


def session(peer: str, asn: int, size: int = 4) -> bytes:
    """The start of a BGP4MP record: peer and local AS, interface, family, peer and local address."""
    family = socket.AF_INET6 if ":" in peer else socket.AF_INET
    packed = socket.inet_pton(family, peer)
    numbers = asn.to_bytes(size, "big") + (64_999).to_bytes(size, "big")
    return numbers + struct.pack("!HH", 0, 1 if len(packed) == 4 else 2) + packed + packed


def bgp4mp(body: bytes, *, peer: str = "198.51.100.1", asn: int = 64_500, at: int = 1_600_000_000) -> bytes:
    """A BGP4MP_MESSAGE_AS4 record of an UPDATE's body."""
    return record(16, 4, session(peer, asn) + message(body), at)


def event(
    prefix: str,
    path: str | None,
    *,
    at: float = 1000.0,
    peer: str = "198.51.100.1",
    peer_asn: int = 64_500,
    collector: str = "rrc00",
    kind: RouteKind = RouteKind.ANNOUNCEMENT,
) -> RouteEvent:
    """A route event; `path` as `AsPath` prints it, None for a withdrawal."""
    return RouteEvent(
        at=at,
        kind=RouteKind.WITHDRAWAL if path is None else kind,
        prefix=parse_prefix(prefix),
        peer=peer,
        peer_asn=peer_asn,
        collector=collector,
        path=None if path is None else AsPath.parse(path),
    )


@pytest.fixture(scope="session")
def wire() -> SimpleNamespace:
    """Writers of BGP and MRT bytes."""
    return SimpleNamespace(
        nlri=nlri,
        as_path=as_path,
        attribute=attribute,
        mp_reach=mp_reach,
        mp_unreach=mp_unreach,
        update=update,
        message=message,
        record=record,
        session=session,
        bgp4mp=bgp4mp,
    )


@pytest.fixture(scope="session")
def make_event():
    """The builder of route events."""
    return event
