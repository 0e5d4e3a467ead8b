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

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from struct import Struct
from typing import Any

from monitor.bgp.mrt_origin_walk import (
    AS_SEQUENCE,
    NEXT_HEAD_BYTES,
    Origins,
    Single,
    old_route_origins,
    single_origin,
    walk_origins,
)
from monitor.bgp.mrt_stream import HEADER_BYTES, MrtStream, Readable, Span
from monitor.bgp.prefix_key import BITS

_HEADER = Struct("!4xHHI")
_TABLE_DUMP, _TABLE_DUMP_V2 = 12, 13
_OLD_VERSIONS = {b"\0\x0c\0\1": 4, b"\0\x0c\0\2": 6}
"""TABLE_DUMP, by type and subtype as a record's header has them."""
_KEPT_ERRORS = 8


# Type and subtype of a unicast table's records, as a header has them -> IP version; the bytes before a route's
# attributes (peer, time, path identifier, their length); and what to unpack behind the prefix: how many routes
# there are, and of the first that length, the head of ORIGIN, that of AS_PATH, and four bytes more.
_PLAIN, _ADD_PATH = Struct("!H6xH3sxH4B").unpack_from, Struct("!H10xH3sxH4B").unpack_from
_FORMS = {
    b"\0\x0d\0\2": (4, 8, _PLAIN), b"\0\x0d\0\4": (6, 8, _PLAIN),
    b"\0\x0d\0\x08": (4, 12, _ADD_PATH), b"\0\x0d\0\x0a": (6, 12, _ADD_PATH),
}  # fmt: skip
_PREFIX_AT = HEADER_BYTES + 5
"""Behind the sequence number and the prefix's length."""
_FIRST_BYTES = 10
"""How much of the first route's attributes that is."""

_ORIGIN_HEAD = b"\x40\1\1"
_PATH_HEAD, _LONG_PATH_HEAD = 0x4002, 0x5002
"""Flags and code of AS_PATH; Quagga and FRR always give its length in two bytes."""

_Form = tuple[int, int, Callable[[bytes, int], tuple[Any, ...]]]


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
    return len(head) >= HEADER_BYTES and _HEADER.unpack_from(head)[0] in (_TABLE_DUMP, _TABLE_DUMP_V2)


def table_origins(stream: Readable, stats: TableStats) -> Iterator[Origins]:
    """The prefixes of a table with their origins; a bad record is counted, a torn stream ends.

    A TABLE_DUMP record is one route: its prefix comes again with each of its routes.
    """
    records = MrtStream(stream)
    single: Single = {}
    before = 0
    for block, spans in records.blocks():
        yield from _block_origins(block, spans, single, before, stats)
        before += len(spans)
    if records.damage:
        stats.note(f"record {before + 1}: {records.damage}")


def _block_origins(
    block: bytes, spans: list[Span], single: Single, before: int, stats: TableStats
) -> Iterator[Origins]:
    """Of each record of a block, `before` records into the stream."""
    for number, (start, end) in enumerate(spans, before + 1):
        form = _FORMS.get(block[start + 4 : start + 8])
        found = _one_origin(block, start, end, form, single) if form is not None else None
        if found is None:
            try:
                found = _looked_through(block, start, end, single)
            except (IndexError, ValueError) as error:
                stats.note(f"record {number}: {error}")
                continue
        if found is None:
            stats.other += 1
        else:
            yield found


def _one_origin(block: bytes, start: int, end: int, form: _Form, single: Single) -> Origins | None:
    """Of a record all of whose routes name one origin; None: this look does not tell."""
    version, head_bytes, unpack = form
    prefix = start + _PREFIX_AT
    if prefix > end:
        return None
    bits, length = BITS[version], block[prefix - 1]
    routes = prefix + (length + 7 >> 3)
    attributes = routes + 2 + head_bytes
    if length > bits or attributes + _FIRST_BYTES > end:
        return None
    count, size, head, path_head, a, b, c, d = unpack(block, routes)
    if path_head == _LONG_PATH_HEAD:
        path, kind, ases, behind = attributes + 8, c, d, attributes + 8 + (a << 8 | b)
    else:
        path, kind, ases, behind = attributes + 7, b, c, attributes + 7 + a
        if path_head != _PATH_HEAD:
            return None
    stop = attributes + size
    if head != _ORIGIN_HEAD or kind != AS_SEQUENCE or not ases or behind != path + 2 + 4 * ases:
        return None
    if not behind + NEXT_HEAD_BYTES <= stop <= end:
        return None
    # A router's own table has one route a prefix, and nothing to compare.
    if count != 1 and block.count(block[behind - 4 : behind + NEXT_HEAD_BYTES], routes, end) != count:
        return None
    packed = block[behind - 4 : behind]
    first = int.from_bytes(block[prefix:routes], "big") >> -length % 8 << bits - length
    return version, first, length, single.get(packed) or single_origin(packed, single)


def _looked_through(block: bytes, start: int, end: int, single: Single) -> Origins | None:
    """Of any record; None where it is of no unicast table.

    :raises ValueError: it is malformed; IndexError: it ends too early
    """
    kind, body = block[start + 4 : start + 8], block[start + HEADER_BYTES : end]
    if kind in _FORMS:
        version, head_bytes, _ = _FORMS[kind]
        return walk_origins(body, version, head_bytes, single)
    if kind in _OLD_VERSIONS:
        return old_route_origins(body, _OLD_VERSIONS[kind])
    return None
