"""The detector: route facts in, episodes out. One for all targets, told the time.

Theory of operation. The table of routes (`rib`) says what a fact changed. Each prefix in or around watched
space has a `Book`: what it is judged by, the judgement of each of its paths, made once a path, and which peer
carries which episode. So a fact that changes nothing of interest costs a few look-ups, whatever the number
of targets, and an episode opens with the very first route that makes it.

Some things need time: whether a withdrawn route comes back at once, and whether an odd path seen while a
prefix is being withdrawn is path hunting (RFC 4271 leaves each router to try the paths it has left). They
are settled at the moments at which `settle` is called; so is new ground, such as a newly met address. It reads
no clock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType

from monitor.bgp.episodes.book import Book, Move
from monitor.bgp.episodes.books import Books
from monitor.bgp.episodes.episode import Episode, EpisodeChange, EpisodeKind, Place, Role
from monitor.bgp.episodes.ground import Grounds
from monitor.bgp.episodes.interest import NOTHING_DECLARED, Declared, Interests, weightiest
from monitor.bgp.episodes.judge import Judge, Known
from monitor.bgp.episodes.judgement import Judgement
from monitor.bgp.episodes.links import Links
from monitor.bgp.episodes.losses import Losses
from monitor.bgp.episodes.made_up import forgery, is_on_all_ways
from monitor.bgp.episodes.register import Register
from monitor.bgp.episodes.relationships import Relationships
from monitor.bgp.episodes.stories import Stories
from monitor.bgp.episodes.vrp_change import vrp_changes
from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.prefix_key import key_of
from monitor.bgp.rib import PeerKey, Rib, RouteChange, RouteChangeKind
from monitor.bgp.vrp_view import Vrps
from monitor.model import Address, Asn, AsPath, PeerState, Prefix, RouteEvent, RouteKind, covers

KEPT_S = 3600.0
"""How long an ended episode is told of."""

ADOPTED_S = 86400.0
"""A neighbour or link that stood for a day is known from then on."""

_MOST_ROUNDS = 3
"""New ground shows more new ground, as when an origin that is trusted now announces another prefix."""

_ON_THE_WAY = (EpisodeKind.FORGED_ORIGIN, EpisodeKind.NEW_LINK, EpisodeKind.LEAK)
_NOTHING: tuple[EpisodeChange, ...] = ()
_NOBODY: frozenset[PeerKey] = frozenset()
_NO_MOVES: Mapping[PeerKey, Move] = MappingProxyType({})


class RouteDetector:
    """Follows the routes of watched space: `watch_*` at any time, `apply` each fact, `settle` now and then.

    `kept_s`: how long ended episodes are told of.
    """

    def __init__(
        self,
        *,
        table: PrefixTable | None = None,
        vrps: Vrps | None = None,
        relationships: Relationships | None = None,
        kept_s: float = KEPT_S,
    ) -> None:
        self.rib = Rib()
        self._interests = Interests()
        self._grounds = Grounds(self._interests, table)
        self._judge = Judge(Links(), relationships or Relationships(), vrps, table)
        self._register = Register()
        self._books = Books(self.rib, self._grounds, self._judge)
        self._stories = Stories(self.rib, self._books, self._register)
        self._losses = Losses(self.rib, self._books, self._register, self._judge)
        self._kept_s = kept_s

    def watch_prefix(self, owner: str, prefix: Prefix, declared: Declared = NOTHING_DECLARED) -> None:
        """Watch a declared prefix for a target, and all that lies in and around it."""
        self._books.renew(self._interests.add_prefix(owner, prefix, declared).which)

    def watch_address(
        self, owner: str, address: Address, role: Role = Role.TARGET, declared: Declared = NOTHING_DECLARED
    ) -> bool:
        """Watch an address that was met for a target; whether that is news."""
        interest = self._interests.add_address(owner, address, role, declared)
        if interest is None:
            return False
        trusted = self._grounds.trust_table(interest)
        if trusted is not None:
            self._books.renew(trusted)
        self._books.renew(interest.which)
        return True

    def trust_told(self, prefix: Prefix, origins: frozenset[Asn]) -> None:
        """Take somebody's word for the origins of a prefix, where nothing is known of it yet."""
        which = (prefix.version, key_of(prefix))
        if self._grounds.trust_told(which, origins):
            self._books.renew(which)

    def apply(self, fact: RouteEvent | PeerState) -> Sequence[EpisodeChange]:
        """Take in one fact; the episodes that it opened, resumed or ended."""
        change = self.rib.apply(fact)
        if isinstance(fact, PeerState):
            return self._session(fact)
        if change is None:
            return _NOTHING
        self._books.note_peer(change.peer, fact.at)
        if change.kind is RouteChangeKind.UNCHANGED:
            return _NOTHING
        if change.new is not None and change.new.kind is RouteKind.RIB:
            self._books.learn_dump(change.which, change.new.path, change.at)
        book = self._books.of(change.which, change.at)
        if book is None:
            return _NOTHING
        self._books.touch(book)
        self._losses.note_change(book)
        if change.new is None:
            return self._withdrawn(book, change)
        if book.sighting:
            self._books.sight(book, change.new.path, change.at, young=self._books.is_young(book, change))
        if change.old is not None and change.kind is RouteChangeKind.PATH_CHANGED:
            self._note_move(book, change.peer, change.at, change.old.path, change.new.path)
        judgement = self._judged(book, change.new.path, change.peer, change.at, change.old is not None)
        return self._stories.carry(book, change.peer, judgement, change.new.path, change.at)

    def settle(self, now: float) -> list[EpisodeChange]:
        """Let time pass: take up new ground, look at losses, and judge again what was in doubt."""
        changes = list(self._take_up_new_ground(now))
        changes += self._losses.look(now)
        for book in self._books.take_settled(now):
            changes += self._judge_again(book, now)
        self._stories.measure_grown()
        for record in self._register:
            if record.active:
                record.forgery = forgery(record, self.rib, now)
                record.on_all_ways = is_on_all_ways(record, self.rib)
        self._adopt(now - ADOPTED_S)
        self._register.forget_ended(now, self._kept_s)
        self._books.forget_unheard()
        return changes

    def take_stirred(self) -> set[str]:
        """The owners whose watched space saw any change since this was asked last."""
        return self._books.take_stirred()

    def revalidate(self, vrps: Vrps, at: float, near: Collection[Prefix] | None = None) -> list[EpisodeChange]:
        """Judge by new VRPs; a usual route whose validity they change is an episode of its own.

        `near`: the prefixes of the VRPs that changed, where that is known; only routes inside of them can differ.
        """
        before, self._judge.vrps = self._judge.vrps, vrps
        changes: list[EpisodeChange] = []
        for book in self._books.open_books():
            if near is not None and not any(covers(prefix, book.ground.prefix) for prefix in near):
                continue
            if book.ground.place is Place.EXACT and before is not None:
                changes += self._tell_vrp_changes(book, before, vrps, at)
            book.quiet = self._judge.quiet(book.ground)
            changes += self._judge_again(book, at)
        return changes

    def episodes(self, owner: str | None = None) -> list[Episode]:
        """The episodes that are open or remembered, of one owner or all, in the order in which they opened."""
        self._stories.measure_grown()
        found = []
        for record in self._register:
            interests = record.ground.interests
            roles = [role for one in interests for name, role in one.roles.items() if owner in (None, name)]
            if roles:
                found.append(record.episode(weightiest(roles)))
        return found

    def carriers(self, owner: str) -> Sequence[tuple[Prefix, frozenset[Asn]]]:
        """The prefixes that usually carry an owner's own traffic, each with the origins that may announce it
        (none: nothing is known)."""
        return self._grounds.carriers(owner)

    def home(self, owner: str) -> frozenset[Asn]:
        """The networks that an owner's own addresses lie in."""
        return self._grounds.home(owner)

    def moves(self, prefix: Prefix) -> Mapping[PeerKey, Move]:
        """The last change of way of each peer of a prefix."""
        book = self._books.get((prefix.version, key_of(prefix)))
        return book.moves if book is not None else _NO_MOVES

    def _note_move(self, book: Book, peer: PeerKey, at: float, old: AsPath, new: AsPath) -> None:
        """A peer's path changed; more or less prepending is no other way."""
        if self._judge.shapes.of(old).sequence != self._judge.shapes.of(new).sequence:
            book.moves[peer] = (at, old, new)

    def _judged(self, book: Book, path: AsPath, peer: PeerKey, at: float, followed: bool) -> Judgement | None:
        """The judgement of a path; `followed`: the peer's route of before is known."""
        shape = self._judge.shapes.of(path)
        if shape.usual and shape.origin in book.quiet and shape.repeats <= book.prepends:
            return None
        if path.segments in book.judged:
            return book.judged[path.segments]
        judgement = self._judge.judge(book.ground, path, self._known(book, peer, at, followed))
        if judgement is None:
            self._judge.learn(path, at)
            book.prepends = max(book.prepends, shape.repeats)
            return None
        if judgement.kind in _ON_THE_WAY and self._books.is_hunted(book, at):
            self._books.doubt(book)
            return None
        book.remember(path, judgement)
        return judgement

    def _known(self, book: Book, peer: PeerKey, at: float, followed: bool) -> Known:
        """How well a prefix and the peer's ways to it are known."""
        books = self._books
        dumped = books.is_dumped(book)
        old = dumped or books.is_old(book, at)
        followed = followed or books.is_followed(book, peer)
        return Known(
            at=at,
            mature=old or books.is_mature(book, at),
            ways=dumped or (followed and (old or books.is_shown(book, at))),
            followed=followed,
            prepends=book.prepends,
        )

    def _withdrawn(self, book: Book, change: RouteChange) -> Sequence[EpisodeChange]:
        """A peer withdrew the prefix."""
        book.note_withdrawal(change.peer, change.at)
        self._losses.note_withdrawal(book)
        return self._stories.carry(book, change.peer, None, AsPath(), change.at)

    def _session(self, state: PeerState) -> Sequence[EpisodeChange]:
        """A peer's session came up, or went down."""
        peer = (state.collector, state.peer)
        self._books.note_session(peer, state.at)
        return _NOTHING if state.up else self._stories.drop_peer(peer, state.at)

    def _take_up_new_ground(self, now: float) -> Iterator[EpisodeChange]:
        """Look again at all that lies in and around what became known."""
        for _ in range(_MOST_ROUNDS):
            books = self._books.take_renewed(now)
            if not books:
                break
            for book in books:
                for route in self.rib.routes(book.ground.prefix).values():
                    if not book.sighting:
                        break
                    self._books.sight(book, route.path, now, young=False)
            for book in books:
                yield from self._judge_again(book, now)

    def _judge_again(self, book: Book, now: float) -> Iterator[EpisodeChange]:
        """Judge all present routes of a prefix by what is known now."""
        book.judged.clear()
        self._books.touch(book)
        for peer, route in tuple(self.rib.routes(book.ground.prefix).items()):
            had = book.carried.get(peer)
            judgement = self._judged(book, route.path, peer, route.since, followed=had is not None)
            goes_on = judgement is None or (had is not None and had.judgement.key == judgement.key)
            at = now if goes_on else route.since
            yield from self._stories.carry(book, peer, judgement, route.path, at)

    def _tell_vrp_changes(self, book: Book, before: Vrps, after: Vrps, at: float) -> Iterator[EpisodeChange]:
        """What new VRPs change is an episode that ends as it begins."""
        carriers = frozenset(self.rib.routes(book.ground.prefix))
        for told in vrp_changes(book.ground, before, after):
            for told_by in (carriers, _NOBODY):
                record, turn = self._register.restate(book.which, book.ground, told, told_by, at, at)
                if record is not None and turn is not None:
                    record.peers_of = max(record.peers_of, len(carriers))
                    yield record.change(at, turn)

    def _adopt(self, before: float) -> None:
        """Take a neighbour or link for usual that stood since before a time."""
        for record in self._register:
            if record.active and record.judgement.kind in _ON_THE_WAY and record.first_at < before:
                if record.path is not None:
                    self._judge.learn(record.path, record.first_at, standing=True)
                self._books.renew(record.which)
