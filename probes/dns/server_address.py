"""A DNS server as people write it: `9.9.9.9`, `9.9.9.9:5353`, `2620:fe::fe`, `[2620:fe::fe]:5353`. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

DEFAULT_PORT = 53


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where a DNS server listens."""

    address: str
    port: int = DEFAULT_PORT

    @property
    def family(self) -> int:
        """4 or 6."""
        return ipaddress.ip_address(self.address).version

    def __str__(self) -> str:
        """As it is written, with the port only where it is not 53."""
        if self.port == DEFAULT_PORT:
            return self.address
        return f"[{self.address}]:{self.port}" if self.family == 6 else f"{self.address}:{self.port}"


def parse_server(text: str, default_port: int = DEFAULT_PORT) -> ServerAddress:
    """Read an address with an optional port; `default_port` is that of the transport it is meant for.

    :raises ValueError: not an address (names are not looked up: a resolver must not need a resolver), or a
        port outside 1..65535
    """
    host, port = text, ""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"not [IPv6 address]:port: {text[:80]!r}")
        port = rest[1:] or ("" if not rest else "none")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
        port = port or "none"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise ValueError(f"not the address of a DNS server: {text[:80]!r}") from None
    if not port:
        return ServerAddress(str(address), default_port)
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        raise ValueError(f"port out of range 1..65535: {text[:80]!r}")
    return ServerAddress(str(address), int(port))
