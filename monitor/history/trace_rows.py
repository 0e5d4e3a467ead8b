"""One traceroute as one row of `trace`, and back, without loss.

The same path is walked again and again: who answered with what at each TTL is one entry of the
dictionary `path`, and a row holds only that entry's number and the round-trip times, one LEB128 number a
hop: microseconds plus one, zero where nobody answered. Twenty hops take about fifty bytes. With what TTLs the
answers arrived is an entry of the dictionary `way_back`: it changes with the routes back to the vantage, not with
the way there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from monitor.history.glossary import ReadingGlossary, WritingGlossary
from monitor.history.resolution import micros, seconds, wall_millis
from probes.observation import Failure, Hop, HopReply, MplsLabel, Rewritten, TraceObservation

COLUMNS = (
    "target", "done", "vantage", "seq", "aim", "path", "rtts", "reached", "elapsed_us", "failure", "error",
    "way_back",
)  # fmt: skip

StoredLabel = tuple[int, int, bool, int]
_TTLS = msgspec.json.Decoder(tuple[int | None, ...])


class StoredHop(msgspec.Struct, frozen=True, array_like=True):
    """One hop of a `path` entry. Entries from before the last three were known have four members."""

    ttl: int
    address: str | None
    reply: HopReply | None
    labels: tuple[StoredLabel, ...]
    others: tuple[str, ...] = ()
    rewritten: tuple[Rewritten, ...] | None = None
    quoted_destination: str | None = None


_HOPS = msgspec.json.Decoder(tuple[StoredHop, ...])


def to_row(fact: TraceObservation, seq: int, glossary: WritingGlossary) -> tuple[Any, ...]:
    """The row's values in the order of COLUMNS."""
    elapsed_us = micros(fact.elapsed_s)
    hops = [
        (
            hop.ttl, hop.address, hop.reply, [msgspec.structs.astuple(label) for label in hop.mpls],
            hop.others, hop.rewritten, hop.quoted_destination,
        )
        for hop in fact.hops
    ]  # fmt: skip
    ttls = [hop.reply_ttl for hop in fact.hops]
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
        None
        if all(ttl is None for ttl in ttls)
        else glossary.number("way_back", (msgspec.json.encode(ttls).decode(),)),
    )


def _way_back(ttls: list[int | None], glossary: WritingGlossary) -> int | None:
    if all(ttl is None for ttl in ttls):
        return None
    return glossary.number("way_back", (msgspec.json.encode(ttls).decode(),))


def from_row(row: tuple[Any, ...], glossary: ReadingGlossary) -> TraceObservation:
    """The observation that `to_row` was given."""
    target, done, vantage, _, aim, path, rtts, reached, elapsed, failure, error, way_back = row
    address, method, port, flow, mode = glossary.values("aim", aim)
    hops = decode_hops(glossary.text("path", path))
    ttls = (None,) * len(hops) if way_back is None else _TTLS.decode(glossary.text("way_back", way_back))
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
            Hop(
                ttl=hop.ttl,
                address=hop.address,
                rtt_s=seconds(rtt),
                reply=hop.reply,
                mpls=tuple(map(_label, hop.labels)),
                reply_ttl=reply_ttl,
                others=hop.others,
                rewritten=hop.rewritten,
                quoted_destination=hop.quoted_destination,
            )
            for hop, rtt, reply_ttl in zip(hops, unpack_rtts(rtts), ttls, strict=True)
        ),
        elapsed_s=seconds(elapsed),
        error=error,
    )


def decode_hops(json: str) -> tuple[StoredHop, ...]:
    """The hops of a `path` entry."""
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
