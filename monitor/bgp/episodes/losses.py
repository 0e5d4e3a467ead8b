"""Which usual prefixes are being lost, and whether that is worth an episode. Pure.

`visibility` counts who has lost one; this remembers which to count, for a loss takes time to show: some seconds
until a withdrawal is believed, and up to a day where it is slow.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from monitor.bgp.episodes.book import Book
from monitor.bgp.episodes.books import Books
from monitor.bgp.episodes.episode import EpisodeChange, EpisodeKind, Place, Reason, ReasonWord
from monitor.bgp.episodes.interest import Which
from monitor.bgp.episodes.judge import Judge
from monitor.bgp.episodes.judgement import Judgement
from monitor.bgp.episodes.register import Register
from monitor.bgp.episodes.visibility import FEWEST_LOST, LOSS_SHARE, WITHDRAWN_SHARE, Loss, loss_of
from monitor.bgp.rib import PeerKey, Rib

_NOBODY: frozenset[PeerKey] = frozenset()


class Losses:
    """The usual prefixes that some peer has lost."""

    def __init__(self, rib: Rib, books: Books, register: Register, judge: Judge) -> None:
        self._rib = rib
        self._books = books
        self._judge = judge
        self._register = register
        self._losing: dict[Which, None] = {}
        self._lossy: set[Which] = set()

    def note_change(self, book: Book) -> None:
        """A route in or around lost prefixes changed, which may make good for them."""
        if not self._lossy.isdisjoint(book.ground.usual):
            self._losing.update(dict.fromkeys(book.ground.usual))

    def note_withdrawal(self, book: Book) -> None:
        """A peer withdrew a prefix."""
        if book.ground.place is Place.EXACT:
            self._losing[book.which] = None

    def look(self, now: float) -> Iterator[EpisodeChange]:
        """Count again what may have changed, and say what became worth an episode or is so no more."""
        for which in tuple(self._losing):
            yield from self._look_at(which, now)

    def _look_at(self, which: Which, now: float) -> Iterator[EpisodeChange]:
        book = self._books.get(which)
        loss = None
        if book is not None and book.ground.place is Place.EXACT:
            loss = loss_of(self._rib, which, now, partial(self._judge.is_rightful, book.ground))
        held = loss.held(now) if loss is not None else _NOBODY
        if loss is None or len(held) == len(loss.lost):
            self._losing.pop(which, None)
        if loss is None:
            self._lossy.discard(which)
        else:
            self._lossy.add(which)
        if book is not None:
            self._note_lost_at(book, loss)
            yield from self._tell(book, loss, held, now)

    def _tell(
        self, book: Book, loss: Loss | None, held: frozenset[PeerKey], now: float
    ) -> Iterator[EpisodeChange]:
        """Open, go on with or end the episodes of a loss: that of most peers, and that of fewer."""
        had, at = (loss.had, loss.median_at) if loss is not None else (0, now)
        share = len(held) / had if had else 0.0
        gone = share >= WITHDRAWN_SHARE
        fewer = not gone and share >= LOSS_SHARE and len(held) >= FEWEST_LOST
        text = f"{len(held)} of {had} peers that had {book.ground.prefix} lost it"
        reasons = (Reason(ReasonWord.PEERS_LOST_IT, text),)
        for kind, stands in ((EpisodeKind.WITHDRAWN, gone), (EpisodeKind.VISIBILITY_LOSS, fewer)):
            told = Judgement(kind=kind, origin=None, offender=None, reasons=reasons)
            lost_by = held if stands else _NOBODY
            record, turn = self._register.restate(book.which, book.ground, told, lost_by, at, now)
            if record is not None and stands:
                record.peers_of = max(record.peers_of, had)
            if record is not None and turn is not None:
                self._books.touch(book)
                yield record.change(now, turn)

    def _note_lost_at(self, book: Book, loss: Loss | None) -> None:
        """Say of the episodes around since when the usual route had gone from most peers."""
        mostly = loss is not None and len(loss.lost) >= WITHDRAWN_SHARE * loss.had
        book.lost_at = loss.median_at if loss is not None and mostly else None
        if book.lost_at is None:
            return
        for record in self._register:
            if record.active and book.which in record.ground.usual:
                record.note_lost_at(book.lost_at)
