"""An address and a port as the socket calls want them, the scope of a link-local address with it (RFC 4007)."""

from __future__ import annotations

import socket

Endpoint = tuple[str, int] | tuple[str, int, int, int]


def endpoint(address: str, port: int) -> Endpoint:
    """Where to send to a valid `address`: of `fe80::1%eth0` the interface's number, which `connect` wants apart.

    :raises OSError: the scope names no interface
    """
    if ":" not in address:
        return (address, port)
    bare, _, scope = address.partition("%")
    if not scope:
        return (bare, port, 0, 0)
    return (bare, port, 0, int(scope) if scope.isdigit() else socket.if_nametoindex(scope))
