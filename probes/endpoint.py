"""An address as the socket calls want it, and whether this machine has a way to it. Sends nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterable

Endpoint = tuple[str, int] | tuple[str, int, int, int]

_ANY_PORT = 9
"""Discard (RFC 863) stands for any: connecting a datagram socket only looks the route up."""


def endpoint(address: str, port: int) -> Endpoint:
    """Where to send to a valid `address`: of `fe80::1%eth0` the interface's number, which `connect` wants apart.

    :raises OSError: the scope (RFC 4007) names no interface
    """
    if ":" not in address:
        return (address, port)
    bare, _, scope = address.partition("%")
    if not scope:
        return (bare, port, 0, 0)
    return (bare, port, 0, int(scope) if scope.isdigit() else socket.if_nametoindex(scope))


def source_of(destination: Endpoint) -> str:
    """The address, without its scope, that packets to `destination` leave with.

    :raises OSError: there is no route, or this machine does not speak that family
    """
    family = socket.AF_INET6 if ":" in destination[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((destination[0], _ANY_PORT, *destination[2:]))
        return str(probe.getsockname()[0]).partition("%")[0]


def has_route(address: str) -> bool:
    """Whether the kernel would send to a valid `address`: not whether anybody on the way would carry it."""
    try:
        source_of(endpoint(address, _ANY_PORT))
    except OSError:
        return False
    return True


def routable(addresses: Iterable[str]) -> tuple[str, ...]:
    """Those of the addresses that this machine has a route to, in their order; all, where it has none to any.

    A machine without IPv6, or without IPv4, has nothing to learn from servers that it cannot send to.
    """
    everything = tuple(addresses)
    return tuple(filter(has_route, everything)) or everything
