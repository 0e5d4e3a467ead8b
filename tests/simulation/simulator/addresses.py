"""Address space of the simulated networks: a block each for routers and vantages, and prefixes for services.

Blocks come out of ranges that are set aside for tests or shared use (198.18.0.0/15, 100.64.0.0/10,
2001:db8::/32), cut small: what a folder maps by its table is public, whatever the range.
"""

from __future__ import annotations

import ipaddress
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_INFRASTRUCTURE = {4: ("100.64.0.0/10", 24), 6: ("2001:db8::/34", 48)}
_SERVICES = {4: ("198.18.0.0/15", 22), 6: ("2001:db8:8000::/34", 44)}


@dataclass(slots=True)
class AddressPlan:
    """Hands out blocks in order and remembers whose they are."""

    owners: dict[Network, int] = field(default_factory=dict)
    _blocks: dict[int, dict[int, Network]] = field(default_factory=lambda: {4: {}, 6: {}})
    _free: dict[int, Iterator[Network]] = field(
        default_factory=lambda: {f: _cut(*_INFRASTRUCTURE[f]) for f in (4, 6)}
    )
    _services: dict[int, Iterator[Network]] = field(
        default_factory=lambda: {f: _cut(*_SERVICES[f]) for f in (4, 6)}
    )

    def router(self, asn: int, number: int, family: int) -> str:
        """The address of a network's router."""
        blocks = self._blocks[family]
        if asn not in blocks:
            blocks[asn] = next(self._free[family])
            self.owners[blocks[asn]] = asn
        return _member(blocks[asn], 1 + number % 250)

    def prefix(self, asn: int, family: int) -> Network:
        """A fresh prefix of `asn` for services: a /22 or /44."""
        prefix = next(self._services[family])
        self.owners[prefix] = asn
        return prefix


def host(prefix: Network, number: int) -> str:
    """A host in the first /24 or /48 of a prefix."""
    return str(prefix[10 + number])


@lru_cache(maxsize=65_536)
def _member(block: Network, number: int) -> str:
    return str(block[number])


@lru_cache(maxsize=65_536)
def around(address: str, length: int | None = None) -> Network:
    """The /24 or /48 (or `length`) that an address is in."""
    family = ipaddress.ip_address(address).version
    return ipaddress.ip_network(f"{address}/{length or (24 if family == 4 else 48)}", strict=False)


def parts(prefix: Network) -> Iterator[Network]:
    """The parts of a prefix that routers take everywhere and no smaller ones: /24s, or /48s."""
    if isinstance(prefix, ipaddress.IPv4Network):
        yield from prefix.subnets(new_prefix=24)
    else:
        yield from prefix.subnets(new_prefix=48)


@lru_cache(maxsize=262_144, typed=True)
def steady(*words: object) -> int:
    """A number that is the same for the same words in every run."""
    return zlib.crc32(" ".join(map(str, words)).encode())


def _cut(wide: str, length: int) -> Iterator[Network]:
    yield from ipaddress.ip_network(wide).subnets(new_prefix=length)
