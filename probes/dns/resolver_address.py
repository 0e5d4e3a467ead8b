"""A resolver as people write it, with the transport to ask it by. Pure; imports nothing that opens anything.

    9.9.9.9, 9.9.9.9:5353, [2620:fe::fe]:53      UDP, and TCP where an answer was cut short
    tls://9.9.9.9#dns.quad9.net                  TLS (RFC 7858), port 853 unless another is given
    https://9.9.9.9/dns-query#dns.quad9.net      HTTPS (RFC 8484), path /dns-query unless another is given

What follows the `#` is whom the certificate must be for, as systemd's resolved has it; without it, the address.
The server itself is always an address: a resolver must not need a resolver.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from probes.dns.server_address import parse_server

DEFAULT_PATH = "/dns-query"
"""RFC 8484 has each server choose its own; this one is in its examples, and everybody's."""

_ENCRYPTED = re.compile(r"(tls|https)://([^/#\s]+)(/[!-\"$-~]*)?(?:#([A-Za-z0-9_.-]{1,254}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolver:
    """Fields of the same names of `probes.dns.DnsQuestion`."""

    server: str
    transport: str = "udp"
    server_name: str | None = None
    path: str = DEFAULT_PATH


def parse_resolver(text: str) -> Resolver:
    """Read a resolver in one of the forms above.

    :raises ValueError: it is in none of them, its server is no address, or its port is outside 1..65535
    """
    if "://" not in text:
        parse_server(text)
        return Resolver(server=text)
    found = _ENCRYPTED.fullmatch(text)
    if found is None or (found[1] == "tls" and found[3] is not None):
        raise ValueError(f"not tls://ADDRESS#NAME or https://ADDRESS/PATH#NAME: {text[:80]!r}")
    parse_server(found[2])
    return Resolver(server=found[2], transport=found[1], server_name=found[4], path=found[3] or DEFAULT_PATH)
