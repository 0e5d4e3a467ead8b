"""Cuts a stream of bytes into MRT records (RFC 6396 section 2) and knows nothing of what they say.

A record is not copied out of the block it was read in: most are only glanced at. Nor is a block: a record that
begins in one and ends in the next is put together by itself. Pure but for its stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Protocol

HEADER_BYTES = 12
MAX_RECORD_BYTES = 16 * 1024 * 1024
"""A RIB record holds one prefix of all peers: 1,000 peers with 1,000 bytes of attributes are 1 MB."""

_BLOCK_BYTES = 256 * 1024
_LENGTH = Struct("!I")
_LENGTH_AT = 8


class Readable(Protocol):
    """What is needed of a stream: `read(n)` gives fewer than n bytes only at its end."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes."""
        ...


class MrtStream:
    """Iterates the records of a stream in the blocks that it is read in.

    `damage` says, behind the last record, why the stream cannot be followed further: it ends within a record,
    or tells a length that no collector writes, behind which there is no telling where the next record begins.
    `rest` is then what there is of that record. Of a stream that `is_growing`, the rest of a record may yet come,
    so that its end within one is no damage.
    """

    def __init__(self, stream: Readable, *, is_growing: bool = False) -> None:
        self.damage: str | None = None
        self.rest = b""
        self.block_offset = 0
        """Where in the stream the current block begins."""
        self._read_to = 0
        self._next = b"", 0
        """A block whose first bytes were needed to make the record before it whole, and how many these are."""
        self._stream = stream
        self._is_growing = is_growing

    def blocks(self) -> Iterator[tuple[bytes, list[int]]]:
        """Each block, and where in it its whole records begin, and last where the last one ends.

        `block_offset` is the block's place in the stream.
        """
        rest = b""
        while True:
            block, start = self.next_block(rest)
            if not block:
                return
            bounds = _bounds(block, start)
            yield block, bounds
            rest = block[bounds[-1] :]

    def next_block(self, begun: bytes) -> tuple[bytes, int]:
        """Bytes with at least one whole record, and where in them the first one begins; empty at the end.

        `begun` is what was left of the block before. For who cuts the records himself.
        """
        block, start = self._next
        self._next = b"", 0
        if _has_record(block, start):
            self.block_offset = self._read_to - len(block)
            return block, start
        begun = begun or block[start:]
        while _size(begun) <= MAX_RECORD_BYTES:
            more = self._stream.read(max(_BLOCK_BYTES, _size(begun) - len(begun)))
            if not more:
                break
            self._read_to += len(more)
            self.block_offset = self._read_to - len(more) - len(begun)
            if not begun and _has_record(more, 0):
                return more, 0
            size = _size(begun + more[:HEADER_BYTES])
            taken = size - len(begun)
            if taken <= len(more) and size <= MAX_RECORD_BYTES:
                self._next = more, taken
                return begun + more[:taken], 0
            begun += more
        self.block_offset = self._read_to - len(begun)
        self._end(begun)
        return b"", 0

    def go_on_at(self, offset: int) -> None:
        """The stream has been moved there, before anything was read of it: a record begins."""
        self.block_offset = self._read_to = offset

    def _end(self, rest: bytes) -> None:
        """Say what is wrong with the end of the stream, if anything is."""
        self.rest = rest
        where = f"at byte {self.block_offset}"
        if self._is_growing and (len(rest) < HEADER_BYTES or _size(rest) <= MAX_RECORD_BYTES):
            return
        if len(rest) < HEADER_BYTES:
            self.damage = f"record header cut {where}" if rest else None
        elif _size(rest) > MAX_RECORD_BYTES:
            self.damage = f"record of {_size(rest)} bytes {where}, above {MAX_RECORD_BYTES}"
        else:
            self.damage = f"record of {_size(rest)} bytes {where} cut after {len(rest)}"


def _size(data: bytes, at: int = 0) -> int:
    """How long the record is that begins there, header included; where its header is cut, the header."""
    if len(data) - at < HEADER_BYTES:
        return HEADER_BYTES
    (length,) = _LENGTH.unpack_from(data, at + _LENGTH_AT)
    return HEADER_BYTES + int(length)


def _has_record(data: bytes, at: int) -> bool:
    return _size(data, at) <= len(data) - at


def _bounds(block: bytes, start: int) -> list[int]:
    """Where each whole record of the block begins, from `start` on, and where the last one ends.

    Numbers and no pairs of them: a pair for each record would keep the collector of garbage busy.
    """
    bounds = [start]
    take, length_at, behind = bounds.append, _LENGTH.unpack_from, len(block)
    while behind - start >= HEADER_BYTES:
        start += HEADER_BYTES + length_at(block, start + _LENGTH_AT)[0]
        if start > behind:
            break
        take(start)
    return bounds
