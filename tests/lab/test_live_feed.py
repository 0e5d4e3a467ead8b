"""A growing recording is cut into whole records only, however its bytes arrive."""

from __future__ import annotations

import struct

from hypothesis import given, settings
from hypothesis import strategies as st
from lab.live_feed import whole_records


def _record(body: bytes) -> bytes:
    return struct.pack("!IHHI", 1_700_000_000, 16, 4, len(body)) + body


@settings(derandomize=True, max_examples=80)
@given(bodies=st.lists(st.binary(max_size=40), max_size=6), cut=st.integers(0, 400))
def test_records_come_out_whole_and_in_order(bodies: list[bytes], cut: int) -> None:
    """What is cut in the middle waits for its rest."""
    data = b"".join(map(_record, bodies))
    first, rest = whole_records(data[:cut])
    second, nothing = whole_records(rest + data[cut:])

    assert first + second == data
    assert nothing == b""
    assert first in {b"".join(map(_record, bodies[:number])) for number in range(len(bodies) + 1)}
