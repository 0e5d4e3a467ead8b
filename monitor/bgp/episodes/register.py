"""The register of episodes: opens them, counts who carries them, closes them, and forgets the oldest. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from monitor.bgp.episodes.episode import Episode, EpisodeChange, EpisodeKind, Place, Reason, ReasonWord, Role, Turn
from monitor.bgp.episodes.ground import Ground
from monitor.bgp.episodes.interest import Which
from monitor.bgp.episodes.judgement import Forgery, Judgement
from monitor.bgp.rib import PeerKey
from monitor.model import AsPath, Prefix

RESUMED_S = 300.0
"""What returns so soon after its last carrier let go goes on; later it begins anew."""

RETURNS_S = 6 * 3600.0
"""A way to the usual prefix that comes and goes is one story for so long: a neighbour of Telegram's shows 22 times
in a recorded day, a second each, at most 2.5 hours apart. What may take traffic is another story each time."""

_COMES_AND_GOES = (EpisodeKind.FORGED_ORIGIN, EpisodeKind.NEW_LINK, EpisodeKind.LEAK)

MAX_EPISODES = 10_000
MAX_OPEN_AT_PREFIX = 64
"""A hostile peer can announce one prefix with a new origin every second; each is a new story."""

MAX_OPEN_AROUND = 1_000
"""The same with ever other parts of one usual prefix, which must leave room for what happens to the others."""

_FOREIGN = (EpisodeKind.NEW_ORIGIN, EpisodeKind.NEW_MORE_SPECIFIC, EpisodeKind.NEW_COVERING_ORIGIN)

StoryKey = tuple[Which, object]


@dataclass(slots=True, eq=False)
class Record:
    """One episode while it is followed. `around`: the usual prefix that it concerned when it opened. `hidden`: it
    ended too long ago to be told of, and would be the same if it came back."""

    number: int
    which: Which
    ground: Ground
    around: Prefix
    judgement: Judgement
    path: AsPath | None
    first_at: float
    last_at: float
    earlier: int
    carriers: set[PeerKey] = field(default_factory=set)
    peers: int = 0
    peers_of: int = 0
    collectors: set[str] = field(default_factory=set)
    after_withdrawal: bool = False
    seen_before_at: float | None = None
    forgery: Forgery | None = None
    on_all_ways: bool = True
    hidden: bool = False

    @property
    def active(self) -> bool:
        """Whether any peer carries it."""
        return bool(self.carriers)

    @property
    def returns_s(self) -> float:
        """How long after its end it is still the same story that comes back."""
        is_way = self.judgement.kind in _COMES_AND_GOES and self.ground.place is Place.EXACT
        return RETURNS_S if is_way else RESUMED_S

    def begin_anew(self, at: float, path: AsPath | None) -> None:
        """It is back: what is told of it is of this time, and that it was there before."""
        self.path, self.first_at, self.last_at = path, at, at
        self.earlier += 1
        self.peers = self.peers_of = 0
        self.collectors.clear()
        self.after_withdrawal, self.forgery = False, None

    def note_lost_at(self, lost_at: float) -> None:
        """Most peers had lost the usual route by then: a foreign origin that shows only after that is an effect
        of it, not its cause.
        """
        if self.judgement.kind in _FOREIGN and self.first_at >= lost_at:
            self.after_withdrawal = True

    def change(self, at: float, turn: Turn) -> EpisodeChange:
        """What became of it."""
        told = self.judgement
        return EpisodeChange(at, turn, self.number, told.kind, self.ground.prefix, told.origin, told.offender)

    def episode(self, role: Role) -> Episode:
        """It as it stands now, for one to whom its prefix plays that role."""
        told = self.judgement
        return Episode(
            number=self.number,
            kind=told.kind,
            place=self.ground.place,
            role=role,
            prefix=self.ground.prefix,
            concerns=self.ground.concerns,
            expected=self.ground.expected,
            origin=told.origin,
            offender=self.forgery.offender if self.forgery is not None else told.offender,
            link=told.link,
            path=self.path,
            first_at=self.first_at,
            last_at=self.last_at,
            active=self.active,
            carriers=len(self.carriers),
            peers=self.peers,
            peers_of=max(self.peers_of, self.peers),
            collectors=len(self.collectors),
            validity=told.validity,
            after_withdrawal=self.after_withdrawal,
            disowned_by=self.forgery.disowned_by if self.forgery is not None else None,
            on_all_ways=self.on_all_ways,
            made_up=self.forgery is not None and self.forgery.proven,
            earlier=self.earlier,
            reasons=told.reasons + self._history(),
        )

    def _history(self) -> tuple[Reason, ...]:
        found = []
        if self.earlier:
            text = f"the same was seen {self.earlier} times before"
            found.append(Reason(ReasonWord.ORIGIN_SEEN_BEFORE, text))
        elif self.seen_before_at is not None:
            ago_s = self.first_at - self.seen_before_at
            text = f"AS{self.judgement.origin} announced it before, {ago_s:.0f} s earlier"
            found.append(Reason(ReasonWord.ORIGIN_SEEN_BEFORE, text))
        if self.after_withdrawal:
            text = "it shows only after the usual route had gone"
            found.append(Reason(ReasonWord.AFTER_WITHDRAWAL, text))
        if self.forgery is not None:
            found.append(_forged(self.forgery))
        return tuple(found)


def _forged(forgery: Forgery) -> Reason:
    if forgery.proven:
        return Reason(ReasonWord.MADE_UP, f"the path names AS{forgery.disowned_by}, which does not have it")
    text = f"all ways to it lead round through AS{forgery.offender}, by which hardly anybody reached"
    return Reason(ReasonWord.ROUND_ABOUT, f"{text} AS{forgery.disowned_by}")


class Register:
    """All episodes that are followed or remembered."""

    def __init__(self, *, max_episodes: int = MAX_EPISODES) -> None:
        self.refused = 0
        self._max = max_episodes
        self._count = 0
        self._all: dict[int, Record] = {}
        self._latest: dict[StoryKey, Record] = {}
        # What ended, in that order; how many are active at each prefix, and around each usual one.
        self._ended: dict[int, Record] = {}
        self._active_at: Counter[Which] = Counter()
        self._active_around: Counter[Prefix] = Counter()

    def __iter__(self) -> Iterator[Record]:
        return (record for record in self._all.values() if not record.hidden)

    def join(
        self, which: Which, ground: Ground, judgement: Judgement, peer: PeerKey, at: float, path: AsPath | None
    ) -> tuple[Record | None, Turn | None]:
        """A peer takes up a story: its record, and what that makes of it; (None, None) when too many are open."""
        record, turn = self._take_up(which, ground, judgement, at, path)
        if record is None:
            return None, None
        record.ground, record.judgement = ground, judgement
        record.carriers.add(peer)
        self._revive(record)
        record.collectors.add(peer[0])
        record.peers = max(record.peers, len(record.carriers))
        record.last_at = max(record.last_at, at)
        return record, turn

    def restate(
        self,
        which: Which,
        ground: Ground,
        judgement: Judgement,
        carriers: frozenset[PeerKey],
        at: float,
        now: float,
    ) -> tuple[Record | None, Turn | None]:
        """Say who has lost a prefix, since `at`: the record and what that makes of it. No carriers: it is over."""
        if not carriers:
            record = self._latest.get((which, judgement.key))
            return record, self._let_go(record, now) if record is not None and record.active else None
        record, turn = self._take_up(which, ground, judgement, at, None)
        if record is None:
            return None, None
        record.judgement, record.carriers = judgement, set(carriers)
        self._revive(record)
        record.collectors.update(peer[0] for peer in carriers)
        record.peers = max(record.peers, len(carriers))
        record.last_at = now
        return record, turn

    def leave(self, record: Record, peer: PeerKey, at: float) -> Turn | None:
        """A peer lets go of a story; ENDED when it was the last."""
        record.carriers.discard(peer)
        record.last_at = max(record.last_at, at)
        if record.carriers:
            return None
        self._end(record)
        return Turn.ENDED

    def forget_ended(self, now: float, kept_s: float) -> None:
        """Tell no more of what ended so long ago, and drop it unless it may come back."""
        for record in tuple(self._ended.values()):
            gone_s = now - record.last_at
            record.hidden = gone_s > kept_s
            if record.hidden and gone_s > record.returns_s:
                self._drop(record)

    def _take_up(
        self, which: Which, ground: Ground, judgement: Judgement, at: float, path: AsPath | None
    ) -> tuple[Record | None, Turn | None]:
        """The record of a story that goes on, comes back soon or opens anew; None: too many are open."""
        record = self._latest.get((which, judgement.key))
        if record is None or (not record.active and at - record.last_at > record.returns_s):
            return self._open(which, ground, judgement, at, path, record), Turn.OPENED
        if record.active:
            return record, None
        if at - record.last_at > RESUMED_S:
            record.begin_anew(at, path)
        return record, Turn.RESUMED

    def _let_go(self, record: Record, now: float) -> Turn:
        """All its carriers at once."""
        record.carriers.clear()
        record.last_at = now
        self._end(record)
        return Turn.ENDED

    def _open(
        self,
        which: Which,
        ground: Ground,
        judgement: Judgement,
        at: float,
        path: AsPath | None,
        last: Record | None,
    ) -> Record | None:
        crowded = self._active_at[which] >= MAX_OPEN_AT_PREFIX
        crowded = crowded or self._active_around[ground.concerns] >= MAX_OPEN_AROUND
        full = len(self._all) >= self._max
        if crowded or (full and not self._ended):
            self.refused += 1
            return None
        if full:
            self._drop(next(iter(self._ended.values())))
        self._count += 1
        earlier = last.earlier + 1 if last is not None else 0
        record = Record(self._count, which, ground, ground.concerns, judgement, path, at, at, earlier)
        self._all[record.number] = record
        self._latest[which, judgement.key] = record
        self._ended[record.number] = record
        return record

    def _revive(self, record: Record) -> None:
        """It has carriers, the first ones maybe."""
        record.hidden = False
        if self._ended.pop(record.number, None) is not None:
            self._active_at[record.which] += 1
            self._active_around[record.around] += 1

    def _end(self, record: Record) -> None:
        """Its last carrier has left."""
        if record.number not in self._ended:
            self._ended[record.number] = record
            _count_off(self._active_at, record.which)
            _count_off(self._active_around, record.around)

    def _drop(self, record: Record) -> None:
        del self._all[record.number]
        del self._ended[record.number]
        if self._latest.get((record.which, record.judgement.key)) is record:
            del self._latest[record.which, record.judgement.key]


def _count_off(counts: Counter[Any], what: object) -> None:
    """One less; what is not there takes no room."""
    counts[what] -= 1
    if not counts[what]:
        del counts[what]
