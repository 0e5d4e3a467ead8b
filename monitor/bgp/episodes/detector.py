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
from monitor.bgp.episodes.judge import Judge, Judgement, Known, origin_repeats
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
        if change is None:
            return self._silence((fact.collector, fact.peer), fact.at) if isinstance(fact, PeerState) else _NOTHING
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
        if dumped:
            book.dumped = True
        if book.sighting:
            self._sight(book, change.new.path, change.at)
        if change.kind is RouteChangeKind.PATH_CHANGED and change.old is not None:
            book.note_move(change.peer, change.at, change.old.path, change.new.path)
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
            changes += self._judge_again(book, at)
        return changes

    def episodes(self, owner: str | None = None) -> list[Episode]:
        """The episodes that are open or remembered, of one owner or all, in the order in which they opened."""
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
        ground = self._grounds.of((prefix.version, key_of(prefix)), self._now)
        return ground.expected if ground is not None else frozenset()

    def home(self, owner: str) -> frozenset[Asn]:
        """The networks that an owner's own addresses lie in."""
        if owner not in self._homes:
            grounds = [self._grounds.of(one.which, self._now) for one in self._own(owner) if one.is_address]
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
        ground = self._grounds.of(which, at)
        book = self._books[which] = Book(which, ground) if ground is not None else None
        return book

    def _reground(self, which: Which, at: float) -> Book | None:
        """The book of a prefix under what is known now; its paths are judged anew when they are met."""
        book, ground = self._books.get(which), self._grounds.of(which, at)
        if book is None or ground is None:
            if book is not None:
                self._touched.discard(book)
                self._doubted.discard(book)
            return self._open_book(which, at)
        book.ground, book.sighting = ground, True
        book.judged.clear()
        return book

    def _sight(self, book: Book, path: AsPath, at: float) -> None:
        """Trust origins on sight, and prefixes that a declared origin announces, where nothing else is known."""
        interests = book.ground.interests
        news = self._grounds.trust_on_sight(book.which, path.origins, interests, at)
        news = self._grounds.carry(book.which, path.origins, interests) or news
        waits = any(one.is_address and one.origins and book.which not in one.carried for one in interests)
        book.sighting = waits or any(self._grounds.is_sighting(one, at) for one in interests)
        if news:
            self._renew(book.which)
            sighting = book.sighting
            self._reground(book.which, at)
            book.sighting = sighting

    def _judged(self, book: Book, path: AsPath, peer: PeerKey, at: float, followed: bool) -> Judgement | None:
        """The judgement of a path; `followed`: the peer's route of before is known."""
        if path in book.judged:
            return book.judged[path]
        learned = book.dumped or followed or self._is_followed(book, peer)
        judgement = self._judge.judge(book.ground, path, Known(learned, book.prepends))
        if judgement is None:
            self._judge.learn(path, at)
            book.prepends = max(book.prepends, origin_repeats(path))
        elif judgement.kind in _ON_THE_WAY and self._is_hunted(book, at):
            self._doubted.add(book)
            return None
        book.remember(path, judgement)
        return judgement

    def _is_followed(self, book: Book, peer: PeerKey) -> bool:
        """Whether a peer's way to the usual prefix is known, so that another way to a part of it is news."""
        usual = (self._books.get(which) for which in book.ground.usual if which != book.which)
        return any(
            other is not None and (other.dumped or peer in self.rib.routes(other.ground.prefix)) for other in usual
        )

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
                self._measure(record)
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

    def _silence(self, peer: PeerKey, at: float) -> Sequence[EpisodeChange]:
        """A peer's session went down: it carries nothing that we know of, and has withdrawn nothing."""
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

    def _measure(self, record: Record) -> None:
        """Count the peers that had a route to the space, while the story grows."""
        if len(record.carriers) < record.peers:
            return
        prefixes = [record.ground.prefix, *self.rib.covering_prefix(record.ground.prefix)]
        prefixes += [prefix_of(*which) for which in record.ground.usual]
        peers = {peer for prefix in prefixes for peer in self.rib.routes(prefix)}
        record.peers_of = max(record.peers_of, len(peers | record.carriers))

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
                    self._sight(book, route.path, now)
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
