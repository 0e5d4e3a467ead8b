"""Route facts as rows of `route`, `peer_state`, `feed_state`, `feed_tally`, `file_mark`, `vrp_change`, and back.

Times: Unix microseconds.
"""

from __future__ import annotations

from functools import lru_cache

from monitor.history.glossary import ReadingGlossary, WritingGlossary
from monitor.history.resolution import wall_micros
from monitor.history.shelf import Row, Shelf
from monitor.model import (
    AsPath,
    FeedState,
    FeedTally,
    FileMark,
    PeerState,
    Prefix,
    RouteEvent,
    RouteFact,
    RouteKind,
    Vrp,
    VrpChange,
    parse_prefix,
)
from monitor.model.asn import Asn

# The numbers are in files: never renumbered. `v_routes` spells them too.
KINDS = (RouteKind.ANNOUNCEMENT, RouteKind.WITHDRAWAL, RouteKind.RIB)
_KIND_NUMBER = {kind: number for number, kind in enumerate(KINDS)}


def bounds(prefix: Prefix) -> tuple[bytes, bytes]:
    """First and last address, with the family before them, so that byte order is address order in a family."""
    family = bytes((prefix.version,))
    return family + prefix.network_address.packed, family + prefix.broadcast_address.packed


def _event_to_row(fact: RouteEvent, seq: int, glossary: WritingGlossary) -> Row:
    return (
        wall_micros(fact.at),
        seq,
        _KIND_NUMBER[fact.kind],
        glossary.number("prefix", _prefix_values(fact.prefix)),
        glossary.number("peer", (fact.collector, fact.peer, fact.peer_asn)),
        None if fact.path is None else glossary.number("as_path", (str(fact.path),)),
        glossary.word(fact.next_hop),
    )


# `ipaddress` needs some microseconds to print a prefix, and a feed repeats few of them.
@lru_cache(maxsize=65_536)
def _prefix_values(prefix: Prefix) -> tuple[str, bytes, bytes]:
    return (str(prefix), *bounds(prefix))


@lru_cache(maxsize=65_536)
def _parse_path(text: str) -> AsPath:
    return AsPath.parse(text)


def _event_from_row(row: Row, glossary: ReadingGlossary) -> RouteEvent:
    at, _, kind, prefix, peer, path, next_hop = row
    collector, address, asn = glossary.values("peer", peer)
    return RouteEvent(
        at=at / 1e6,
        kind=KINDS[kind],
        prefix=parse_prefix(str(glossary.values("prefix", prefix)[0])),
        peer=str(address),
        peer_asn=Asn(int(asn or 0)),
        collector=str(collector),
        path=None if path is None else _parse_path(glossary.text("as_path", path)),
        next_hop=glossary.word(next_hop),
    )


def _peer_to_row(fact: PeerState, seq: int, glossary: WritingGlossary) -> Row:
    peer = glossary.number("peer", (fact.collector, fact.peer, fact.peer_asn))
    return (wall_micros(fact.at), seq, peer, int(fact.up))


def _peer_from_row(row: Row, glossary: ReadingGlossary) -> PeerState:
    at, _, peer, up = row
    collector, address, asn = glossary.values("peer", peer)
    return PeerState(
        at=at / 1e6, collector=str(collector), peer=str(address), peer_asn=Asn(int(asn or 0)), up=bool(up)
    )


def _feed_to_row(fact: FeedState, seq: int, glossary: WritingGlossary) -> Row:
    return (wall_micros(fact.at), seq, glossary.word(fact.source), int(fact.live), glossary.word(fact.reason))


def _feed_from_row(row: Row, glossary: ReadingGlossary) -> FeedState:
    at, _, source, live, reason = row
    return FeedState(
        at=at / 1e6, source=glossary.text("word", source), live=bool(live), reason=glossary.text("word", reason)
    )


_COUNTS = ("received", "parsed", "relevant", "late", "dropped", "bad")


def _tally_to_row(fact: FeedTally, seq: int, glossary: WritingGlossary) -> Row:
    counts = tuple(getattr(fact, name) for name in _COUNTS)
    return (wall_micros(fact.at), seq, glossary.word(fact.source), wall_micros(fact.since), *counts)


def _tally_from_row(row: Row, glossary: ReadingGlossary) -> FeedTally:
    at, _, source, since, *counts = row
    return FeedTally(
        since=since / 1e6,
        at=at / 1e6,
        source=glossary.text("word", source),
        **dict(zip(_COUNTS, counts, strict=True)),
    )


def _vrp_to_row(fact: VrpChange, seq: int, glossary: WritingGlossary) -> Row:
    prefix = glossary.number("prefix", _prefix_values(fact.vrp.prefix))
    return (wall_micros(fact.at), seq, prefix, fact.vrp.max_length, fact.vrp.asn, int(fact.added))


def _vrp_from_row(row: Row, glossary: ReadingGlossary) -> VrpChange:
    at, _, number, max_length, asn, added = row
    prefix = parse_prefix(str(glossary.values("prefix", number)[0]))
    return VrpChange(at=at / 1e6, vrp=Vrp(prefix, max_length, Asn(asn)), added=bool(added))


def _mark_to_row(fact: FileMark, seq: int, glossary: WritingGlossary) -> Row:
    place = (glossary.word(fact.source), glossary.word(fact.path))
    return (wall_micros(fact.at), seq, *place, fact.offset, fact.head, fact.head_bytes, fact.size)


def _mark_from_row(row: Row, glossary: ReadingGlossary) -> FileMark:
    at, _, source, path, offset, head, head_bytes, size = row
    return FileMark(
        at=at / 1e6, source=glossary.text("word", source), path=glossary.text("word", path), offset=offset,
        head=head, head_bytes=head_bytes, size=size,
    )  # fmt: skip


_EVENT_COLUMNS = ("at", "seq", "kind", "prefix", "peer", "as_path", "next_hop")

ROUTE_SHELVES: dict[type[RouteFact], Shelf[RouteFact]] = {
    RouteEvent: Shelf("route", _EVENT_COLUMNS, _event_to_row, _event_from_row),
    PeerState: Shelf("peer_state", ("at", "seq", "peer", "up"), _peer_to_row, _peer_from_row),
    FeedState: Shelf("feed_state", ("at", "seq", "source", "live", "reason"), _feed_to_row, _feed_from_row),
    FeedTally: Shelf("feed_tally", ("at", "seq", "source", "since", *_COUNTS), _tally_to_row, _tally_from_row),
    FileMark: Shelf(
        "file_mark",
        ("at", "seq", "source", "path", '"offset"', "head", "head_bytes", "size"),
        _mark_to_row,
        _mark_from_row,
        replaces=("source", "path"),
    ),
    VrpChange: Shelf(
        "vrp_change", ("at", "seq", "prefix", "max_length", "asn", "added"), _vrp_to_row, _vrp_from_row
    ),
}
