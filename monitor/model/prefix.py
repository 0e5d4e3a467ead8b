"""IP prefixes as values: parsing with a cache, and the relation of one prefix to another."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

Prefix = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_INTERNAL = tuple(
    ipaddress.ip_network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
                                              "169.254.0.0/16", "fc00::/7", "fe80::/10")
)  # fmt: skip
"""RFC 1918, 6598, 3927, 4193, 4291: inside of somebody's network, never between two. Narrower than Python's
`is_private`, which has documentation and test ranges too and leaves 100.64/10 out."""


@lru_cache(maxsize=65536)
def parse_prefix(text: str) -> Prefix:
    """Read a prefix in presentation form; host bits must be zero.

    :raises ValueError: not a prefix
    """
    return ipaddress.ip_network(text)


@lru_cache(maxsize=65536)
def parse_address(text: str) -> Address:
    """Read an address in presentation form; a zone (`%eth0`) is kept as `ipaddress` does.

    :raises ValueError: not an address
    """
    return ipaddress.ip_address(text)


def as_address(text: str) -> Address | None:
    """Read an address; None where `text` is none, as in facts that other programs wrote."""
    try:
        return parse_address(text)
    except ValueError:
        return None


def is_internal(address: Address) -> bool:
    """Whether an address is of a range that means something inside of one network only."""
    return any(address in block for block in _INTERNAL)


def covers(wide: Prefix, narrow: Prefix) -> bool:
    """Whether every address of `narrow` is in `wide`; equal prefixes cover each other."""
    if wide.version != narrow.version or wide.prefixlen > narrow.prefixlen:
        return False
    shift = wide.max_prefixlen - wide.prefixlen
    return int(wide.network_address) >> shift == int(narrow.network_address) >> shift


def contains(prefix: Prefix, address: Address) -> bool:
    """Whether `address` is in `prefix`; False across families."""
    if prefix.version != address.version:
        return False
    shift = prefix.max_prefixlen - prefix.prefixlen
    return int(prefix.network_address) >> shift == int(address) >> shift
