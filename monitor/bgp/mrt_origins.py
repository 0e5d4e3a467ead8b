"""Who originates which prefix, out of a table's MRT records (RFC 6396 sections 4.2 and 4.3, RFC 8050). Pure.

A full table of forty peers has fifty million routes; making each a route event, as `mrt` does, would take
minutes. Nearly always all peers name one origin, and their routes have the attribute behind the AS_PATH in
common. So the first route's last AS and the head of that attribute, seven bytes, are counted in the record:
found once for each route, there is no other origin. One `unpack` finds them where the first route begins as
routers write it, with ORIGIN and AS_PATH. Any other record is `mrt_origin_walk`'s.

What this misses: an AS_SET that ends in the others' origin, and a peer that hides its own odd origin by putting
those bytes into a community.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from struct import Struct
from typing import Any

from monitor.bgp.mrt_origin_walk import (
    AS_SEQUENCE,
    NEXT_HEAD_BYTES,
    SingleOrigins,
    old_route_origins,
    walk_origins,
)
from monitor.bgp.mrt_stream import HEADER_BYTES, MrtStream, Readable, Span
from monitor.bgp.origin_entries import NUMBER_BITS, OriginEntries
from monitor.bgp.prefix_key import BITS
from monitor.bgp.prefix_ranges import LENGTH_BITS
from monitor.model import Asn

_HEADER = Struct("!4xHHI")
_TABLE_DUMP, _TABLE_DUMP_V2 = 12, 13
_OLD_VERSIONS = {b"\0\x0c\0\1": 4, b"\0\x0c\0\2": 6}
"""TABLE_DUMP, by type and subtype as a record's header has them."""
_FORMS = {b"\0\x0d\0\2": (4, 8), b"\0\x0d\0\4": (6, 8), b"\0\x0d\0\x08": (4, 12), b"\0\x0d\0\x0a": (6, 12)}
"""Of a unicast table's records likewise -> IP version, and the bytes before a route's attributes: peer, time, path
identifier, their length."""
_LENGTH_AT = HEADER_BYTES + 4
"""Where the prefix's length is, behind the sequence number."""

_SHORT_HEAD_BYTES, _LONG_HEAD_BYTES = 9, 10
_MAX_ALIKE = 1 << 18
"""More than there are origins in use, each before one of a few attributes: a full table names 85,000."""


def _path_ends() -> dict[bytes, int]:
    """How the attributes begin that are ORIGIN and an AS_PATH of one sequence -> where that path ends.

    Quagga and FRR always give the path's length in two bytes.
    """
    ends: dict[bytes, int] = {}
    for origin in range(3):
        for ases in range(1, 256):
            size, segment = 2 + 4 * ases, bytes((AS_SEQUENCE, ases))
            before = bytes((0x40, 1, 1, origin))
            ends[before + b"\x50\2" + size.to_bytes(2, "big") + segment] = 8 + size
            if size < 256:
                ends[before + b"\x40\2" + bytes((size,)) + segment] = 7 + size
    return ends


_PATH_ENDS = _path_ends()

# Of a record with a prefix of one length: what unpacks (the eight bytes that end with the prefix, how many routes
# there are, how long the first one's attributes are, how these begin); the mask of the prefix in those eight
# bytes; how far it lies from its place in an entry; its length in an entry; where the first attributes begin.
_Shape = tuple[Callable[[bytes, int], tuple[Any, ...]], int, int, int, int]


def _shapes(version: int, head_bytes: int) -> tuple[_Shape, ...]:
    """By prefix length, of those that fit into the eight bytes."""
    found = []
    for length in range(min(BITS[version], 64) + 1):
        octets = length + 7 >> 3
        unpack = Struct(f"!{_LENGTH_AT + 1 + octets - 8}xQH{head_bytes - 2}xH{_SHORT_HEAD_BYTES}s").unpack_from
        mask = (1 << length) - 1 << 8 * octets - length
        shift = BITS[version] - 8 * octets + LENGTH_BITS + NUMBER_BITS
        found.append((unpack, mask, shift, length << NUMBER_BITS, _LENGTH_AT + 3 + octets + head_bytes))
    return tuple(found)


_SHAPES = {kind: (version, _shapes(version, head_bytes)) for kind, (version, head_bytes) in _FORMS.items()}
_NO_SHAPES: tuple[int, tuple[_Shape, ...]] = (4, ())


def is_table(head: bytes) -> bool:
    """Whether a file that begins so is an MRT table: its first record is of that type."""
    return len(head) >= HEADER_BYTES and _HEADER.unpack_from(head)[0] in (_TABLE_DUMP, _TABLE_DUMP_V2)


def table_origins(stream: Readable) -> OriginEntries:
    """The prefixes of a table with their origins; a bad record is noted, a torn stream ends.

    A TABLE_DUMP record is one route: its prefix comes again with each of its routes.
    """
    entries = OriginEntries()
    records, single, alike = MrtStream(stream), SingleOrigins(), dict[bytes, int]()
    before = 0
    for block, spans in records.blocks():
        left = _glance(block, spans, entries, alike)
        for number in left:
            start, end = spans[number]
            try:
                _look_through(block, start, end, single, entries)
            except (IndexError, ValueError) as error:
                entries.note(f"record {before + number + 1}: {error}")
        before += len(spans)
    if records.damage:
        entries.note(f"record {before + 1}: {records.damage}")
    return entries


def _glance(block: bytes, spans: list[Span], entries: OriginEntries, alike: dict[bytes, int]) -> list[int]:
    """Take the records all of whose routes surely name one origin; which of the block's records are left.

    `alike`: the seven bytes of routes met so far -> the number of their origin. The loop is written out: a call
    for each record costs a tenth of all.
    """
    left: list[int] = []
    kind, shapes, take = b"", _NO_SHAPES[1], entries.of[4].append
    for place, (start, end) in enumerate(spans):
        if block[start + 4 : start + 8] != kind:
            kind = block[start + 4 : start + 8]
            version, shapes = _SHAPES.get(kind, _NO_SHAPES)
            take = entries.of[version].append
        try:
            unpack, mask, shift, length, attributes_at = shapes[block[start + _LENGTH_AT]]
            eight, count, size, head = unpack(block, start)
        except (IndexError, struct.error):
            left.append(place)
            continue
        attributes = start + attributes_at
        path_end = _PATH_ENDS.get(head) or _PATH_ENDS.get(block[attributes : attributes + _LONG_HEAD_BYTES])
        if path_end is None or path_end + NEXT_HEAD_BYTES > size or attributes + size > end:
            left.append(place)
            continue
        behind = attributes + path_end
        seven = block[behind - 4 : behind + NEXT_HEAD_BYTES]
        # A router's own table has one route a prefix, and nothing to compare.
        if count != 1 and block.count(seven, attributes, end) != count:
            left.append(place)
            continue
        take((eight & mask) << shift | length | (alike.get(seven) or _number(seven, entries, alike)))
    return left


def _number(seven: bytes, entries: OriginEntries, alike: dict[bytes, int]) -> int:
    """The number of the origin whose four bytes come first."""
    if len(alike) >= _MAX_ALIKE:
        alike.clear()
    number = alike[seven] = entries.number(frozenset((Asn(int.from_bytes(seven[:4], "big")),)))
    return number


def _look_through(block: bytes, start: int, end: int, single: SingleOrigins, entries: OriginEntries) -> None:
    """Take any record; one that is of no unicast table is passed over.

    :raises ValueError: it is malformed; IndexError: it ends too early
    """
    kind, body = block[start + 4 : start + 8], block[start + HEADER_BYTES : end]
    if kind in _FORMS:
        version, first, length, origins = walk_origins(body, *_FORMS[kind], single)
    elif kind in _OLD_VERSIONS:
        version, first, length, origins = old_route_origins(body, _OLD_VERSIONS[kind])
    else:
        return
    if origins:
        entries.add(version, first, length, entries.number(origins))
