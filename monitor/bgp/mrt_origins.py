"""Who originates which prefix, out of a table's MRT records (TABLE_DUMP_V2, RFC 6396 section 4.3, RFC 8050). Pure.

A full table of forty peers has fifty million routes; making each a route event, as `mrt` does, would take
minutes. Here only the AS_PATH is looked for, and each different one decoded once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from struct import Struct
from typing import Protocol

from monitor.bgp.as_path_wire import AsPathError, decode_as_path
from monitor.bgp.prefix_key import BITS
from monitor.model import Asn

MAX_RECORD_BYTES = 16 * 1024 * 1024
_HEADER = Struct("!IHHI")
_ENTRY, _ADD_PATH_ENTRY = Struct("!HIH"), Struct("!HIIH")
_TABLE_DUMP_V2 = 13
# Subtype -> IP version and whether entries carry path identifiers.
_UNICAST = {2: (4, _ENTRY), 4: (6, _ENTRY), 8: (4, _ADD_PATH_ENTRY), 10: (6, _ADD_PATH_ENTRY)}
_AS_PATH = 2
_EXTENDED_LENGTH = 0x10
_KEPT_ERRORS = 8

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
    return len(head) >= _HEADER.size and _HEADER.unpack_from(head)[1] == _TABLE_DUMP_V2


def table_origins(stream: Readable, stats: TableStats) -> Iterator[Origins]:
    """The prefixes of a table with their origins; a bad record is counted, a torn stream ends."""
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
        form = _UNICAST.get(subtype) if kind == _TABLE_DUMP_V2 else None
        if form is None:
            stats.other += 1
            continue
        try:
            yield _record_origins(body, *form)
        except (IndexError, ValueError) as error:
            stats.note(f"record {number}: {error}")


def _record_origins(body: bytes, version: int, entry: Struct) -> Origins:
    """:raises ValueError: the record is malformed; IndexError: it ends too early"""
    bits = BITS[version]
    length = body[4]
    if length > bits:
        raise ValueError(f"prefix length {length} above {bits}")
    offset = 5 + (length + 7 >> 3)
    value = int.from_bytes(body[5:offset], "big") >> -length % 8
    count = body[offset] << 8 | body[offset + 1]
    offset += 2
    origins: frozenset[Asn] = frozenset()
    for number in range(count):
        start = offset + entry.size
        if start > len(body):
            raise ValueError(f"ends in entry {number} of {count}")
        offset = start + (body[start - 2] << 8 | body[start - 1])
        if offset > len(body):
            raise ValueError(f"attributes of entry {number} of {count} end behind the record")
        found = _origins(_path(body, start, offset))
        origins = origins | found if origins and found != origins else found
    return version, value << bits - length, length, origins


def _path(body: bytes, start: int, end: int) -> bytes:
    """The value of the AS_PATH attribute in `body[start:end]`; empty: there is none."""
    while start + 3 <= end:
        if body[start] & _EXTENDED_LENGTH:
            value, size = start + 4, body[start + 2] << 8 | body[start + 3]
        else:
            value, size = start + 3, body[start + 2]
        if value + size > end:
            raise ValueError(f"path attribute of {size} bytes at byte {start} ends behind its field")
        if body[start + 1] == _AS_PATH:
            return body[value : value + size]
        start = value + size
    return b""


@lru_cache(maxsize=65536)
def _origins(path: bytes) -> frozenset[Asn]:
    try:
        return decode_as_path(path, 4).origins
    except AsPathError as error:
        raise ValueError(str(error)) from error
