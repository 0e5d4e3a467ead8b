"""Lines with their numbers, in bounded memory: a file without line ends must not become one line."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from monitor.files.compressed_file import CompressedFile

MAX_LINE = 1 << 20
"""Bytes of one line: an observation is some 600, a traceroute with full MPLS stacks some 20,000, and
RIS Live sends none longer."""

Complain = Callable[[Path, int, str], None]
"""Told of every bad line: its file, its number from 1 (0: the file as a whole), and what is wrong."""


class _Stream(Protocol):
    def readline(self, size: int = -1, /) -> bytes: ...


def numbered_lines(stream: _Stream, limit: int = MAX_LINE) -> Iterator[tuple[int, bytes | None]]:
    """The non-empty lines of a stream with their numbers from 1; None for one that is longer than `limit`."""
    number = 0
    while line := stream.readline(limit + 1):
        number += 1
        if len(line) > limit:
            while line and not line.endswith(b"\n"):
                line = stream.readline(limit + 1)
            yield number, None
        elif line.strip():
            yield number, line


def read_lines(path: Path, complain: Complain, limit: int = MAX_LINE) -> Iterator[tuple[int, bytes]]:
    """The non-empty lines of a plain or compressed file; too long ones and damage are complained of.

    :raises OSError: the file cannot be opened
    """
    with CompressedFile(path) as raw:
        for number, line in numbered_lines(io.BufferedReader(raw), limit):
            if line is None:
                complain(path, number, f"line above {limit} bytes")
            else:
                yield number, line
        if raw.damage is not None:
            complain(path, 0, f"ends early: {raw.damage}")
