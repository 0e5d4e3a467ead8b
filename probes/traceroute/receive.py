"""Reading what waits in a socket: bounded, never blocking, with the ancillary data that holds the stamps."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

__all__ = ["Received", "waiting"]

_OCTETS: Final = 2048
"""Answers are below 600 octets (RFC 1812 §4.3.2.3) or the IPv6 minimum MTU of 1280 (RFC 4443 §2.4)."""

_ANCILLARY_OCTETS: Final = 512
_AT_ONCE: Final = 1024
"""Packets per turn of the event loop, so that a flood of answers cannot stop everything else; more than the
largest burst of probes, so that a busy tracer does not fall behind its answers and ask again for what it has."""


class Received(NamedTuple):
    """One packet; `address` is the sender's, as the socket module gives it."""

    octets: bytes
    ancillary: list[tuple[int, int, bytes]]
    address: Any

    @property
    def sender(self) -> str:
        """The sender's address without scope and port."""
        return str(self.address[0]).partition("%")[0] if isinstance(self.address, tuple) else ""


def waiting(sock: socket.socket, flags: int = 0) -> Iterator[Received]:
    """The packets that wait in a non-blocking socket, at most 1,024; an error pending on it ends the turn."""
    for _ in range(_AT_ONCE):
        try:
            octets, ancillary, _, address = sock.recvmsg(_OCTETS, _ANCILLARY_OCTETS, flags)
        except OSError:
            # Nothing waits; or the error of a queued ICMP message, whose contents the error queue holds.
            return
        yield Received(octets, ancillary, address)
