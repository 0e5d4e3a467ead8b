"""AS_PATH as a BGP message carries it, and its repair from AS4_PATH (RFC 4271 section 4.3, RFC 6793).

Confederation segments (RFC 5065) are left out of the path: they name no AS of the Internet. Pure.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from struct import Struct

from monitor.model import AsPath, AsSet
from monitor.model.asn import Asn

AS_TRANS = Asn(23456)
"""Stands for an AS number that does not fit in two bytes (RFC 6793 section 9)."""

_AS_SET = 1
_AS_SEQUENCE = 2
_CONFEDERATION = (3, 4)


class AsPathError(ValueError):
    """The bytes are not an AS_PATH."""


# A table transfer names each path for many prefixes, and thousands of paths come again and again.
@lru_cache(maxsize=65536)
def decode_as_path(data: bytes, asn_size: int) -> AsPath:
    """The path in an AS_PATH or AS4_PATH attribute's value; `asn_size` is 2 or 4 bytes.

    :raises AsPathError: an unknown segment type, or a segment longer than the attribute
    """
    if len(data) > 2 and data[0] == _AS_SEQUENCE and len(data) == 2 + data[1] * asn_size:
        # One sequence, as nearly every path is.
        return AsPath(_numbers(data[1], asn_size).unpack_from(data, 2))
    parts: list[Asn | AsSet] = []
    offset = 0
    while offset < len(data):
        if offset + 2 > len(data):
            raise AsPathError(f"AS_PATH segment header cut at byte {offset}")
        kind, count = data[offset], data[offset + 1]
        stop = offset + 2 + count * asn_size
        if stop > len(data):
            raise AsPathError(f"AS_PATH segment of {count} ASes at byte {offset} ends behind the attribute")
        if kind not in (_AS_SET, _AS_SEQUENCE, *_CONFEDERATION):
            raise AsPathError(f"AS_PATH segment type {kind} at byte {offset}, not 1..4")
        numbers = _numbers(count, asn_size).unpack_from(data, offset + 2)
        if kind == _AS_SEQUENCE:
            parts.extend(numbers)
        elif kind == _AS_SET:
            parts.append(frozenset(numbers))
        offset = stop
    return AsPath(tuple(parts))


@lru_cache(maxsize=512)
def _numbers(count: int, asn_size: int) -> Struct:
    return Struct(f"!{count}{'I' if asn_size == 4 else 'H'}")


def merge_as4_path(path: AsPath, as4_path: AsPath) -> AsPath:
    """The path with the numbers that an old speaker could not carry put back (RFC 6793 section 4.2.3).

    The leading ASes of `path` that `as4_path` lacks stay before it; a longer `as4_path` is ignored.
    """
    lacking = len(path.segments) - len(as4_path.segments)
    if lacking < 0 or not as4_path.segments:
        return path
    return AsPath((*islice(path.segments, lacking), *as4_path.segments))
