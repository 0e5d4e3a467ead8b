"""The books of all prefixes in or around watched space: opens them, says how well the space around each is
known, and finds those that something new concerns. It judges no route. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from monitor.bgp.episodes.book import Book
from monitor.bgp.episodes.episode import Place
from monitor.bgp.episodes.ground import Ground, Grounds
from monitor.bgp.episodes.interest import Which
from monitor.bgp.episodes.judge import Judge
from monitor.bgp.prefix_key import key_of, prefix_of
from monitor.bgp.rib import PeerKey, Rib, RouteChange
from monitor.model import AsPath

MATURE_S = 3600.0
"""Updates alone show a table only by and by: what is known for less time shows little that is new for certain."""

SHOWN_S = 900.0
"""What many peers have shown for so long is a view of the table, though its rarer ways may be missing."""

MANY_PEERS = 5
"""So many peers with a covering prefix are a view of the table, in which a part of it would have shown."""

TRANSFER_S = 300.0
"""How long a peer may take to tell its whole table after its session came up."""

MANY_STALE = 64
"""Above so many places of new ground everything is judged again, which is cheaper than to find what is near."""


class Books:
    """One book a prefix of which a route was met, None where it concerns nothing that is watched."""

    def __init__(self, rib: Rib, grounds: Grounds, judge: Judge) -> None:
        self._rib = rib
        self._grounds = grounds
        self._judge = judge
        self._all: dict[Which, Book | None] = {}
        self._stale: set[Which] = set()
        # Ordered, so that the same facts give the same episodes in the same order.
        self._touched: dict[Book, None] = {}
        self._doubted: dict[Book, None] = {}
        self._peer_since: dict[PeerKey, float] = {}

    def of(self, which: Which, at: float) -> Book | None:
        """The book of a prefix, opened with its first route."""
        if which in self._all:
            return self._all[which]
        return self._open(which, at)

    def get(self, which: Which) -> Book | None:
        """The book of a prefix if there is one."""
        return self._all.get(which)

    def open_books(self) -> list[Book]:
        """All there are."""
        return [book for book in self._all.values() if book is not None]

    def touch(self, book: Book) -> None:
        """Note that something changed in a book."""
        self._touched[book] = None

    def take_stirred(self) -> set[str]:
        """The owners whose books were touched since this was asked last."""
        stirred = {owner for book in self._touched for one in book.ground.interests for owner in one.roles}
        self._touched.clear()
        return stirred

    def note_session(self, peer: PeerKey, at: float) -> None:
        """A peer's session came up or went down: it begins to tell what it has."""
        self._peer_since[peer] = at

    def note_peer(self, peer: PeerKey, at: float) -> None:
        """A peer told something, the first time maybe."""
        if peer not in self._peer_since:
            self._peer_since[peer] = at

    def renew(self, which: Which) -> None:
        """Something new is known of a prefix, which matters to all that lies in and around it."""
        self._stale.add(which)
        self._grounds.forget_owners()

    def take_renewed(self, now: float) -> list[Book]:
        """The books in and around what became known, under what is known now."""
        near = self._near_stale()
        self._stale.clear()
        return [book for which in near if (book := self._reground(which, now)) is not None]

    def learn_dump(self, which: Which, path: AsPath, at: float) -> None:
        """What a RIB dump shows was there before anything happened."""
        if self._grounds.trust_dump(which, path.origins):
            self.renew(which)
            if which in self._all:
                self._reground(which, at)
        self._judge.learn(path, at, standing=True)

    def sight(self, book: Book, path: AsPath, at: float, *, young: bool) -> None:
        """Trust origins on sight, and prefixes that a declared origin announces, where nothing else is known."""
        interests = book.ground.interests
        news = self._grounds.trust_on_sight(book.which, path.origins, interests, at, young=young)
        news = self._grounds.carry(book.which, path.origins, interests) or news
        waits = any(one.is_address and one.origins and book.which not in one.carried for one in interests)
        sighting = any(self._grounds.is_sighting(one, at) for one in interests)
        book.sighting = waits or sighting or not self.is_mature(book, at)
        if news:
            self.renew(book.which)
            self._reground(book.which, at)

    def is_young(self, book: Book, change: RouteChange) -> bool:
        """Whether a route may be older than our knowledge of it: from a peer that has only begun to tell what it
        has, or of a usual prefix that nobody has shown yet.
        """
        if change.old is not None or self.is_mature(book, change.at):
            return False
        telling = change.at - self._peer_since.get(change.peer, change.at) <= TRANSFER_S
        return telling or book.ground.place is Place.EXACT

    def is_mature(self, book: Book, at: float) -> bool:
        """Whether the space around is known so well that something in it can be new: from a table, or for long."""
        known = any(self._grounds.is_given(which) for which in (book.which, *book.ground.usual))
        return known or self.is_old(book, at)

    def is_dumped(self, book: Book) -> bool:
        """Whether a RIB dump showed the space around, and so the ways to it."""
        return any(self._grounds.is_given(which, by_dump=True) for which in (book.which, *book.ground.usual))

    def is_old(self, book: Book, at: float) -> bool:
        """Whether updates have shown the space for long enough to know it by them alone."""
        around = [self._all.get(which) for which in book.ground.usual]
        if any(known is not None and at - known.since > MATURE_S for known in (book, *around)):
            return True
        version, key = book.which
        while key := key >> 1:
            wide = self._all.get((version, key))
            if wide is not None and at - wide.since > MATURE_S:
                return len(self._rib.routes(wide.ground.prefix)) >= MANY_PEERS
        return False

    def is_shown(self, book: Book, at: float) -> bool:
        """Whether many peers have shown the ways to the space for some time, though for less than an hour.

        Whoever reaches it by ways that many see, and then by one that nobody ever saw, has an explanation to give.
        """
        around = (self._all.get(which) for which in dict.fromkeys((book.which, *book.ground.usual)))
        return any(
            known is not None
            and at - known.since > SHOWN_S
            and len(self._rib.routes(known.ground.prefix)) >= MANY_PEERS
            for known in around
        )

    def is_followed(self, book: Book, peer: PeerKey) -> bool:
        """Whether a peer's way to the usual prefix is known, so that another way to a part of it is news."""
        usual = (self._all.get(which) for which in book.ground.usual if which != book.which)
        return any(other is not None and peer in self._rib.routes(other.ground.prefix) for other in usual)

    def is_hunted(self, book: Book, at: float) -> bool:
        """Whether so many peers withdrew the prefix or a usual one around it that odd paths prove nothing."""
        for which in dict.fromkeys((book.which, *book.ground.usual)):
            other = self._all.get(which)
            if other is not None and other.withdrawals:
                prefix = other.ground.prefix
                peers = len(self._rib.routes(prefix)) + len(self._rib.last_withdrawn(prefix))
                if other.is_hunted(at, peers):
                    return True
        return False

    def doubt(self, book: Book) -> None:
        """Judge a book again when it is hunted no more."""
        self._doubted[book] = None

    def take_settled(self, now: float) -> list[Book]:
        """The books that were in doubt and are hunted no more."""
        settled = [book for book in self._doubted if not self.is_hunted(book, now)]
        for book in settled:
            del self._doubted[book]
        return settled

    def forget_unheard(self) -> None:
        """Close the books of prefixes of which the table of routes remembers nothing, once they are many."""
        if len(self._all) > 2 * len(self._rib) + 1024:
            self._all = {which: book for which, book in self._all.items() if self._rib.has(which)}

    def _open(self, which: Which, at: float) -> Book | None:
        ground = self._grounds.of(which)
        if ground is None:
            self._all[which] = None
            return None
        since = min((route.since for route in self._rib.routes(ground.prefix).values()), default=at)
        book = self._all[which] = Book(which, ground, min(since, at))
        book.quiet = self._judge.quiet(ground)
        return book

    def _reground(self, which: Which, at: float) -> Book | None:
        """The book of a prefix under what is known now; its paths are judged anew when they are met."""
        book, ground = self._all.get(which), self._grounds.of(which)
        if book is None or ground is None:
            if book is not None:
                self._touched.pop(book, None)
                self._doubted.pop(book, None)
            return self._open(which, at)
        self._take_ground(book, ground)
        return book

    def _take_ground(self, book: Book, ground: Ground) -> None:
        book.ground, book.sighting, book.quiet = ground, True, self._judge.quiet(ground)
        book.judged.clear()

    def _near_stale(self) -> Iterable[Which]:
        if len(self._stale) > MANY_STALE:
            return list(self._all)
        near: dict[Which, None] = {}
        for version, key in self._stale:
            for inner in self._rib.inside(prefix_of(version, key)):
                near[version, key_of(inner)] = None
            wide = key
            while wide:
                near[version, wide] = None
                wide >>= 1
        return [which for which in near if which in self._all]
