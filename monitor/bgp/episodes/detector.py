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

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from monitor.bgp.episodes.book import Book, Move
from monitor.bgp.episodes.episode import Episode, EpisodeChange, EpisodeKind, Place, Reason, ReasonWord, Role, Turn
from monitor.bgp.episodes.ground import Grounds
from monitor.bgp.episodes.interest import NOTHING_DECLARED, Declared, Interest, Interests, Which, weightiest
from monitor.bgp.episodes.judge import Judge, Judgement, Known
from monitor.bgp.episodes.links import Links
from monitor.bgp.episodes.register import Record, Register
from monitor.bgp.episodes.relationships import Relationships
from monitor.bgp.episodes.visibility import FEWEST_LOST, LOSS_SHARE, WITHDRAWN_SHARE, Loss, loss_of
from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.prefix_key import key_of, prefix_of
from monitor.bgp.rib import PeerKey, Rib, RouteChange, RouteChangeKind
from monitor.bgp.rpki import VrpTable
from monitor.model import Address, Asn, AsPath, PeerState, Prefix, RouteEvent, RouteKind

KEPT_S = 3600.0
"""How long an ended episode is remembered."""

ADOPTED_S = 86400.0
"""A neighbour or link that stood for a day is known from then on."""

MATURE_S = 3600.0
"""Updates alone show a table only by and by: what is known for less time shows little that is new for certain."""

MANY_PEERS = 5
"""So many peers with a covering prefix are a view of the table, in which a part of it would have shown."""

TRANSFER_S = 300.0
"""How long a peer may take to tell its whole table after its session came up."""

MANY_STALE = 64
"""Above so many places of new ground everything is judged again, which is cheaper than to find what is near."""

_ON_THE_WAY = (EpisodeKind.FORGED_ORIGIN, EpisodeKind.NEW_LINK, EpisodeKind.LEAK)
_FOREIGN = (EpisodeKind.NEW_ORIGIN, EpisodeKind.NEW_MORE_SPECIFIC, EpisodeKind.NEW_COVERING_ORIGIN)
_NOTHING: tuple[EpisodeChange, ...] = ()
_NO_MOVES: Mapping[PeerKey, Move] = MappingProxyType({})


class RouteDetector:
    """Follows the routes of watched space: `watch_*` at any time, `apply` each fact, `settle` now and then.

    `kept_s`: how long ended episodes are remembered.
    """

    def __init__(
        self,
        *,
        table: PrefixTable | None = None,
        vrps: VrpTable | None = None,
        relationships: Relationships | None = None,
        kept_s: float = KEPT_S,
    ) -> None:
        self.rib = Rib()
        self._interests = Interests()
        self._grounds = Grounds(self._interests, table)
        self._judge = Judge(Links(), relationships or Relationships(), vrps, table)
        self._register = Register()
        self._books: dict[Which, Book | None] = {}
        self._stale: set[Which] = set()
        self._losing: set[Which] = set()
        self._lossy: set[Which] = set()
        self._touched: set[Book] = set()
        self._doubted: set[Book] = set()
        self._grown: set[Record] = set()
        self._peer_since: dict[PeerKey, float] = {}
        self._homes: dict[str, frozenset[Asn]] = {}
        self._kept_s = kept_s
        self._now = 0.0

    def watch_prefix(self, owner: str, prefix: Prefix, declared: Declared = NOTHING_DECLARED) -> None:
        """Watch a declared prefix for a target, and all that lies in and around it."""
        self._renew(self._interests.add_prefix(owner, prefix, declared).which)

    def watch_address(
        self, owner: str, address: Address, role: Role = Role.TARGET, declared: Declared = NOTHING_DECLARED
    ) -> bool:
        """Watch an address that was met for a target; whether that is news."""
        interest = self._interests.add_address(owner, address, role, declared)
        if interest is None:
            return False
        trusted = self._grounds.trust_table(interest)
        if trusted is not None:
            self._renew(trusted)
        self._renew(interest.which)
        return True

    def apply(self, fact: RouteEvent | PeerState) -> Sequence[EpisodeChange]:
        """Take in one fact; the episodes that it opened, resumed or ended."""
        change = self.rib.apply(fact)
        if isinstance(fact, PeerState):
            return self._session(fact)
        if change is None:
            return _NOTHING
        if change.peer not in self._peer_since:
            self._peer_since[change.peer] = fact.at
        if change.kind is RouteChangeKind.UNCHANGED:
            return _NOTHING
        dumped = change.new is not None and change.new.kind is RouteKind.RIB
        if dumped and change.new is not None:
            self._learn_dump(change.which, change.new.path, change.at)
        if change.which in self._books:
            book = self._books[change.which]
        else:
            book = self._open_book(change.which, change.at)
        if book is None:
            return _NOTHING
        self._touched.add(book)
        if not self._lossy.isdisjoint(book.ground.usual):
            self._losing.update(book.ground.usual)
        if change.new is None:
            return self._withdrawn(book, change)
        if book.sighting:
            self._sight(book, change.new.path, change.at, young=self._is_young(book, change))
        if change.old is not None and change.kind is RouteChangeKind.PATH_CHANGED:
            self._note_move(book, change.peer, change.at, change.old.path, change.new.path)
        judgement = self._judged(book, change.new.path, change.peer, change.at, change.old is not None)
        return self._carry(book, change.peer, judgement, change.new.path, change.at)

    def settle(self, now: float) -> list[EpisodeChange]:
        """Let time pass: take up new ground, look at losses, and judge again what was in doubt."""
        self._now = max(self._now, now)
        changes = list(self._take_up_new_ground(now))
        for which in tuple(self._losing):
            changes += self._look_at_loss(which, now)
        for book in [book for book in self._doubted if not self._is_hunted(book, now)]:
            self._doubted.discard(book)
            changes += self._judge_again(book, now)
        self._measure_grown()
        self._adopt(now - ADOPTED_S)
        self._register.forget_ended(now - self._kept_s)
        if len(self._books) > 2 * len(self.rib) + 1024:
            self._books = {which: book for which, book in self._books.items() if self.rib.has(which)}
        return changes

    def take_stirred(self) -> set[str]:
        """The owners whose watched space saw any change since this was asked last."""
        stirred = {owner for book in self._touched for one in book.ground.interests for owner in one.roles}
        self._touched.clear()
        return stirred

    def revalidate(self, vrps: VrpTable, at: float) -> list[EpisodeChange]:
        """Judge by new VRPs; a usual route whose validity they change is an episode of its own."""
        before, self._judge.vrps = self._judge.vrps, vrps
        changes: list[EpisodeChange] = []
        for book in [book for book in self._books.values() if book is not None]:
            if book.ground.place is Place.EXACT and before is not None:
                changes += self._note_vrp_change(book, before, vrps, at)
            book.quiet = self._judge.quiet(book.ground)
            changes += self._judge_again(book, at)
        return changes

    def episodes(self, owner: str | None = None) -> list[Episode]:
        """The episodes that are open or remembered, of one owner or all, in the order in which they opened."""
        self._measure_grown()
        found = []
        for record in self._register:
            interests = record.ground.interests
            roles = [role for one in interests for name, role in one.roles.items() if owner in (None, name)]
            if roles:
                found.append(record.episode(weightiest(roles)))
        return found

    def usual(self, owner: str) -> set[Prefix]:
        """The prefixes that usually carry an owner's own traffic."""
        return {prefix_of(*which) for one in self._own(owner) for which in self._grounds.usual(one)}

    def expected(self, prefix: Prefix) -> frozenset[Asn]:
        """The origins that may announce a prefix in watched space; empty when nothing is known."""
        ground = self._grounds.of((prefix.version, key_of(prefix)))
        return ground.expected if ground is not None else frozenset()

    def home(self, owner: str) -> frozenset[Asn]:
        """The networks that an owner's own addresses lie in."""
        if owner not in self._homes:
            grounds = [self._grounds.of(one.which) for one in self._own(owner) if one.is_address]
            self._homes[owner] = frozenset().union(*(ground.expected for ground in grounds if ground is not None))
        return self._homes[owner]

    def moves(self, prefix: Prefix) -> Mapping[PeerKey, Move]:
        """The last change of way of each peer of a prefix."""
        book = self._books.get((prefix.version, key_of(prefix)))
        return book.moves if book is not None else _NO_MOVES

    def _own(self, owner: str) -> Iterator[Interest]:
        return (one for one in self._interests.of(owner) if one.roles[owner] is Role.TARGET)

    def _renew(self, which: Which) -> None:
        """Something new is known of a prefix, which matters to all that lies in and around it."""
        self._stale.add(which)
        self._homes.clear()

    def _learn_dump(self, which: Which, path: AsPath, at: float) -> None:
        """What a RIB dump shows was there before anything happened."""
        if self._grounds.trust_dump(which, path.origins):
            self._renew(which)
            if which in self._books:
                self._reground(which, at)
        self._judge.learn(path, at)

    def _open_book(self, which: Which, at: float) -> Book | None:
        ground = self._grounds.of(which)
        if ground is None:
            self._books[which] = None
            return None
        since = min((route.since for route in self.rib.routes(ground.prefix).values()), default=at)
        book = self._books[which] = Book(which, ground, min(since, at))
        book.quiet = self._judge.quiet(book.ground)
        return book

    def _reground(self, which: Which, at: float) -> Book | None:
        """The book of a prefix under what is known now; its paths are judged anew when they are met."""
        book, ground = self._books.get(which), self._grounds.of(which)
        if book is None or ground is None:
            if book is not None:
                self._touched.discard(book)
                self._doubted.discard(book)
            return self._open_book(which, at)
        book.ground, book.sighting, book.quiet = ground, True, self._judge.quiet(ground)
        book.judged.clear()
        return book

    def _note_move(self, book: Book, peer: PeerKey, at: float, old: AsPath, new: AsPath) -> None:
        """A peer's path changed; more or less prepending is no other way."""
        if self._judge.shape(old).sequence != self._judge.shape(new).sequence:
            book.moves[peer] = (at, old, new)

    def _is_young(self, book: Book, change: RouteChange) -> bool:
        """Whether a route may be older than our knowledge of it: from a peer that has only begun to tell what it
        has, or of a usual prefix that nobody has shown yet.
        """
        if change.old is not None or self._is_mature(book, change.at):
            return False
        telling = change.at - self._peer_since.get(change.peer, change.at) <= TRANSFER_S
        return telling or book.ground.place is Place.EXACT

    def _is_mature(self, book: Book, at: float) -> bool:
        """Whether the space around is known so well that something in it can be new: from a table, or for long."""
        known = any(self._grounds.is_given(which) for which in (book.which, *book.ground.usual))
        return known or self._is_old(book, at)

    def _is_old(self, book: Book, at: float) -> bool:
        """Whether updates have shown the space for long enough to know it by them alone."""
        around = [self._books.get(which) for which in book.ground.usual]
        if any(known is not None and at - known.since > MATURE_S for known in (book, *around)):
            return True
        version, key = book.which
        while key := key >> 1:
            wide = self._books.get((version, key))
            if wide is not None and at - wide.since > MATURE_S:
                return len(self.rib.routes(wide.ground.prefix)) >= MANY_PEERS
        return False

    def _sight(self, book: Book, path: AsPath, at: float, *, young: bool) -> None:
        """Trust origins on sight, and prefixes that a declared origin announces, where nothing else is known."""
        interests = book.ground.interests
        news = self._grounds.trust_on_sight(book.which, path.origins, interests, at, young=young)
        news = self._grounds.carry(book.which, path.origins, interests) or news
        waits = any(one.is_address and one.origins and book.which not in one.carried for one in interests)
        sighting = any(self._grounds.is_sighting(one, at) for one in interests)
        book.sighting = waits or sighting or not self._is_mature(book, at)
        if news:
            self._renew(book.which)
            self._reground(book.which, at)

    def _judged(self, book: Book, path: AsPath, peer: PeerKey, at: float, followed: bool) -> Judgement | None:
        """The judgement of a path; `followed`: the peer's route of before is known."""
        shape = self._judge.shape(path)
        if shape.usual and shape.origin in book.quiet and shape.repeats <= book.prepends:
            return None
        if path.segments in book.judged:
            return book.judged[path.segments]
        dumped = any(self._grounds.is_given(which, by_dump=True) for which in (book.which, *book.ground.usual))
        old = dumped or self._is_old(book, at)
        ways = dumped or (old and (followed or self._is_followed(book, peer)))
        known = Known(mature=old or self._is_mature(book, at), ways=ways, prepends=book.prepends)
        judgement = self._judge.judge(book.ground, path, known)
        if judgement is None:
            self._judge.learn(path, at)
            book.prepends = max(book.prepends, shape.repeats)
            return None
        if judgement.kind in _ON_THE_WAY and self._is_hunted(book, at):
            self._doubted.add(book)
            return None
        book.remember(path, judgement)
        return judgement

    def _is_followed(self, book: Book, peer: PeerKey) -> bool:
        """Whether a peer's way to the usual prefix is known, so that another way to a part of it is news."""
        usual = (self._books.get(which) for which in book.ground.usual if which != book.which)
        return any(other is not None and peer in self.rib.routes(other.ground.prefix) for other in usual)

    def _is_hunted(self, book: Book, at: float) -> bool:
        for which in {book.which, *book.ground.usual}:
            other = self._books.get(which)
            if other is not None and other.withdrawals:
                prefix = other.ground.prefix
                peers = len(self.rib.routes(prefix)) + len(self.rib.last_withdrawn(prefix))
                if other.is_hunted(at, peers):
                    return True
        return False

    def _carry(
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
                self._grown.add(record)
                if turn is Turn.OPENED:
                    self._place_in_time(record)
                if turn is not None:
                    changes.append(record.change(at, turn))
        return changes

    def _withdrawn(self, book: Book, change: RouteChange) -> Sequence[EpisodeChange]:
        """A peer withdrew the prefix."""
        book.note_withdrawal(change.peer, change.at)
        if book.ground.place is Place.EXACT:
            self._losing.add(book.which)
        return self._carry(book, change.peer, None, AsPath(), change.at)

    def _session(self, state: PeerState) -> Sequence[EpisodeChange]:
        """A peer's session came up, or went down: then it carries nothing that we know, and withdrew nothing."""
        peer, at = (state.collector, state.peer), state.at
        self._peer_since[peer] = at
        if state.up:
            return _NOTHING
        changes: list[EpisodeChange] = []
        for record in self._register:
            book = self._books.get(record.which)
            if peer not in record.carriers or book is None:
                continue
            if self.rib.is_known(peer) and peer in self.rib.routes(record.ground.prefix):
                continue
            book.carried.pop(peer, None)
            self._touched.add(book)
            if (turn := self._register.leave(record, peer, at)) is not None:
                changes.append(record.change(at, turn))
        return changes

    def _measure_grown(self) -> None:
        """Count the peers that had a route to the space of each story that grew."""
        for record in self._grown:
            prefixes = [record.ground.prefix, *self.rib.covering_prefix(record.ground.prefix)]
            prefixes += [prefix_of(*which) for which in record.ground.usual]
            peers = {peer for prefix in prefixes for peer in self.rib.routes(prefix)}
            record.peers_of = max(record.peers_of, len(peers | record.carriers))
        self._grown.clear()

    def _place_in_time(self, record: Record) -> None:
        """Say whether the origin had the prefix before, and whether the usual route had gone by then."""
        origin = record.judgement.origin
        seen = self.rib.first_seen(record.ground.prefix, origin) if origin is not None else None
        record.seen_before_at = seen if seen is not None and seen < record.first_at else None
        for which in record.ground.usual:
            book = self._books.get(which)
            if book is not None and book.lost_at is not None:
                self._mark_stray(record, book.lost_at)

    @staticmethod
    def _mark_stray(record: Record, lost_at: float) -> None:
        if record.judgement.kind in _FOREIGN and record.first_at >= lost_at:
            record.after_withdrawal = True

    def _look_at_loss(self, which: Which, now: float) -> Iterator[EpisodeChange]:
        """How many peers have lost a usual prefix, and whether that is worth an episode."""
        book = self._books.get(which)
        loss = loss_of(self.rib, which, now) if book is not None and book.ground.place is Place.EXACT else None
        held = loss.held(now) if loss is not None else frozenset()
        if loss is None or len(held) == len(loss.lost):
            self._losing.discard(which)
        if loss is None:
            self._lossy.discard(which)
        else:
            self._lossy.add(which)
        if book is None:
            return
        self._note_lost_at(book, loss)
        share = len(held) / loss.had if loss is not None else 0.0
        gone = share >= WITHDRAWN_SHARE
        fewer = not gone and share >= LOSS_SHARE and len(held) >= FEWEST_LOST
        at = loss.median_at if loss is not None else now
        had = loss.had if loss is not None else 0
        for kind, stands in ((EpisodeKind.WITHDRAWN, gone), (EpisodeKind.VISIBILITY_LOSS, fewer)):
            text = f"{len(held)} of {had} peers that had {book.ground.prefix} lost it"
            told = Judgement(
                kind=kind, origin=None, offender=None, reasons=(Reason(ReasonWord.PEERS_LOST_IT, text),)
            )
            lost_by = held if stands else frozenset()
            record, turn = self._register.restate(which, book.ground, told, lost_by, at, now)
            if record is not None and stands:
                record.peers_of = max(record.peers_of, had)
            if record is not None and turn is not None:
                self._touched.add(book)
                yield record.change(now, turn)

    def _note_lost_at(self, book: Book, loss: Loss | None) -> None:
        """A foreign origin that showed only after most had lost the prefix is an effect of that, not its cause."""
        mostly = loss is not None and len(loss.lost) >= WITHDRAWN_SHARE * loss.had
        book.lost_at = loss.median_at if loss is not None and mostly else None
        if book.lost_at is None:
            return
        for record in self._register:
            if record.active and book.which in record.ground.usual:
                self._mark_stray(record, book.lost_at)

    def _take_up_new_ground(self, now: float) -> Iterator[EpisodeChange]:
        """Look again at all that lies in and around what became known."""
        rounds = 0
        while self._stale and rounds < 3:
            rounds += 1
            near = self._near_new_ground()
            self._stale.clear()
            books = [book for which in near if (book := self._reground(which, now)) is not None]
            for book in books:
                for route in self.rib.routes(book.ground.prefix).values():
                    if not book.sighting:
                        break
                    self._sight(book, route.path, now, young=False)
            for book in books:
                yield from self._judge_again(book, now)

    def _near_new_ground(self) -> list[Which]:
        if len(self._stale) > MANY_STALE:
            return list(self._books)
        near: dict[Which, None] = {}
        for version, key in self._stale:
            for inner in self.rib.inside(prefix_of(version, key)):
                near[version, key_of(inner)] = None
            wide = key
            while wide:
                if (version, wide) in self._books:
                    near[version, wide] = None
                wide >>= 1
        return [which for which in near if which in self._books]

    def _judge_again(self, book: Book, now: float) -> Iterator[EpisodeChange]:
        """Judge all present routes of a prefix by what is known now."""
        book.judged.clear()
        self._touched.add(book)
        for peer, route in tuple(self.rib.routes(book.ground.prefix).items()):
            judgement = self._judged(book, route.path, peer, route.since, followed=False)
            had = book.carried.get(peer)
            at = (
                now
                if judgement is None or (had is not None and had.judgement.key == judgement.key)
                else route.since
            )
            yield from self._carry(book, peer, judgement, route.path, at)

    def _note_vrp_change(
        self, book: Book, before: VrpTable, after: VrpTable, at: float
    ) -> Iterator[EpisodeChange]:
        """The validity of a usual route changed under it: its ROA was made, changed or lost."""
        for origin in sorted(book.ground.expected):
            was, now = (vrps.validate(book.ground.prefix, origin) for vrps in (before, after))
            if was == now:
                continue
            text = f"{book.ground.prefix} by AS{origin} was RPKI {was.state.value} and is {now.state.value}"
            told = Judgement(
                kind=EpisodeKind.VRP_CHANGE, origin=origin, offender=None, validity=now,
                reasons=(Reason(ReasonWord.VRPS_CHANGED, text),),
            )  # fmt: skip
            carriers = frozenset(self.rib.routes(book.ground.prefix))
            for lost_by in (carriers, frozenset[PeerKey]()):
                record, turn = self._register.restate(book.which, book.ground, told, lost_by, at, at)
                if record is not None and turn is not None:
                    record.peers_of = max(record.peers_of, len(carriers))
                    yield record.change(at, turn)

    def _adopt(self, before: float) -> None:
        """Take a neighbour or link for usual that stood since before a time."""
        for record in self._register:
            if record.active and record.judgement.kind in _ON_THE_WAY and record.first_at < before:
                if record.path is not None:
                    self._judge.learn(record.path, record.first_at)
                self._renew(record.which)
