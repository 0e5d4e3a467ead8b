"""Which local address the kernel would send from; the first place where "no route" shows."""

from __future__ import annotations

import socket

from probes.endpoint import Endpoint, endpoint
from probes.traceroute.send_error import CannotTraceError

__all__ = ["destination_of", "source_address"]


def destination_of(address: str, port: int) -> Endpoint:
    """Where packets to a valid `address` are sent.

    :raises CannotTraceError: the scope of a link-local address names no interface
    """
    try:
        return endpoint(address, port)
    except OSError as error:
        raise CannotTraceError.because(f"interface of {address}", error) from error


def source_address(family: int, destination: Endpoint) -> str:
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
