"""Who originates which prefix, out of a table's MRT records (RFC 6396 sections 4.2 and 4.3, RFC 8050). Pure.

A full table of forty peers has fifty million routes; making each a route event, as `mrt` does, would take
minutes. Here only the end of the AS_PATH is looked at.

Nearly always all peers name one origin, and their routes have the attribute behind the AS_PATH in common. So
the first route's last AS and the head of that attribute, seven bytes, are counted in the record: found once for
each route, there is no other origin. Anything else has every route looked at. What this misses: an AS_SET that
ends in the others' origin, and a peer that hides its own odd origin by putting those bytes into a community.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import Struct
from typing import Protocol

from monitor.bgp.as_path_wire import AS_TRANS, AsPathError, decode_as_path
from monitor.bgp.prefix_key import BITS
from monitor.model import Asn

MAX_RECORD_BYTES = 16 * 1024 * 1024
_HEADER = Struct("!IHHI")
_ENTRY_BYTES, _ADD_PATH_ENTRY_BYTES = 8, 12
_TABLE_DUMP, _TABLE_DUMP_V2 = 12, 13
# Subtype -> IP version and the bytes before an entry's attributes: peer, time, path identifier, length.
_UNICAST = {
    2: (4, _ENTRY_BYTES), 4: (6, _ENTRY_BYTES), 8: (4, _ADD_PATH_ENTRY_BYTES), 10: (6, _ADD_PATH_ENTRY_BYTES),
}  # fmt: skip
_TABLE_DUMP_VERSIONS = {1: 4, 2: 6}
_AS_PATH, _AS4_PATH = 2, 17
_EXTENDED_LENGTH = 0x10
_ORIGIN_THEN = b"\x40\1\1"
"""ORIGIN, which routers write first: four bytes, then nearly always the AS_PATH."""
_AS_SEQUENCE = 2
_NEXT_HEAD_BYTES = 3
_KEPT_ERRORS = 8
_MAX_SINGLE = 1 << 17
"""More than there are ASes in use: a full table names 85,000."""

_Single = dict[bytes, frozenset[Asn]]
"""The sets of one origin, by its four bytes: a million prefixes share them."""


Origins = tuple[int, int, int, frozenset[Asn]]
"""IP version, first address, prefix length, and the origins of all routes to it."""


class Readable(Protocol):
    """A stream; `read(n)` gives fewer than n bytes only at its end."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes."""
        ...


@dataclass(slots=True)
class TableStats:
    """`bad` records, why the first few of them (`errors`), and `other` ones: not of a unicast table."""

    bad: int = 0
    other: int = 0
    errors: list[str] = field(default_factory=list)

    def note(self, why: str) -> None:
        """Count a bad record."""
        self.bad += 1
        if len(self.errors) < _KEPT_ERRORS:
            self.errors.append(why)


def is_table(head: bytes) -> bool:
    """Whether a file that begins so is an MRT table: its first record is of that type."""
    return len(head) >= _HEADER.size and _HEADER.unpack_from(head)[1] in (_TABLE_DUMP, _TABLE_DUMP_V2)


def table_origins(stream: Readable, stats: TableStats) -> Iterator[Origins]:
    """The prefixes of a table with their origins; a bad record is counted, a torn stream ends.

    A TABLE_DUMP record is one route: those of a prefix stand behind each other and are joined.
    """
    single: _Single = {}
    routes: Origins | None = None
    for number, kind, subtype, body in _records(stream, stats):
        try:
            if kind == _TABLE_DUMP_V2 and subtype in _UNICAST:
                yield _record_origins(body, *_UNICAST[subtype], single)
            elif kind == _TABLE_DUMP and subtype in _TABLE_DUMP_VERSIONS:
                route = _route_origins(body, _TABLE_DUMP_VERSIONS[subtype])
                if routes is not None and routes[:3] == route[:3]:
                    routes = (*route[:3], routes[3] | route[3])
                    continue
                if routes is not None:
                    yield routes
                routes = route
            else:
                stats.other += 1
        except (IndexError, ValueError) as error:
            stats.note(f"record {number}: {error}")
    if routes is not None:
        yield routes


def _records(stream: Readable, stats: TableStats) -> Iterator[tuple[int, int, int, bytes]]:
    """Number, type, subtype and body of each record."""
    number = 0
    while header := stream.read(_HEADER.size):
        number += 1
        if len(header) < _HEADER.size:
            stats.note(f"record {number}: header cut")
            return
        _, kind, subtype, length = _HEADER.unpack(header)
        if length > MAX_RECORD_BYTES:
            stats.note(f"record {number}: {length} bytes, above {MAX_RECORD_BYTES}")
            return
        body = stream.read(length)
        if len(body) < length:
            stats.note(f"record {number}: {length} bytes cut after {len(body)}")
            return
        yield number, kind, subtype, body


def _record_origins(body: bytes, version: int, head_bytes: int, single: _Single) -> Origins:
    """:raises ValueError: the record is malformed; IndexError: it ends too early"""
    bits, length = BITS[version], body[4]
    if length > bits:
        raise ValueError(f"prefix length {length} above {bits}")
    offset = 5 + (length + 7 >> 3)
    first = int.from_bytes(body[5:offset], "big") >> -length % 8 << bits - length
    count = body[offset] << 8 | body[offset + 1]
    offset += 2
    origins: frozenset[Asn] = frozenset()
    for number in range(count):
        start = offset + head_bytes
        if start > len(body):
            raise ValueError(f"ends in entry {number} of {count}")
        offset = start + (body[start - 2] << 8 | body[start - 1])
        if offset > len(body):
            raise ValueError(f"attributes of entry {number} of {count} end behind the record")
        value, end = _attribute(body, start, offset, _AS_PATH)
        found = _origins(body, value, end, single)
        if found is not origins:
            origins = origins | found if origins else found
        if not number and count > 1 and len(found) == 1 and end + _NEXT_HEAD_BYTES <= offset:
            alike = body[end - 4 : end + _NEXT_HEAD_BYTES]
            if int.from_bytes(alike[:4], "big") in found and body.count(alike) == count:
                break
    return version, first, length, origins


def _route_origins(body: bytes, version: int) -> Origins:
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
    if body[start : start + 3] == _ORIGIN_THEN and start + 4 <= end:
        start += 4
    while start + 3 <= end:
        if body[start] & _EXTENDED_LENGTH:
            value, size = start + 4, body[start + 2] << 8 | body[start + 3]
        else:
            value, size = start + 3, body[start + 2]
        if value + size > end:
            raise ValueError(f"path attribute of {size} bytes at byte {start} ends behind its field")
        if body[start + 1] == wanted:
            return value, value + size
        start = value + size
    return end, end


def _origins(body: bytes, value: int, end: int, single: _Single) -> frozenset[Asn]:
    """Of the AS_PATH in `body[value:end]`: the last AS of its one sequence, else what decoding it says."""
    if end - value <= 2 or body[value] != _AS_SEQUENCE or end - value != 2 + 4 * body[value + 1]:
        return _decoded(body[value:end], 4)
    packed = body[end - 4 : end]
    found = single.get(packed)
    if found is None:
        if len(single) >= _MAX_SINGLE:
            single.clear()
        found = single[packed] = frozenset((Asn(int.from_bytes(packed, "big")),))
    return found


def _decoded(path: bytes, asn_bytes: int) -> frozenset[Asn]:
    try:
        return decode_as_path(path, asn_bytes).origins
    except AsPathError as error:
        raise ValueError(str(error)) from error
