"""Cuts a stream of bytes into MRT records (RFC 6396 section 2) and knows nothing of what they say.

A record is not copied out of the block it was read in: most are only glanced at. Pure but for its stream.
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

Span = tuple[int, int]
"""Where in a block a record, header included, begins and ends."""


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
        self._block_bytes = 0
        self._stream = stream
        self._is_growing = is_growing

    def blocks(self) -> Iterator[tuple[bytes, list[Span]]]:
        """Each block, and where in it its whole records are; `block_offset` is the block's place in the stream."""
        rest = b""
        while block := self.next_block(rest):
            spans = _spans(block)
            yield block, spans
            rest = block[spans[-1][1] :]

    def next_block(self, begun: bytes) -> bytes:
        """What was left of the block before, and as much more as makes a record whole at least; empty at the end.

        For who cuts the records himself.
        """
        self.block_offset += self._block_bytes - len(begun)
        size = _size(begun) if len(begun) >= HEADER_BYTES else HEADER_BYTES
        block = begun
        while len(block) < size <= MAX_RECORD_BYTES:
            more = self._stream.read(max(_BLOCK_BYTES, size - len(block)))
            if not more:
                self._end(block)
                return b""
            block += more
            size = _size(block) if len(block) >= HEADER_BYTES else HEADER_BYTES
        if size > MAX_RECORD_BYTES:
            self._end(block)
            return b""
        self._block_bytes = len(block)
        return block

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


def _size(record: bytes) -> int:
    """How long a record is, header included."""
    (length,) = _LENGTH.unpack_from(record, _LENGTH_AT)
    return HEADER_BYTES + int(length)


def _spans(block: bytes) -> list[Span]:
    """Start and end of each whole record of the block."""
    spans: list[Span] = []
    start, behind = 0, len(block)
    while behind - start >= HEADER_BYTES:
        end = start + HEADER_BYTES + _LENGTH.unpack_from(block, start + _LENGTH_AT)[0]
        if end > behind:
            break
        spans.append((start, end))
        start = end
    return spans
