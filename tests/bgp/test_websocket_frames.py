"""Our reader of websocket frames beside the library's writer, and what no server may send."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from monitor.bgp.sources.websocket_frames import ControlFrame, FrameError, FrameReader

LIMIT = 70_000


def frame(payload: bytes, opcode: Opcode = Opcode.TEXT, *, fin: bool = True, mask: bool = False) -> bytes:
    """A frame as the library writes it."""
    return Frame(opcode, payload, fin=fin).serialize(mask=mask)


def read(data: bytes, piece: int | None = None) -> list[bytes | ControlFrame]:
    """All that a reader finds, given the bytes at once or in pieces."""
    reader, size = FrameReader(LIMIT), piece or len(data) or 1
    return [item for start in range(0, len(data), size) for item in reader.feed(data[start : start + size])]


@settings(derandomize=True, max_examples=80, deadline=None)
@given(
    st.lists(st.integers(0, 300) | st.sampled_from([125, 126, 127, 65_535, 65_536, LIMIT]), max_size=6),
    st.integers(1, 5_000),
)
def test_messages_come_out_as_they_went_in_however_they_are_cut(sizes: list[int], piece: int) -> None:
    """All three forms of length, cut anywhere."""
    sent = [bytes([65 + n]) * size for n, size in enumerate(sizes)]
    data = b"".join(frame(payload) for payload in sent)

    assert read(data, piece) == sent
    assert read(data) == sent


@settings(derandomize=True, max_examples=80, deadline=None)
@given(st.lists(st.binary(max_size=9), min_size=2, max_size=5), st.integers(1, 20))
def test_a_fragmented_message_is_one_with_controls_in_between(parts: list[bytes], piece: int) -> None:
    """RFC 6455 section 5.4: control frames may stand among the fragments."""
    ping = frame(b"?", Opcode.PING)
    first, *others = parts
    data = frame(first, fin=False) + ping
    for n, part in enumerate(others, 1):
        data += frame(part, Opcode.CONT, fin=n == len(others))
    data += frame(b"next")

    assert read(data, piece) == [ControlFrame(ping), b"".join(parts), b"next"]


@pytest.mark.parametrize(
    ("data", "says", "too_big"),
    [
        (frame(b"x", mask=True), "masked", False),
        (frame(b"x" * 200, mask=True), "masked", False),
        (frame(b"x" * (LIMIT + 1)), "frame of 70001 bytes, above 70000", True),
        (b"\x81\x7f" + b"\xff" * 8, "above 70000", True),
        (frame(b"x", Opcode.CONT), "opcode 0 out of place", False),
        (frame(b"x", fin=False) + frame(b"y"), "opcode 1 out of place", False),
        (frame(b"x", fin=False) + frame(b"y" * LIMIT, Opcode.CONT, fin=False), "more than 70000", True),
        (b"\xc1\x01x", "reserved bits", False),
        (b"\x83\x00", "opcode 3 out of place", False),
        (b"\x89\x7e\x00\x7e" + b"x" * 126, "control frame of 126 bytes", False),
        (b"\x09\x00", "control frame of 0 bytes, or fragmented", False),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,  # a mask is drawn anew in each process
)
def test_what_no_server_may_send_is_an_error(data: bytes, says: str, too_big: bool) -> None:
    """The limit holds before the bytes are there."""
    with pytest.raises(FrameError, match=says) as caught:
        read(data)
    assert caught.value.too_big is too_big


def test_empty_fragments_take_no_memory() -> None:
    """They may go on for ever, and add nothing to the limit."""
    reader = FrameReader(LIMIT)
    reader.feed(frame(b"x", fin=False))
    for _ in range(10):
        assert reader.feed(frame(b"", Opcode.CONT, fin=False) * 1000) == []

    assert reader.feed(frame(b"y", Opcode.CONT)) == [b"xy"]


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(1, 30))
def test_any_bytes_give_messages_or_our_error(data: bytes, piece: int) -> None:
    """Input from the network is hostile."""
    with contextlib.suppress(FrameError):
        assert all(isinstance(item, bytes | ControlFrame) for item in read(data, piece))
