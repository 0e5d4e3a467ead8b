"""What this process may trace with, found out by opening each kind of socket once.

Asking the kernel is the only way that is always right: CAP_NET_RAW may come from the service manager, from the
file, or from a user namespace, and `net.ipv4.ping_group_range` decides about ICMP. Nothing is sent.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Final

from probes.traceroute.request import Method, Mode
from probes.traceroute.unprivileged import STAND_INS

__all__ = ["Permitted", "permitted"]

_FAMILIES: Final = (
    (socket.AF_INET, socket.IPPROTO_ICMP),
    (socket.AF_INET6, socket.IPPROTO_ICMPV6),
)


@dataclass(frozen=True, slots=True)
class Permitted:
    """`raw`: any method with raw sockets. `unprivileged`: the methods that go without."""

    raw: bool
    unprivileged: frozenset[Method]

    def way(self, method: Method) -> tuple[Mode, Method] | None:
        """How a trace by `method` is carried out: the mode, and what is really sent; None: not at all."""
        if self.raw:
            return "raw", method
        stand_in = next((other for other in STAND_INS[method] if other in self.unprivileged), None)
        return None if stand_in is None else ("unprivileged", stand_in)


def permitted() -> Permitted:
    """What the kernel grants now, over IPv4 or IPv6."""
    methods: dict[Method, bool] = {
        "icmp": any(_opens(family, socket.SOCK_DGRAM, icmp) for family, icmp in _FAMILIES),
        "udp": any(_opens(family, socket.SOCK_DGRAM, 0) for family, _ in _FAMILIES),
    }
    raw = any(_opens(family, socket.SOCK_RAW, socket.IPPROTO_RAW) for family, _ in _FAMILIES)
    return Permitted(raw, frozenset(method for method, opens in methods.items() if opens))


def _opens(family: socket.AddressFamily, kind: socket.SocketKind, protocol: int) -> bool:
    try:
        socket.socket(family, kind, protocol).close()
    except OSError:
        return False
    return True
