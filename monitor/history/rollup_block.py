"""A block of a roll-up: the latencies and tallies of one target from one vantage over some slots of time. Pure.

For each phase a block holds the places (`latency_scale`) of all measurements, slot after slot, and how many each
slot has; where slots are minutes, places ascend within a slot. So the measurements of neighbouring slots lie side
by side, and reading an hour is cutting bytes. A tally is a count for each slot: `http` is how many requests there
were, `http read_timeout` how many of them failed so.

Compressed with Zstandard (RFC 8878). Its one table of how often each byte comes serves all phases best when they
have the same bytes, so each phase's places are stored as what they differ from its median: that saves a quarter.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Annotated, NamedTuple

import msgspec
import zstandard

PHASES = ("dns", "connect", "tls", "wait", "receive", "total", "kernel_rtt")
"""In the order of an exchange; each is a column `<phase>_us` of `http`."""

MOST_IN_SLOT = 65_535
"""Measurements of one phase in a slot: 200 a second for five minutes. What is beyond is left out."""

# By how much: what each byte becomes.
_TURNED = tuple(bytes((byte + by) % 256 for byte in range(256)) for by in range(256))

_MOST_BYTES = 2**24
_LEVEL = 3


class Slot(NamedTuple):
    """What one slot is made of: ascending places by phase, counts by tally."""

    phases: Sequence[bytes]
    tallies: Mapping[str, int]


class Column(msgspec.Struct, array_like=True):
    """One phase: `counts` are 16-bit numbers, one a slot; `places` all slots' places.

    `median`: what was taken from the places, modulo 256, when they were stored; older blocks have none.
    """

    counts: bytes
    stored: bytes
    median: Annotated[int, msgspec.Meta(ge=0, le=255)] = 0

    @property
    def places(self) -> bytes:
        """The places themselves."""
        return self.stored.translate(_TURNED[self.median]) if self.median else self.stored

    def ends(self) -> list[int]:
        """Where each slot's places begin, and where the last one's end."""
        return list(accumulate(array("H", self.counts), initial=0))


class Block(msgspec.Struct, array_like=True):
    """All slots. `tallies` are 16-bit numbers, one a slot."""

    columns: list[Column]
    tallies: dict[str, bytes]


_DECODER = msgspec.msgpack.Decoder(Block)
_ENCODER = msgspec.msgpack.Encoder()


def empty(slots: int) -> Block:
    """A block in which nothing was measured."""
    return Block([Column(bytes(2 * slots), b"") for _ in PHASES], {})


def replace(block: Block, first: int, slots: Sequence[Slot]) -> None:
    """Put these slots in place of those from `first` on."""
    last = first + len(slots)
    for number, column in enumerate(block.columns):
        ends, before = column.ends(), column.places
        new = [slot.phases[number][:MOST_IN_SLOT] for slot in slots]
        counts = _spliced(column.counts, first, [len(places) for places in new])
        places = before[: ends[first]] + b"".join(new) + before[ends[last] :]
        median = sorted(places)[len(places) // 2] if places else 0
        block.columns[number] = Column(counts, places.translate(_TURNED[-median % 256]), median)
    size = len(block.columns[0].counts)
    for name in {*block.tallies, *(name for slot in slots for name in slot.tallies)}:
        counts = _spliced(
            block.tallies.get(name, bytes(size)), first, [slot.tallies.get(name, 0) for slot in slots]
        )
        if any(counts):
            block.tallies[name] = counts
        else:
            block.tallies.pop(name, None)


def coarser(block: Block, by: int) -> Block:
    """The same with slots `by` times as long; places within a slot are in no order."""
    columns: list[Column] = []
    for column in block.columns:
        ends, stored = column.ends()[::by], column.stored
        counts = [end - begin for begin, end in pairwise(ends)]
        if max(counts) > MOST_IN_SLOT:
            stored = b"".join(stored[begin:end][:MOST_IN_SLOT] for begin, end in pairwise(ends))
        columns.append(Column(_packed(counts), stored, column.median))
    tallies = {
        name: _packed([sum(few) for few in zip(*(array("H", counts)[at::by] for at in range(by)), strict=True)])
        for name, counts in block.tallies.items()
    }
    return Block(columns, tallies)


def pack(block: Block, compressor: zstandard.ZstdCompressor) -> bytes:
    """The block as it is stored."""
    return bytes(compressor.compress(_ENCODER.encode(block)))


def unpack(packed: bytes, decompressor: zstandard.ZstdDecompressor) -> Block:
    """What `pack` was given.

    :raises ValueError: it is no block
    """
    try:
        return _DECODER.decode(decompressor.decompress(packed, max_output_size=_MOST_BYTES))
    except (zstandard.ZstdError, msgspec.DecodeError) as error:
        raise ValueError(f"not a block of a roll-up: {error}") from error


def compressor() -> zstandard.ZstdCompressor:
    """For `pack`; not to be used by two threads at once."""
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=False)


def _spliced(counts: bytes, first: int, new: Sequence[int]) -> bytes:
    start = 2 * first
    packed = _packed(new)
    return counts[:start] + packed + counts[start + len(packed) :]


def _packed(counts: Sequence[int]) -> bytes:
    return array("H", (min(count, MOST_IN_SLOT) for count in counts)).tobytes()
