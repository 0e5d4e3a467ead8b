"""Which local address the kernel would send from; the first place where "no route" shows."""

from __future__ import annotations

import socket

from probes.traceroute.send_error import CannotTraceError

__all__ = ["SocketAddress", "socket_address", "source_address"]

SocketAddress = tuple[str, int] | tuple[str, int, int, int]


def socket_address(address: str, port: int) -> SocketAddress:
    """A valid `address` as the socket calls want it; the scope of an IPv6 link-local one becomes a number.

    :raises CannotTraceError: the scope names no interface
    """
    if ":" not in address:
        return (address, port)
    bare, _, scope = address.partition("%")
    if not scope:
        return (bare, port, 0, 0)
    try:
        return (bare, port, 0, int(scope) if scope.isdigit() else socket.if_nametoindex(scope))
    except OSError as error:
        raise CannotTraceError.because(f"interface of {address}", error) from error


def source_address(family: int, destination: SocketAddress) -> str:
    """The address that packets to `destination` leave with. Sends nothing.

    :raises CannotTraceError: there is no route
    """
    sock_family = socket.AF_INET if family == 4 else socket.AF_INET6
    try:
        with socket.socket(sock_family, socket.SOCK_DGRAM) as probe:
            # Port 9 (discard) stands for any: connecting a datagram socket only looks the route up.
            probe.connect((destination[0], 9, *destination[2:]))
            return str(probe.getsockname()[0]).partition("%")[0]
    except OSError as error:
        raise CannotTraceError.because(f"route to {destination[0]}", error) from error
