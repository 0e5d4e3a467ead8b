"""Lines of a stream, however it is cut, and lines that do not end."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bgp.sources.stream_lines import LineReader

LIMIT = 20


def read(data: bytes, piece: int) -> list[bytes]:
    """All lines that come of data in pieces."""
    reader = LineReader(LIMIT)
    return [line for start in range(0, len(data), piece) for line in reader.feed(data[start : start + piece])]


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.lists(st.text("ab ", max_size=LIMIT).map(str.encode), max_size=8), st.integers(1, 30))
def test_lines_do_not_depend_on_how_the_stream_is_cut(lines: list[bytes], piece: int) -> None:
    """Blank ones, which keep a connection open, are left out."""
    data = b"".join(line + b"\n" for line in lines)

    assert read(data, piece) == [line for line in lines if line.strip()]


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.integers(1, 30), st.integers(1, 200))
def test_a_line_too_long_shows_as_such_once_and_the_next_is_read(piece: int, excess: int) -> None:
    """One byte above the limit is enough for its reader to see."""
    long, *rest = read(b"x" * (LIMIT + excess) + b"\nnext\n", piece)

    assert len(long) > LIMIT
    assert set(long) == {ord("x")}
    assert rest == [b"next"]


def test_a_line_that_never_ends_takes_no_memory() -> None:
    """It is given up at the limit, however long it goes on."""
    reader = LineReader(LIMIT)
    found = [line for _ in range(10_000) for line in reader.feed(b"x" * 10)]

    assert found == [b"x" * (LIMIT + 1)]
    assert reader.feed(b"\nnext\n") == [b"next"]


def test_the_last_line_waits_for_its_end() -> None:
    """Half a message must not be read."""
    reader = LineReader(LIMIT)

    assert reader.feed(b'{"a"') == []
    assert reader.feed(b":1}\n{") == [b'{"a":1}']
