"""Messages to bytes and back, and any bytes to a message or the room's own error."""

from __future__ import annotations

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.link.messages import MOST_FACTS, Batch, Boost, Loss, Numbered, Orders, OrdersRequest, Receipt, Refusal
from monitor.link.packing import MOST_PACKED, PackingError, pack, unpack

_NAMES = st.text(min_size=1, max_size=64)
_TIMES = st.floats(allow_nan=False)
_SEQUENCES = st.integers(1, 2**63 - 1)
_RAW = st.binary(max_size=20).map(lambda data: msgspec.Raw(msgspec.msgpack.encode(data)))
_FACTS = st.builds(Numbered, _SEQUENCES, _RAW)
_LOSSES = st.builds(Loss, count=st.integers(1, 2**40), since=_TIMES, until=_TIMES, thinned=st.booleans())
MESSAGES = st.one_of(
    st.builds(Batch, vantage=_NAMES, sent_at=_TIMES, late=st.booleans(), settled_below=_SEQUENCES,
              facts=st.lists(_FACTS, max_size=5).map(tuple), losses=st.lists(_LOSSES, max_size=3).map(tuple)),
    st.builds(Receipt, received_at=_TIMES,
              refused=st.lists(st.builds(Refusal, _SEQUENCES, _NAMES), max_size=3).map(tuple)),
    st.builds(OrdersRequest, vantage=_NAMES, sent_at=_TIMES, after=st.integers(0, 2**60)),
    st.builds(Orders, at=_TIMES, measures=st.none() | st.text(max_size=50),
              boosts=st.lists(st.builds(Boost, _SEQUENCES, _NAMES), max_size=3).map(tuple)),
)  # fmt: skip


@settings(derandomize=True, max_examples=100, deadline=None)
@given(message=MESSAGES)
def test_what_was_packed_is_unpacked(message: msgspec.Struct) -> None:
    """Every message, every field."""
    assert pack(unpack(pack(message), type(message))) == pack(message)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    body=st.binary(max_size=300),
    compressed=st.booleans(),
    kind=st.sampled_from([Batch, Receipt, Orders, OrdersRequest]),
)
def test_any_bytes_are_a_message_or_our_error(body: bytes, compressed: bool, kind: type[msgspec.Struct]) -> None:
    """Compressed or not."""
    sent = zstandard.ZstdCompressor().compress(body) if compressed else body
    try:
        found = unpack(sent, kind)
    except PackingError:
        return
    assert isinstance(found, kind)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(message=MESSAGES, place=st.integers(0, 10**6), value=st.integers(0, 255))
def test_a_damaged_message_is_a_message_or_our_error(message: msgspec.Struct, place: int, value: int) -> None:
    """One byte of it changed."""
    body = bytearray(pack(message))
    body[place % len(body)] = value
    try:
        found = unpack(bytes(body), type(message))
    except PackingError:
        return
    assert isinstance(found, type(message))


def test_a_length_that_lies_is_refused() -> None:
    """A frame that becomes more than it announces, or less: neither is believed."""
    honest = zstandard.ZstdCompressor().compress(bytes(1_000))
    assert zstandard.frame_content_size(honest) == 1_000
    for said in (300, 60_000):
        # RFC 8878 section 3.1.1.1.4: two bytes, which hold the length less 256.
        lie = honest[:5] + (said - 256).to_bytes(2, "little") + honest[7:]
        assert zstandard.frame_content_size(lie) == said
        with pytest.raises(PackingError, match="Zstandard"):
            unpack(lie, Batch)


def test_limits_are_named() -> None:
    """Bytes on the way, and facts in a batch; a batch at the limit passes."""
    fact = Numbered(1, msgspec.Raw(b"\xc0"))
    unpack(pack(Batch(vantage="v", sent_at=0.0, facts=(fact,) * MOST_FACTS)), Batch)
    with pytest.raises(PackingError, match=str(MOST_PACKED)) as large:
        unpack(bytes(MOST_PACKED + 1), Batch)
    with pytest.raises(PackingError, match=str(MOST_FACTS)):
        unpack(pack(Batch(vantage="v", sent_at=0.0, facts=(fact,) * (MOST_FACTS + 1))), Batch)

    assert large.value.too_large
