"""The prefix-to-AS table from its file, plain or compressed: lines, or a collector's or router's table in MRT."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import msgspec

from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.mrt_origins import is_table, table_origins
from monitor.bgp.mrt_stream import Readable
from monitor.bgp.origin_lines import MAX_LINE
from monitor.files.compressed_file import CompressedFile
from monitor.model import Prefix, parse_prefix

_MAX_EXCHANGES_BYTES = 32 * 1024 * 1024
"""PeeringDB's whole list of exchange points' prefixes is below 1 MB."""
_HEAD = 12
_BLOCK_BYTES = 1 << 18
"""What is read at once, by all readers of the stream: in other pieces each byte would be copied once more."""


class ExchangesError(ValueError):
    """A file is no list of exchange points' prefixes; says which, and why."""


class _Exchange(msgspec.Struct):
    prefix: str


class _Exchanges(msgspec.Struct):
    data: list[_Exchange]


def read_prefix_table(path: Path, exchanges: tuple[Prefix, ...] = ()) -> PrefixTable:
    """Read `prefix<TAB>asn`, CAIDA's table, or a RIB (TABLE_DUMP, TABLE_DUMP_V2); what is bad is counted in it.

    :raises OSError: the file cannot be read
    """
    with CompressedFile(path) as raw:
        stream = io.BufferedReader(raw, _BLOCK_BYTES)
        if is_table(stream.peek(_HEAD)[:_HEAD]):
            table = PrefixTable(table_origins(stream), exchanges)
        else:
            table = PrefixTable.parse(chain.from_iterable(_lines(stream)), exchanges)
        if raw.damage:
            table.bad += 1
            table.errors.append(raw.damage)
        return table


def _lines(stream: Readable) -> Iterator[list[str]]:
    """The lines, block by block. A file without line ends must not become one line in memory: what is too long
    for one is one, and bad."""
    rest = ""
    while block := stream.read(_BLOCK_BYTES):
        # A byte that is no ASCII may stand in a comment, and in nothing else.
        lines = (rest + block.decode("ascii", "replace")).split("\n")
        rest = lines.pop() if len(lines[-1]) <= MAX_LINE else ""
        yield lines
    yield [rest]


def read_exchanges(path: Path) -> tuple[Prefix, ...]:
    """The prefixes of exchange points' peering networks: PeeringDB's `ixpfx` export, or a prefix a line.

    :raises ExchangesError: it is neither
    :raises OSError: the file cannot be read
    """
    with CompressedFile(path) as raw:
        data = io.BufferedReader(raw).read(_MAX_EXCHANGES_BYTES + 1)
    if len(data) > _MAX_EXCHANGES_BYTES:
        raise ExchangesError(f"{path}: above {_MAX_EXCHANGES_BYTES} bytes")
    try:
        if data.lstrip()[:1] == b"{":
            texts = [one.prefix for one in msgspec.json.decode(data, type=_Exchanges).data]
        else:
            lines = (line.partition("#")[0].strip() for line in data.decode("ascii").splitlines())
            texts = [line for line in lines if line]
        return tuple(dict.fromkeys(parse_prefix(text) for text in texts))
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise ExchangesError(f"{path}: no list of prefixes: {str(error)[:120]!a}") from error
