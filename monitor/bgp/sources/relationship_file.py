"""Reads a file of AS relationships, compressed or not. What its lines mean is `monitor.bgp.episodes`' business."""

from __future__ import annotations

import io
from pathlib import Path

from monitor.bgp.episodes import Relationships
from monitor.files import CompressedFile

_MAX_LINE = 1_000
"""Bytes; a line of CAIDA's takes some 30. A longer one comes in pieces, each a bad line."""


def read_relationships(path: Path) -> Relationships:
    """The relationships in CAIDA's serial-1 or serial-2; bad lines are counted in it.

    :raises OSError: the file cannot be read
    """
    with CompressedFile(path) as raw:
        stream = io.BufferedReader(raw, 1 << 20)
        lines = iter(lambda: stream.readline(_MAX_LINE), b"")
        found = Relationships.parse(line.decode("ascii", "replace") for line in lines)
        if raw.damage:
            found.bad += 1
            found.errors.append(raw.damage)
        return found
