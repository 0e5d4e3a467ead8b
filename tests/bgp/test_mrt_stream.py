"""A stream of bytes cut into MRT records: none lost, none twice, each at its place, however the blocks fall."""

from __future__ import annotations

import io
import itertools
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bgp.mrt_stream import MAX_RECORD_BYTES, MrtStream

SIZES = st.sampled_from([0, 1, 17, 5_000, 70_000, 131_060, 262_131, 262_132, 262_133, 600_000])


def record(size: int, number: int) -> bytes:
    """A record with so many bytes behind its header."""
    return struct.pack("!IHHI", number, 16, 4, size) + bytes([number % 251]) * size


def cut(data: bytes) -> tuple[list[tuple[int, bytes]], MrtStream]:
    """Each record and its place in the stream."""
    stream = MrtStream(io.BytesIO(data))
    found = []
    for block, bounds in stream.blocks():
        for start, end in itertools.pairwise(bounds):
            found.append((stream.block_offset + start, block[start:end]))
    return found, stream


@settings(derandomize=True, max_examples=40, deadline=None)
@given(sizes=st.lists(SIZES, max_size=8), lost=st.integers(0, 40))
def test_records_are_cut_as_they_were_written(sizes, lost):
    """Also those that begin in one block and end in the next, or fill several; a cut end is said and kept."""
    records = [record(size, number) for number, size in enumerate(sizes)]
    data = b"".join(records)
    data = data[: max(len(data) - lost, 0)]
    places = [sum(map(len, records[:number])) for number in range(len(records))]
    whole = [(at, one) for at, one in zip(places, records, strict=True) if at + len(one) <= len(data)]
    behind = whole[-1][0] + len(whole[-1][1]) if whole else 0

    found, stream = cut(data)

    assert found == whole
    assert (stream.rest, stream.block_offset) == (data[behind:], behind)
    assert (stream.damage is None) == (behind == len(data))


@pytest.mark.parametrize("before", [0, 200_000, 262_140, 262_144])
def test_a_length_that_no_collector_writes_ends_the_stream(before):
    """Wherever in a block its header lies, and in two of them; what was before it is given."""
    first = record(before - 12, 1) if before else b""
    odd = struct.pack("!IHHI", 0, 16, 4, MAX_RECORD_BYTES) + bytes(300_000)

    found, stream = cut(first + odd)

    assert found == ([(0, first)] if before else [])
    assert stream.damage == f"record of {MAX_RECORD_BYTES + 12} bytes at byte {before}, above {MAX_RECORD_BYTES}"
