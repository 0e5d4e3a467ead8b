"""Lines come with their numbers and in bounded memory, whatever the file."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.files import numbered_lines, read_lines


def test_blank_lines_are_counted_and_left_out() -> None:
    """Numbers are those that an editor shows."""
    assert list(numbered_lines(io.BytesIO(b"a\n\n  \nb"))) == [(1, b"a\n"), (4, b"b")]


def test_too_long_line_is_none_and_the_next_goes_on() -> None:
    """A line above the limit costs itself only."""
    assert list(numbered_lines(io.BytesIO(b"a\n" + b"x" * 100 + b"\nb\n"), 10)) == [
        (1, b"a\n"),
        (2, None),
        (3, b"b\n"),
    ]


@settings(derandomize=True, max_examples=200)
@given(st.binary(max_size=300), st.integers(1, 20))
def test_any_bytes_give_their_lines(data: bytes, limit: int) -> None:
    """Every line within the limit comes back whole; no line is longer than the limit."""
    found = dict(numbered_lines(io.BytesIO(data), limit))

    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        size = len(line) + (number <= data.count(b"\n"))
        assert found[number] is None if size > limit else (found[number] or b"").rstrip(b"\n") == line


def test_complaints_name_file_line_and_limit(tmp_path: Path) -> None:
    """Too long a line and a torn file are both told."""
    path = tmp_path / "facts.jsonl.gz"
    path.write_bytes(gzip.compress(b"a\n" + b"x" * 50 + b"\nb\n" * 5000)[:-20])
    told: list[tuple[Path, int, str]] = []

    lines = list(read_lines(path, lambda *complaint: told.append(complaint), 10))

    assert lines[0] == (1, b"a\n")
    assert told[0] == (path, 2, "line above 10 bytes")
    assert told[-1] == (path, 0, "ends early: gzip data ends in the middle")
