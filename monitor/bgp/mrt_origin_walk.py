"""The origins of one record of an MRT table, route by route (RFC 6396 sections 4.2 and 4.3, RFC 8050). Pure.

For the records that `mrt_origins` cannot take at a glance. Where several peers' routes end in one origin and have
the head of the attribute behind the AS_PATH in common, they are counted at once by these seven bytes, and the
walk ends when all routes are accounted for: two origins of a prefix show within a few routes.
"""

from __future__ import annotations

from monitor.bgp.as_path_wire import AS_TRANS, AsPathError, decode_as_path
from monitor.bgp.path_attributes import EXTENDED_LENGTH
from monitor.bgp.prefix_key import BITS
from monitor.model import Asn

NEXT_HEAD_BYTES = 3
AS_SEQUENCE = 2
_AS_PATH, _AS4_PATH = 2, 17
_MAX_SINGLE = 1 << 17
"""More than there are ASes in use: a full table names 85,000."""

Origins = tuple[int, int, int, frozenset[Asn]]
"""IP version, first address, prefix length, and the origins of a prefix."""


class SingleOrigins(dict[bytes, frozenset[Asn]]):
    """The sets of one origin, by its four bytes: the routes of a table share them."""

    def __missing__(self, packed: bytes) -> frozenset[Asn]:
        """Make it."""
        if len(self) >= _MAX_SINGLE:
            self.clear()
        found = self[packed] = frozenset((Asn(int.from_bytes(packed, "big")),))
        return found


def walk_origins(body: bytes, version: int, head_bytes: int, single: SingleOrigins) -> Origins:
    """Of a record of TABLE_DUMP_V2, in which `head_bytes` stand before each route's attributes.

    :raises ValueError: the record is malformed; IndexError: it ends too early
    """
    bits, length = BITS[version], body[4]
    if length > bits:
        raise ValueError(f"prefix length {length} above {bits}")
    offset = 5 + (length + 7 >> 3)
    first = int.from_bytes(body[5:offset], "big") >> -length % 8 << bits - length
    count = body[offset] << 8 | body[offset + 1]
    offset += 2
    origins: frozenset[Asn] = frozenset()
    counted: set[bytes] = set()
    accounted = 0
    for number in range(count):
        start = offset + head_bytes
        if start > len(body):
            raise ValueError(f"ends in entry {number} of {count}")
        offset = start + (body[start - 2] << 8 | body[start - 1])
        if offset > len(body):
            raise ValueError(f"attributes of entry {number} of {count} end behind the record")
        value, end = _attribute(body, start, offset, _AS_PATH)
        found = _origins(body, value, end, single)
        origins |= found
        alike = body[end - 4 : end + NEXT_HEAD_BYTES]
        if end + NEXT_HEAD_BYTES > offset or single.get(alike[:4]) is not found:
            accounted += 1
        elif alike not in counted:
            counted.add(alike)
            accounted += body.count(alike)
            if accounted == count:
                break
    return version, first, length, origins


def old_route_origins(body: bytes, version: int) -> Origins:
    """One route of TABLE_DUMP, whose AS numbers have two bytes (RFC 6396 section 4.2).

    :raises ValueError: the record is malformed; IndexError: it ends too early
    """
    bits = BITS[version]
    size = bits // 8
    length = body[4 + size]
    if length > bits:
        raise ValueError(f"prefix length {length} above {bits}")
    first = int.from_bytes(body[4 : 4 + size], "big") >> bits - length << bits - length
    # Status, time, peer's address and AS stand between.
    start = 4 + size + 1 + 1 + 4 + size + 2 + 2
    end = start + (body[start - 2] << 8 | body[start - 1])
    if end > len(body):
        raise ValueError("attributes end behind the record")
    value, stop = _attribute(body, start, end, _AS_PATH)
    origins = _decoded(body[value:stop], 2)
    if AS_TRANS in origins:
        value, stop = _attribute(body, start, end, _AS4_PATH)
        origins = _decoded(body[value:stop], 4) or origins
    return version, first, length, origins


def _attribute(body: bytes, start: int, end: int, wanted: int) -> tuple[int, int]:
    """Where in `body[start:end]` the value of that path attribute begins and ends; nowhere: twice the same.

    :raises ValueError: an attribute is longer than what is left
    """
    while start + 3 <= end:
        if body[start] & EXTENDED_LENGTH:
            value, size = start + 4, body[start + 2] << 8 | body[start + 3]
        else:
            value, size = start + 3, body[start + 2]
        if value + size > end:
            raise ValueError(f"path attribute of {size} bytes at byte {start} ends behind its field")
        if body[start + 1] == wanted:
            return value, value + size
        start = value + size
    return end, end


def _origins(body: bytes, value: int, end: int, single: SingleOrigins) -> frozenset[Asn]:
    """Of the AS_PATH in `body[value:end]`: the last AS of its one sequence, else what decoding it says."""
    if end - value <= 2 or body[value] != AS_SEQUENCE or end - value != 2 + 4 * body[value + 1]:
        return _decoded(body[value:end], 4)
    return single[body[end - 4 : end]]


def _decoded(path: bytes, asn_bytes: int) -> frozenset[Asn]:
    try:
        return decode_as_path(path, asn_bytes).origins
    except AsPathError as error:
        raise ValueError(str(error)) from error
