"""MRT files of routing collectors -> route facts (RFC 6396, RFC 8050; the old types of its appendix B too).

`mrt_stream` cuts a stream into records; this file counts them and keeps the bad ones; what a record of each
type means is `mrt_bgp4mp`'s and `mrt_rib`'s. One bad record never stops the stream.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from struct import Struct

from monitor.bgp.mrt_bgp4mp import decode_bgp4mp, decode_legacy_bgp
from monitor.bgp.mrt_quick_look import pass_over
from monitor.bgp.mrt_record import BadRecordError, Decoded, Record
from monitor.bgp.mrt_rib import PeerIndex, decode_peer_index, decode_rib, decode_table_dump
from monitor.bgp.mrt_stream import MAX_RECORD_BYTES, MrtStream, Readable
from monitor.bgp.prefix_filter import PrefixFilter
from monitor.files.compressed_file import CompressedFile
from monitor.model import RouteFact

UNNAMED_COLLECTOR = "mrt"
"""The collector of a file whose path does not say whose it is."""

_KEPT_RECORDS = 16
_KEPT_BYTES = 256
_READ_BYTES = 256 * 1024

_HEADER = Struct("!IHHI")
_MICROSECONDS = Struct("!I")
_LEGACY_BGP, _TABLE_DUMP, _TABLE_DUMP_V2, _BGP4MP, _BGP4MP_ET = 5, 12, 13, 16, 17
_PEER_INDEX_TABLE = 1

_COLLECTOR_NAME = re.compile(r"(?<![a-z0-9])(rrc\d\d|route-?views[0-9]*(?:\.[a-z]+[0-9]*(?=[./]|$))?)(?![a-z0-9])")


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that could not be decoded: where it began, why, and its first bytes."""

    offset: int
    reason: str
    data: bytes


@dataclass(slots=True)
class MrtStats:
    """Counts of one reader. `elements`: prefixes and session states, as `bgpdump -m` counts lines.

    `other`: records of types that carry no routes of ours (OSPF, KEEPALIVE, multicast). `unwanted`:
    elements passed over. `damage`: why the stream ended before its end, or None. `bad_records`: the first
    few of `bad`.
    """

    records: int = 0
    elements: int = 0
    unwanted: int = 0
    other: int = 0
    bad: int = 0
    bad_records: list[BadRecord] = field(default_factory=list)
    damage: str | None = None


class MrtReader:
    """Iterates the route facts of an MRT stream; `stats` grows meanwhile.

    `collector` names who recorded it, which no record tells. `wanted` picks prefixes before their routes
    are decoded; None takes all. Records that surely hold none are counted and not looked at further: a
    defect in one of those does not show.
    """

    def __init__(
        self,
        stream: Readable,
        collector: str = UNNAMED_COLLECTOR,
        wanted: PrefixFilter | None = None,
        stats: MrtStats | None = None,
        *,
        is_growing: bool = False,
    ) -> None:
        self.stats = MrtStats() if stats is None else stats
        self.read_to = 0
        """How many bytes of the stream the facts given so far are from."""
        self._records = MrtStream(stream, is_growing=is_growing)
        self._collector = collector
        self._wanted = wanted
        self._peers: PeerIndex | None = None

    def __iter__(self) -> Iterator[RouteFact]:
        return chain.from_iterable(self.batches())

    def resume(self, first: bytes, offset: int) -> None:
        """Go on at a place to which the stream has been moved, where a record begins.

        `first` is the stream's first record: of a table it is the index of the peers, without which no other one
        can be read.
        """
        seconds, kind, subtype, _ = _HEADER.unpack_from(first)
        if (kind, subtype) == (_TABLE_DUMP_V2, _PEER_INDEX_TABLE):
            self._decode(Record(seconds, kind, subtype, first[_HEADER.size :], self._collector, None))
        self._records.go_on_at(offset)
        self.read_to = offset

    def batches(self) -> Iterator[list[RouteFact]]:
        """The facts in pieces, each of as many records as were read at once; an empty one where none is wanted."""
        stats, wanted = self.stats, self._wanted
        for block, bounds in self._records.blocks():
            facts: list[RouteFact] = []
            behind, starts = bounds[-1], bounds[:-1]
            stats.records += len(starts)
            if wanted is not None:
                starts, passed = pass_over(block, bounds, wanted)
                stats.elements += passed
                stats.unwanted += passed
            for start in starts:
                facts += self._facts(block, start)
            self.read_to = self._records.block_offset + behind
            yield facts
        if self._records.damage:
            stats.damage = self._records.damage
            self._keep(self._records.damage, self._records.rest, 0)

    def _facts(self, block: bytes, start: int) -> list[RouteFact]:
        """Decode the record that begins there, and count what is in it."""
        seconds, kind, subtype, size = _HEADER.unpack_from(block, start)
        body = block[start + _HEADER.size : start + _HEADER.size + size]
        try:
            decoded = self._decode(Record(seconds, kind, subtype, body, self._collector, self._wanted))
        except BadRecordError as error:
            self._keep(str(error), body, start)
            return []
        if decoded is None:
            self.stats.other += 1
            return []
        self.stats.elements += decoded.elements
        self.stats.unwanted += decoded.elements - len(decoded.facts)
        return decoded.facts

    def _keep(self, reason: str, data: bytes, start: int) -> None:
        """Count what cannot be decoded; the first few are kept."""
        self.stats.bad += 1
        if len(self.stats.bad_records) < _KEPT_RECORDS:
            offset = self._records.block_offset + start
            self.stats.bad_records.append(BadRecord(offset, reason, data[:_KEPT_BYTES]))

    def _decode(self, record: Record) -> Decoded | None:
        """The facts of a record; None for a record that carries none of ours.

        :raises BadRecordError: it is not what its type says
        """
        if record.kind == _BGP4MP:
            return decode_bgp4mp(record)
        if record.kind == _BGP4MP_ET:
            return decode_bgp4mp(_with_microseconds(record))
        if record.kind == _TABLE_DUMP_V2:
            if record.subtype == _PEER_INDEX_TABLE:
                self._peers = decode_peer_index(record)
                return Decoded([], 0)
            return decode_rib(record, self._peers)
        if record.kind == _TABLE_DUMP:
            return decode_table_dump(record)
        if record.kind == _LEGACY_BGP:
            return decode_legacy_bgp(record)
        return None


def _with_microseconds(record: Record) -> Record:
    """RFC 6396 section 3: the extended timestamp is the first word of the message, and counted in its length."""
    if len(record.body) < _MICROSECONDS.size:
        raise BadRecordError("extended timestamp cut")
    (microseconds,) = _MICROSECONDS.unpack_from(record.body)
    # Facts are kept to the millisecond (see probes.clock); cut, so that no route is from the next second.
    at = record.at + microseconds // 1000 / 1000
    return Record(at, record.kind, record.subtype, record.body[4:], record.collector, record.wanted)


def collector_of(path: Path) -> str:
    """The collector that a file's path names (`rrc06`, `route-views.jinx`), else `mrt`."""
    for part in reversed(path.parts):
        found: re.Match[str] | None = _COLLECTOR_NAME.search(part.lower())
        if found:
            return found[1]
    return UNNAMED_COLLECTOR


def read_mrt(
    path: Path, collector: str | None = None, wanted: PrefixFilter | None = None, stats: MrtStats | None = None
) -> Iterator[RouteFact]:
    """The route facts of a file, plain or compressed; what is there of a damaged one.

    `collector` None: the one that the path names. `stats` is filled meanwhile, if given.

    :raises OSError: the file cannot be read
    """
    return chain.from_iterable(read_mrt_batches(path, collector, wanted, stats))


def read_mrt_batches(
    path: Path, collector: str | None = None, wanted: PrefixFilter | None = None, stats: MrtStats | None = None
) -> Iterator[list[RouteFact]]:
    """As `read_mrt`, in the pieces of `MrtReader.batches`.

    :raises OSError: the file cannot be read
    """
    return (facts for facts, _ in read_mrt_from(path, 0, collector, wanted, stats))


def read_mrt_from(
    path: Path,
    offset: int,
    collector: str | None = None,
    wanted: PrefixFilter | None = None,
    stats: MrtStats | None = None,
    *,
    is_growing: bool = False,
) -> Iterator[tuple[list[RouteFact], int]]:
    """As `read_mrt_batches`, from an offset on at which a record begins; with each piece where the next begins.

    Offsets are those of the bytes after decompression. `is_growing`: the file may end within a record.

    :raises OSError: the file cannot be read
    """
    with CompressedFile(path) as raw:
        first = _first_record(raw) if offset else b""
        raw.skip_to(offset)
        stream = io.BufferedReader(raw, _READ_BYTES)
        reader = MrtReader(stream, collector or collector_of(path), wanted, stats, is_growing=is_growing)
        if first:
            reader.resume(first, offset)
        for facts in reader.batches():
            yield facts, reader.read_to
        if raw.damage:
            reader.stats.damage = raw.damage


def _first_record(raw: CompressedFile) -> bytes:
    head = raw.read_fully(_HEADER.size)
    if len(head) < _HEADER.size:
        raise OSError("shorter than where it was read to")
    return head + raw.read_fully(min(_HEADER.unpack(head)[3], MAX_RECORD_BYTES))
