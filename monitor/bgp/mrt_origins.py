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
from monitor.bgp.mrt_stream import HEADER_BYTES, MrtStream, Readable
from monitor.bgp.origin_entries import SET_ASIDE, OriginEntries
from monitor.bgp.prefix_key import BITS

_HEADER = Struct("!4xHHI")
_TABLE_DUMP, _TABLE_DUMP_V2 = 12, 13
_OLD_VERSIONS = {0x0C_0001: 4, 0x0C_0002: 6}
"""TABLE_DUMP, by type and subtype as a record's header has them, in one number."""
_FORMS = {0x0D_0002: (4, 8), 0x0D_0004: (6, 8), 0x0D_0008: (4, 12), 0x0D_000A: (6, 12)}
"""Of a unicast table's records likewise -> IP version, and the bytes before a route's attributes: peer, time, path
identifier, their length."""
_kind_and_size = Struct("!4xII").unpack_from
_LENGTH_AT = HEADER_BYTES + 4
"""Where the prefix's length is, behind the sequence number."""
_last_as = Struct("!I").unpack_from

_SHORT_HEAD_BYTES, _LONG_HEAD_BYTES = 9, 10
_NOWHERE = 1 << 16
"""Behind the end of any route's attributes."""


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

# Of a record with a prefix of one length: what unpacks (type and subtype, the size behind the header, the four or
# eight bytes that end with the prefix, how many routes there are, how long the first one's attributes are, how
# these begin); the mask of the prefix in those bytes; how far it lies from its place in an address; where the
# first attributes begin.
_Shape = tuple[Callable[[bytes, int], tuple[Any, ...]], int, int, int]


def _shapes(version: int, head_bytes: int) -> tuple[_Shape, ...]:
    """By prefix length, of those that fit into eight bytes."""
    found = []
    for length in range(min(BITS[version], 64) + 1):
        octets = length + 7 >> 3
        window = 4 if octets <= 4 else 8
        behind = _LENGTH_AT + 1 + octets
        unpack = Struct(
            f"!4xII{behind - window - HEADER_BYTES}x{'I' if window == 4 else 'Q'}"
            f"H{head_bytes - 2}xH{_SHORT_HEAD_BYTES}s"
        ).unpack_from
        mask = (1 << length) - 1 << 8 * octets - length
        found.append((unpack, mask, BITS[version] - 8 * octets, behind + 2 + head_bytes))
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
    records, single = MrtStream(stream), SingleOrigins()
    rest, number = b"", 0
    while True:
        block, start = records.next_block(rest)
        if not block:
            break
        behind = len(block)
        while behind - start >= HEADER_BYTES:
            kind, size = _kind_and_size(block, start)
            end = start + HEADER_BYTES + size
            if end > behind:
                break
            start, taken = _glance(block, start, kind, entries)
            number += taken
            if not taken:
                number += 1
                try:
                    _look_through(kind, block[start + HEADER_BYTES : end], single, entries)
                except (IndexError, ValueError) as error:
                    entries.note(f"record {number}: {error}")
                start = end
        rest = block[start:]
    if records.damage:
        entries.note(f"record {number + 1}: {records.damage}")
    return entries


def _glance(block: bytes, start: int, kind: int, entries: OriginEntries) -> tuple[int, int]:
    """Take records of that kind for as long as all of their routes surely name one origin.

    Where the first other one begins, or what is none, and how many were taken. The loop is written out: a call for
    each record costs a tenth of all.
    """
    version, shapes = _SHAPES.get(kind, _NO_SHAPES)
    of = entries.of[version]
    take_first, take_length, take_origin = of.firsts.append, of.lengths.append, of.origins.single.append
    before, behind = len(of), len(block)
    end_of, count, last_as = _PATH_ENDS.get, block.count, _last_as
    try:
        while True:
            length = block[start + _LENGTH_AT]
            unpack, mask, shift, attributes_at = shapes[length]
            found, size, window, routes, attributes_size, head = unpack(block, start)
            end, attributes = start + HEADER_BYTES + size, start + attributes_at
            path_end = end_of(head) or end_of(block[attributes : attributes + _LONG_HEAD_BYTES], _NOWHERE)
            if found != kind or path_end + NEXT_HEAD_BYTES > attributes_size:
                break
            if attributes + attributes_size > end or end > behind:
                break
            asn_at = attributes + path_end - 4
            # A router's own table has one route a prefix, and nothing to compare.
            if routes != 1 and count(block[asn_at : asn_at + 4 + NEXT_HEAD_BYTES], attributes, end) != routes:
                break
            (origin,) = last_as(block, asn_at)
            if origin == SET_ASIDE:
                break
            take_first((window & mask) << shift)
            take_length(length)
            take_origin(origin)
            start = end
    except (IndexError, struct.error):
        # Behind the end of the block, or a prefix too long for its version or for a glance.
        pass
    return start, len(of) - before


def _look_through(kind: int, body: bytes, single: SingleOrigins, entries: OriginEntries) -> None:
    """Take any record; one that is of no unicast table is passed over.

    :raises ValueError: it is malformed; IndexError: it ends too early
    """
    if kind in _FORMS:
        version, first, length, origins = walk_origins(body, *_FORMS[kind], single)
    elif kind in _OLD_VERSIONS:
        version, first, length, origins = old_route_origins(body, _OLD_VERSIONS[kind])
    else:
        return
    if origins:
        entries.of[version].add(first, length, origins)
