"""Route facts of a recorded file: RIS Live messages and changed VRPs, one a line, or MRT; plain or compressed.

One bad line or record never ends the file: it is passed over and reported.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from monitor.bgp.mrt import MrtStats, read_mrt
from monitor.bgp.ris_live import MAX_LINE_BYTES, RisLiveError, decode
from monitor.bgp.vrp_line import VrpLineError, is_vrp_line, read_vrp_line
from monitor.files import Complain, CompressedFile, read_lines
from monitor.model import RouteFact


def _ignore(path: Path, line_number: int, message: str) -> None:
    """Nobody asked."""


def read_routes_file(path: Path, on_bad: Complain = _ignore) -> Iterator[RouteFact]:
    """The facts of `routes.jsonl`, or of an MRT file; which it is shows in the first byte.

    `on_bad` is told the file, the line (of an MRT file: the byte offset of the record), and what is wrong.
    An MRT record that began with `{` would be from the year 2035 or later.

    :raises OSError: the file cannot be read
    """
    with CompressedFile(path) as raw:
        is_json = io.BufferedReader(raw).read(1) in b"{ \r\n\t"
    return _read_messages(path, on_bad) if is_json else _read_records(path, on_bad)


def _read_records(path: Path, on_bad: Complain) -> Iterator[RouteFact]:
    stats = MrtStats()
    yield from read_mrt(path, stats=stats)
    for record in stats.bad_records:
        on_bad(path, record.offset, record.reason)
    if stats.bad > len(stats.bad_records):
        on_bad(path, stats.bad_records[-1].offset, f"{stats.bad} bad records in all")


def _read_messages(path: Path, on_bad: Complain) -> Iterator[RouteFact]:
    for number, line in read_lines(path, on_bad, MAX_LINE_BYTES):
        try:
            yield from (read_vrp_line(line),) if is_vrp_line(line) else decode(line)
        except (RisLiveError, VrpLineError) as error:
            on_bad(path, number, str(error))
