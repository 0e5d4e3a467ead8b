"""Which local address the kernel would send from; the first place where "no route" shows."""

from __future__ import annotations

from probes.endpoint import Endpoint, endpoint, source_of
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


def source_address(destination: Endpoint) -> str:
    """The address that packets to `destination` leave with. Sends nothing.

    :raises CannotTraceError: there is no route
    """
    try:
        return source_of(destination)
    except OSError as error:
        raise CannotTraceError.because(f"route to {destination[0]}", error) from error
