"""Which peer carries which episode: moves peers from one to another as their routes are judged. Pure.

An episode is the story of one prefix that several peers tell; what each of them tells now stands in the book
of the prefix, and the register knows the episodes themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.bgp.episodes.book import Book
from monitor.bgp.episodes.books import Books
from monitor.bgp.episodes.episode import EpisodeChange, Turn
from monitor.bgp.episodes.judgement import Judgement
from monitor.bgp.episodes.register import Record, Register
from monitor.bgp.prefix_key import prefix_of
from monitor.bgp.rib import PeerKey, Rib
from monitor.model import AsPath

_NOTHING: tuple[EpisodeChange, ...] = ()


class Stories:
    """What the peers carry."""

    def __init__(self, rib: Rib, books: Books, register: Register) -> None:
        self._rib = rib
        self._books = books
        self._register = register
        self._grown: dict[Record, None] = {}

    def carry(
        self, book: Book, peer: PeerKey, judgement: Judgement | None, path: AsPath, at: float
    ) -> Sequence[EpisodeChange]:
        """A peer's route is judged so: move it from one story to another, or out of any."""
        before = book.carried.get(peer)
        if before is None and judgement is None:
            return _NOTHING
        changes: list[EpisodeChange] = []
        if before is not None and (judgement is None or before.judgement.key != judgement.key):
            del book.carried[peer]
            if (turn := self._register.leave(before, peer, at)) is not None:
                changes.append(before.change(at, turn))
        if judgement is not None:
            record, turn = self._register.join(book.which, book.ground, judgement, peer, at, path)
            if record is not None:
                book.carried[peer] = record
                self._grown[record] = None
                if turn is Turn.OPENED:
                    self._place_in_time(record)
                if turn is not None:
                    changes.append(record.change(at, turn))
        return changes

    def drop_peer(self, peer: PeerKey, at: float) -> list[EpisodeChange]:
        """A peer's session went down: what it told before is unknown now, which withdraws nothing."""
        changes: list[EpisodeChange] = []
        for record in self._register:
            book = self._books.get(record.which)
            if peer not in record.carriers or book is None:
                continue
            if self._rib.is_known(peer) and peer in self._rib.routes(record.ground.prefix):
                continue
            book.carried.pop(peer, None)
            self._books.touch(book)
            if (turn := self._register.leave(record, peer, at)) is not None:
                changes.append(record.change(at, turn))
        return changes

    def measure_grown(self) -> None:
        """Count the peers that had a route to the space of each story that grew."""
        for record in self._grown:
            prefixes = [record.ground.prefix, *self._rib.covering_prefix(record.ground.prefix)]
            prefixes += [prefix_of(*which) for which in record.ground.usual]
            peers = {peer for prefix in prefixes for peer in self._rib.routes(prefix)}
            record.peers_of = max(record.peers_of, len(peers | record.carriers))
        self._grown.clear()

    def _place_in_time(self, record: Record) -> None:
        """Say whether the origin had the prefix before, and whether the usual route had gone by then."""
        origin = record.judgement.origin
        seen = self._rib.first_seen(record.ground.prefix, origin) if origin is not None else None
        record.seen_before_at = seen if seen is not None and seen < record.first_at else None
        for which in record.ground.usual:
            book = self._books.get(which)
            if book is not None and book.lost_at is not None:
                record.note_lost_at(book.lost_at)
