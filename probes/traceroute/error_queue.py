"""ICMP errors in the error queue of a socket. Pure.

Linux hands ICMP errors to the socket that caused them (`ip(7)`, IP_RECVERR; `ipv6(7)`): the message is what
was quoted of our packet, `struct sock_extended_err` says who answered and how.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import Final

from probes.traceroute.stamps import AncillaryData

__all__ = ["QueuedError", "queued_error"]

# Linux numbers that Python's socket module does not name.
_IP_RECVERR: Final = 11
_IPV6_RECVERR: Final = 25

_ORIGIN_ICMP: Final = 2
_ORIGIN_ICMP6: Final = 3

_EXTENDED_ERR: Final = struct.Struct("=IBBBBI")
"""errno, origin, type, code, pad, info; then 4 octets that RFC 4884 support uses."""
_RFC4884: Final = struct.Struct("=HBB")
_RFC4884_INVALID: Final = 1


@dataclass(frozen=True, slots=True)
class QueuedError:
    """One ICMP error about a packet of ours.

    `extension` is where in the message the RFC 4884 extension begins, None when there is no sound one.
    """

    family: int
    kind: int
    code: int
    responder: str
    extension: int | None


def queued_error(ancillary: AncillaryData) -> QueuedError | None:
    """The ICMP error among the ancillary data, None for local errors and where none is readable."""
    for level, kind, octets in ancillary:
        if (level, kind) == (socket.IPPROTO_IP, _IP_RECVERR):
            return _read(4, _ORIGIN_ICMP, octets)
        if (level, kind) == (socket.IPPROTO_IPV6, _IPV6_RECVERR):
            return _read(6, _ORIGIN_ICMP6, octets)
    return None


def _read(family: int, wanted_origin: int, octets: bytes) -> QueuedError | None:
    # After the 16 octets comes SO_EE_OFFENDER: a sockaddr_in (address at 4) or sockaddr_in6 (at 8).
    start, size = (20, 4) if family == 4 else (24, 16)
    if len(octets) < start + size:
        return None
    _, origin, kind, code, _, _ = _EXTENDED_ERR.unpack_from(octets)
    (offender_family,) = struct.unpack_from("=H", octets, 16)
    own = socket.AF_INET if family == 4 else socket.AF_INET6
    if origin != wanted_origin or offender_family != own:
        return None
    length, flags, _ = _RFC4884.unpack_from(octets, 12)
    extension = length if length and not flags & _RFC4884_INVALID else None
    return QueuedError(family, kind, code, socket.inet_ntop(own, octets[start : start + size]), extension)
