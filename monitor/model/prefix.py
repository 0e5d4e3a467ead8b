"""IP prefixes as values: parsing with a cache, and the relation of one prefix to another."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

Prefix = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


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
