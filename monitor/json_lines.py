"""Lines of a file of JSON objects, plain or compressed, with their numbers and a limit on their length."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

from monitor.bgp.compressed_file import CompressedFile

MAX_LINE = 1 << 20
"""Bytes of one line; an observation is some 600, a traceroute of 64 hops some 8,000."""

Complain = Callable[[Path, int, str], None]
"""Told of every bad line: its file, its number from 1 (0: the file as a whole), and what is wrong."""


def read_lines(path: Path, complain: Complain) -> Iterator[tuple[int, bytes]]:
    """The non-empty lines of a file with their numbers from 1; too long ones and damage are complained of.

    :raises OSError: the file cannot be opened
    """
    with CompressedFile(path) as raw:
        buffered = io.BufferedReader(raw, MAX_LINE)
        number = 0
        while line := buffered.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                complain(path, number, f"longer than {MAX_LINE} bytes, passed over")
                while line and not line.endswith(b"\n"):
                    line = buffered.readline(MAX_LINE + 1)
                continue
            if line.strip():
                yield number, line
        if raw.damage is not None:
            complain(path, 0, f"ends early: {raw.damage}")
