"""Route facts of a recorded file: RIS Live messages one a line, or MRT; each plain or compressed.

One bad line or record never ends the file: it is passed over and reported.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

from monitor.bgp.compressed_file import CompressedFile
from monitor.bgp.mrt import MrtStats, read_mrt
from monitor.bgp.ris_live import MAX_LINE_BYTES, RisLiveError, decode
from monitor.model import RouteFact

OnBad = Callable[[Path, int, str], None]
"""Told the file, the line (of an MRT file: the byte offset of the record), and what is wrong with it."""


def _ignore(path: Path, line_number: int, message: str) -> None:
    """Nobody asked."""


def read_routes_file(path: Path, on_bad: OnBad = _ignore) -> Iterator[RouteFact]:
    """The facts of `routes.jsonl`, or of an MRT file; which it is shows in the first byte.

    An MRT record that began with `{` would be from the year 2035 or later.

    :raises OSError: the file cannot be read
    """
    with CompressedFile(path) as raw:
        is_json = io.BufferedReader(raw).read(1) in b"{ \r\n\t"
    return _read_lines(path, on_bad) if is_json else _read_records(path, on_bad)


def _read_records(path: Path, on_bad: OnBad) -> Iterator[RouteFact]:
    stats = MrtStats()
    yield from read_mrt(path, stats=stats)
    for record in stats.bad_records:
        on_bad(path, record.offset, record.reason)
    if stats.bad > len(stats.bad_records):
        on_bad(path, stats.bad_records[-1].offset, f"{stats.bad} bad records in all")


def _read_lines(path: Path, on_bad: OnBad) -> Iterator[RouteFact]:
    with CompressedFile(path) as raw:
        stream = io.BufferedReader(raw)
        number = 0
        while line := stream.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                _skip_line(stream, line)
                on_bad(path, number, f"line above {MAX_LINE_BYTES} bytes")
                continue
            if not line.strip():
                continue
            try:
                facts = decode(line)
            except RisLiveError as error:
                on_bad(path, number, str(error))
                continue
            yield from facts
        if raw.damage:
            on_bad(path, number, raw.damage)


def _skip_line(stream: io.BufferedReader[CompressedFile], line: bytes) -> None:
    """Read on to the end of a line that is too long to keep."""
    while line and not line.endswith(b"\n"):
        line = stream.readline(MAX_LINE_BYTES)
