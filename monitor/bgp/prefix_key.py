"""A prefix as one integer: the cheap form in which tables of prefixes are kept and asked.

The key of a prefix is its significant bits behind a leading one: `0.0.0.0/0` is 1, `128.0.0.0/1` is 3.
So `key >> 1` is the covering prefix that is one bit shorter, and equal keys are equal prefixes of one
family. Making an `ipaddress` network costs about 4 µs and hashing one 1 µs, a key a tenth of that; keys
therefore stay inside this package, and values with `ipaddress` networks leave it. Pure.
"""

from __future__ import annotations

import ipaddress
import socket
from functools import lru_cache

from monitor.model import Address, Prefix

BITS = {4: 32, 6: 128}
"""The address length of each IP version."""

PrefixKey = int

_LENGTHS = {f"{length:0{digits}}": length for digits in (1, 2, 3) for length in range(1000)}
"""Up to three digits as a number: a full table reads a million lengths."""
_HOST_BITS = {version: tuple((1 << bits - n) - 1 for n in range(bits + 1)) for version, bits in BITS.items()}
"""The mask of the bits behind a prefix of each length."""


def key_of(prefix: Prefix) -> PrefixKey:
    """The key of a prefix; its family is `prefix.version`."""
    length = prefix.prefixlen
    return 1 << length | int(prefix.network_address) >> prefix.max_prefixlen - length


def address_key(address: Address) -> PrefixKey:
    """The key of the host prefix (/32 or /128) of an address."""
    return 1 << address.max_prefixlen | int(address)


def parse_key(text: str) -> tuple[int, PrefixKey]:
    """Read a prefix in presentation form into (IP version, key); host bits must be zero.

    :raises ValueError: not a prefix
    """
    version, first, length = parse_place(text)
    return version, key_at(version, first, length)


def parse_place(text: str) -> tuple[int, int, int]:
    """Read a prefix into (IP version, first address, length); host bits must be zero.

    :raises ValueError: not a prefix
    """
    address, slash, digits = text.partition("/")
    if not slash:
        raise ValueError(f"not a prefix: {text[:64]!r}")
    return place_of(address, digits)


def place_of(address: str, digits: str) -> tuple[int, int, int]:
    """As `parse_place`, of a prefix whose address and length stand apart.

    :raises ValueError: not a prefix
    """
    length = _LENGTHS.get(digits)
    if length is None:
        raise ValueError(f"not a prefix: {address[:48]!r} {digits[:8]!r}")
    version, family = (6, socket.AF_INET6) if ":" in address else (4, socket.AF_INET)
    try:
        first = int.from_bytes(socket.inet_pton(family, address), "big")
    except (OSError, ValueError) as error:
        raise ValueError(f"not a prefix: {address[:48]!r} {digits[:8]!r}") from error
    if length > BITS[version]:
        raise ValueError(f"prefix length above {BITS[version]}: {address[:48]!r} {digits!r}")
    if first & _HOST_BITS[version][length]:
        raise ValueError(f"host bits set: {address[:48]!r} {digits!r}")
    return version, first, length


@lru_cache(maxsize=65536)
def prefix_of(version: int, key: PrefixKey) -> Prefix:
    """The prefix of a key."""
    length = key.bit_length() - 1
    bits = BITS[version]
    first = (key ^ 1 << length) << bits - length
    if version == 4:
        return ipaddress.IPv4Network((first, length))
    return ipaddress.IPv6Network((first, length))


def key_at(version: int, first: int, length: int) -> PrefixKey:
    """The key of the prefix of that length that begins at that address; undoes `first_and_length`."""
    return 1 << length | first >> BITS[version] - length


def first_and_length(version: int, key: PrefixKey) -> tuple[int, int]:
    """The first address of a key's prefix as an integer, and the prefix's length."""
    length = key.bit_length() - 1
    return (key ^ 1 << length) << BITS[version] - length, length
