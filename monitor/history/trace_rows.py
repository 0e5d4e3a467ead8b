"""One traceroute as one row of `trace`, and back, without loss.

The same path is walked again and again: who answered with what at each TTL is one entry of the
dictionary `path`, and a row holds only that entry's number and the round-trip times, one LEB128 number a
hop: microseconds plus one, zero where nobody answered. Twenty hops take about fifty bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from monitor.history.glossary import ReadingGlossary, WritingGlossary
from monitor.history.resolution import micros, seconds, wall_millis
from probes.observation import Failure, Hop, HopReply, MplsLabel, TraceObservation

COLUMNS = (
    "target", "done", "vantage", "seq", "aim", "path", "rtts", "reached", "elapsed_us", "failure", "error",
)  # fmt: skip

StoredLabel = tuple[int, int, bool, int]
StoredHop = tuple[int, str | None, HopReply | None, tuple[StoredLabel, ...]]
_HOPS = msgspec.json.Decoder(tuple[StoredHop, ...])


def to_row(fact: TraceObservation, seq: int, glossary: WritingGlossary) -> tuple[Any, ...]:
    """The row's values in the order of COLUMNS."""
    elapsed_us = micros(fact.elapsed_s)
    hops = [(hop.ttl, hop.address, hop.reply, [msgspec.structs.astuple(label) for label in hop.mpls])
            for hop in fact.hops]  # fmt: skip
    return (
        glossary.number("target", (fact.target,)),
        wall_millis(fact.at) * 1000 + (elapsed_us or 0),
        glossary.number("vantage", (fact.vantage,)),
        seq,
        glossary.number("aim", (fact.address, fact.method, fact.port, fact.flow, fact.mode)),
        glossary.number("path", (msgspec.json.encode(hops).decode(),)),
        pack_rtts(micros(hop.rtt_s) for hop in fact.hops),
        int(fact.reached),
        elapsed_us,
        glossary.word(fact.failure),
        glossary.free_text(fact.error),
    )


def from_row(row: tuple[Any, ...], glossary: ReadingGlossary) -> TraceObservation:
    """The observation that `to_row` was given."""
    target, done, vantage, _, aim, path, rtts, reached, elapsed, failure, error = row
    address, method, port, flow, mode = glossary.values("aim", aim)
    return TraceObservation(
        at=(done - (elapsed or 0)) // 1000 / 1e3,
        vantage=glossary.text("vantage", vantage),
        target=glossary.text("target", target),
        address=None if address is None else str(address),
        method=str(method),
        port=None if port is None else int(port),
        flow=None if flow is None else int(flow),
        mode=str(mode),
        reached=bool(reached),
        failure=None if failure is None else Failure(glossary.text("word", failure)),
        hops=tuple(
            Hop(ttl=ttl, address=hop_address, rtt_s=seconds(rtt), reply=reply, mpls=tuple(map(_label, labels)))
            for (ttl, hop_address, reply, labels), rtt in zip(
                decode_hops(glossary.text("path", path)), unpack_rtts(rtts), strict=True
            )
        ),
        elapsed_s=seconds(elapsed),
        error=error,
    )


def decode_hops(json: str) -> tuple[StoredHop, ...]:
    """The hops of a `path` entry: TTL, address, reply, MPLS labels."""
    return _HOPS.decode(json)


def _label(stored: StoredLabel) -> MplsLabel:
    label, tc, bottom, ttl = stored
    return MplsLabel(label=label, tc=tc, bottom=bottom, ttl=ttl)


def pack_rtts(rtts_us: Iterable[int | None]) -> bytes:
    """Round-trip times in microseconds, None where nobody answered, as LEB128 numbers one after another."""
    packed = bytearray()
    for rtt in rtts_us:
        number = 0 if rtt is None else rtt + 1
        while number > 0x7F:
            packed.append(number & 0x7F | 0x80)
            number >>= 7
        packed.append(number)
    return bytes(packed)


def unpack_rtts(packed: bytes) -> Iterator[int | None]:
    """What `pack_rtts` was given."""
    number = shift = 0
    for byte in packed:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number - 1 if number else None
            number = shift = 0
