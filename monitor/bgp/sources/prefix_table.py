"""The prefix-to-AS table from its file, plain or compressed."""

from __future__ import annotations

import io
from pathlib import Path

from monitor.bgp.ip_to_as import MAX_LINE, PrefixTable
from monitor.files.compressed_file import CompressedFile


def read_prefix_table(path: Path) -> PrefixTable:
    """Read `prefix<TAB>asn` or CAIDA's table; bad lines, and damage of the file, are counted in it.

    :raises OSError: the file cannot be read
    """
    with CompressedFile(path) as raw:
        stream = io.BufferedReader(raw)
        # A file without line ends must not become one line in memory: it comes in pieces, each a bad line.
        table = PrefixTable.parse(iter(lambda: stream.readline(MAX_LINE + 1), b""))
        if raw.damage:
            table.bad += 1
            table.errors.append(raw.damage)
        return table
