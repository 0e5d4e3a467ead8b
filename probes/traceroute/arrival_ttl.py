"""The TTL or hop limit with which a packet arrived, as the kernel hands it over (`ip(7)`, `ipv6(7)`, RFC 3542)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from typing import Final

__all__ = ["arrival_ttl", "request_ttl"]

# Linux numbers that Python's socket module does not name.
_IP_RECVTTL: Final = 12
_OPTIONS: Final = {4: (socket.IPPROTO_IP, _IP_RECVTTL), 6: (socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT)}
_MESSAGES: Final = frozenset({(socket.IPPROTO_IP, socket.IP_TTL), (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT)})

_INT: Final = struct.Struct("@i")


def request_ttl(sock: socket.socket, family: int) -> None:
    """Ask for the TTL of what arrives; `family` 4 or 6."""
    sock.setsockopt(*_OPTIONS[family], 1)


def arrival_ttl(ancillary: Iterable[tuple[int, int, bytes]]) -> int | None:
    """The TTL in the ancillary data of a packet, None where there is none."""
    for level, kind, octets in ancillary:
        if (level, kind) in _MESSAGES and len(octets) >= _INT.size:
            (ttl,) = _INT.unpack_from(octets)
            return int(ttl) if 0 <= ttl <= 255 else None
    return None
