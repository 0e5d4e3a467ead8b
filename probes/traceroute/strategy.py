"""What to send next, given what was answered. Pure: time is an argument, no packet is seen.

Theory of operation. TTLs are probed in ascending order, several at once:

- Without knowledge, up to `SILENT_LIMIT` TTLs beyond the last hop that answered are in flight; each answer
  moves that horizon. With `expected_hops` L, TTLs 1 to L+1 go out at once, so that a known path costs one
  round trip.
- A probe unanswered for some patience is sent again, `attempts` times in all, but not beyond the horizon. An
  answer to an earlier attempt still counts until the trace ends.
- A silent TTL whose neighbours both answered is asked once more: a router that is there lost its packets, or
  says nothing to anybody, and one packet tells which. Silent stretches and the silence behind the last hop are
  what firewalls and black holes look like, and no more is spent on them; nor when `attempts` is 1.
- The path ends at the lowest TTL to which the destination answered. Lower TTLs that are silent are asked
  again, since a burst sends several probes to the destination and not all of them need be answered (a second
  SYN of one flow meets a half-open connection, RFC 9293 §3.10.7.4).
- It also ends at a router that says "unreachable", unless a router behind it is heard.
- Nothing is sent further when `SILENT_LIMIT` hops beyond the last one are silent (a black hole) or when a
  router shows up three times with others between (a forwarding loop). The same router several times in a row
  is no loop: routers that hide their insides, and address translators, look like that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from probes.observation import Hop, HopReply, MplsLabel, Rewritten
from probes.traceroute.replies import REACHED

__all__ = ["SILENT_LIMIT", "Answer", "Plan", "Probe", "Strategy"]

SILENT_LIMIT: Final = 5
"""scamper's gap limit is 5 too; longer silent stretches in front of an answering host are rare."""

_WINDOW: Final = 32
"""Packets of one trace in flight; a whole burst of the default 30 hops."""

_FIRST_PATIENCE_S: Final = 1.0
_LEAST_PATIENCE_S: Final = 0.5
"""Seconds. Three round trips of the slowest hop so far, but routers make ICMP errors beside their work, and
often at most a few a second, so that asking again sooner would find them silent again."""

_LOOP_SIGHTINGS: Final = 3

MOST_OTHERS: Final = 8
"""Further routers remembered at one TTL; attempts are fewer, but a hostile one may answer often."""

_REFUSED: Final = frozenset({
    HopReply.HOST_UNREACHABLE, HopReply.NET_UNREACHABLE, HopReply.ADMIN_PROHIBITED,
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The limits of a trace. `deadline` is a point on the caller's monotonic clock, seconds."""

    max_hops: int
    attempts: int
    deadline: float
    expected_hops: int | None = None


class Probe(msgspec.Struct, frozen=True, gc=False):
    """One packet to send. `index` counts the packets of a trace from 0."""

    index: int
    ttl: int


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What came back for a probe; `rtt_s` in seconds since it was sent, the rest as in `Hop`."""

    address: str
    reply: HopReply
    rtt_s: float
    mpls: tuple[MplsLabel, ...] = ()
    ttl: int | None = None
    rewritten: tuple[Rewritten, ...] | None = None
    quoted_destination: str | None = None


@dataclass(slots=True)
class Strategy:
    """One trace under way. Call `due` for what to send, `heard` with answers, until `finished`.

    Each call is cheap: what answers have shown is kept, not looked for again.
    """

    plan: Plan
    looping: str | None = field(default=None, init=False)
    """The router that the path keeps coming back to, None when there is no such loop."""
    _probed: list[int] = field(default_factory=list, init=False)
    """The TTL of each probe, by its index."""
    _sent: list[int] = field(init=False)
    """How many probes were sent, by TTL."""
    _answers: list[Answer | None] = field(init=False)
    """The first answer, by TTL."""
    _others: dict[int, list[str]] = field(default_factory=dict, init=False)
    """The routers that answered later attempts at a TTL, and not the first, by TTL."""
    _awaited: dict[int, float] = field(default_factory=dict, init=False)
    """When each probe that is waited for was sent, in the order of sending."""
    _silent: set[int] = field(default_factory=set, init=False)
    """The TTLs that were probed, are not answered, and are waited for no longer."""
    _fresh: int = field(default=1, init=False)
    """The lowest TTL that was never probed."""
    _last: int = field(default=0, init=False)
    """The highest TTL that was answered."""
    _reached_at: int | None = field(default=None, init=False)
    _refused_at: set[int] = field(default_factory=set, init=False)
    _routers: dict[str, list[int]] = field(default_factory=dict, init=False)
    """The TTLs at which each router said "time exceeded"."""
    _furthest: int = field(default=0, init=False)
    """The highest TTL at which any router did."""
    _window: int = field(default=_WINDOW, init=False)
    _attempts: int = field(init=False)
    _slowest_s: float = field(default=0.0, init=False)
    _patience_s: float = field(default=_FIRST_PATIENCE_S, init=False)

    def __post_init__(self) -> None:
        self._sent = [0] * (self.plan.max_hops + 1)
        self._answers = [None] * (self.plan.max_hops + 1)
        self._attempts = self.plan.attempts

    @property
    def sent(self) -> int:
        """How many probes were sent; their indices are 0 to `sent` - 1."""
        return len(self._probed)

    @property
    def in_flight(self) -> int:
        """How many probes are still waited for."""
        return len(self._awaited)

    @property
    def reached(self) -> bool:
        """Whether the destination answered."""
        return self._reached_at is not None

    def due(self, now: float, room: int = _WINDOW) -> list[Probe]:
        """The probes to send now, lowest TTL first, at most `room`; they count as sent."""
        self._give_up(now)
        probes: list[Probe] = []
        if now >= self.plan.deadline:
            return probes
        room = min(room, self._window - len(self._awaited))
        while len(probes) < room and (ttl := self._wanted()) is not None:
            probes.append(self._sending(ttl, now))
        return probes

    def heard(self, index: int, answer: Answer) -> None:
        """Take an answer to probe `index`; the first one for a TTL stands."""
        self._awaited.pop(index, None)
        ttl = self._probed[index]
        standing = self._answers[ttl]
        if standing is not None:
            self._heard_another(ttl, standing, answer)
            return
        self._answers[ttl] = answer
        if answer.rtt_s >= self._slowest_s:
            self._slowest_s = answer.rtt_s
            self._patience_s = min(max(3 * answer.rtt_s, _LEAST_PATIENCE_S), 2 * _FIRST_PATIENCE_S)
        self._silent.discard(ttl)
        end = self._end()
        self._learn(ttl, answer)
        if self._sent[ttl] > 1 or self._end() != end:
            self._forget_needless()

    def unnamed_answer(self) -> int | None:
        """Which probe an answer belongs to that quotes too little to say so: the only one in flight.

        When several are, the answer is lost, and the trace goes on one probe at a time, with another attempt
        for what it lost.
        """
        if len(self._awaited) == 1:
            return next(iter(self._awaited))
        if self._window > 1:
            self._window = 1
            self._attempts += 1
        return None

    @property
    def starved(self) -> bool:
        """Whether there is a probe to send that `due` was not asked for: what is missing is not the network's."""
        return len(self._awaited) < self._window and self._wanted() is not None

    def finished(self, now: float) -> bool:
        """Whether nothing more is to be sent or waited for."""
        if now >= self.plan.deadline:
            return True
        self._give_up(now)
        return not self._awaited and self._wanted() is None

    def wake_at(self) -> float:
        """When to look again if nothing is heard: a point on the caller's clock."""
        earliest = next(iter(self._awaited.values()), None)
        if earliest is None:
            return self.plan.deadline
        at = earliest + self._patience_s
        return at if at < self.plan.deadline else self.plan.deadline

    def hops(self) -> tuple[Hop, ...]:
        """What was found: TTL 1 to the end of the path, or to the last TTL that was probed."""
        last = self._end() or self._fresh - 1
        return tuple(_hop(ttl, self._answers[ttl], self._others.get(ttl, ())) for ttl in range(1, last + 1))

    def _heard_another(self, ttl: int, standing: Answer, answer: Answer) -> None:
        others = self._others.setdefault(ttl, [])
        is_router = answer.reply is standing.reply is HopReply.TIME_EXCEEDED
        if is_router and answer.address not in (standing.address, *others) and len(others) < MOST_OTHERS:
            others.append(answer.address)

    def _sending(self, ttl: int, now: float) -> Probe:
        probe = Probe(self.sent, ttl)
        self._probed.append(ttl)
        self._sent[ttl] += 1
        self._awaited[probe.index] = now
        self._silent.discard(ttl)
        if ttl >= self._fresh:
            self._fresh = ttl + 1
        return probe

    def _learn(self, ttl: int, answer: Answer) -> None:
        """What one more answered TTL says of the path."""
        self._last = max(self._last, ttl)
        if answer.reply in REACHED:
            self._reached_at = min(self._reached_at or ttl, ttl)
        elif answer.reply in _REFUSED:
            self._refused_at.add(ttl)
        elif answer.reply is HopReply.TIME_EXCEEDED:
            self._furthest = max(self._furthest, ttl)
            sightings = self._routers.setdefault(answer.address, [])
            sightings.append(ttl)
            if len(sightings) >= _LOOP_SIGHTINGS:
                self.looping = self._loop()

    def _loop(self) -> str | None:
        """The router that is met three times with others between: the one where this shows at the lowest TTL."""
        loops = []
        for router, ttls in self._routers.items():
            ttls.sort()
            visits = [ttl for before, ttl in zip([-1, *ttls], ttls, strict=False) if ttl - before > 1]
            if len(visits) >= _LOOP_SIGHTINGS:
                loops.append((visits[_LOOP_SIGHTINGS - 1], router))
        return min(loops)[1] if loops else None

    def _end(self) -> int | None:
        """The TTL at which the path ends, None while it is unknown."""
        if self._reached_at is not None or not self._refused_at:
            return self._reached_at
        return min((ttl for ttl in self._refused_at if ttl > self._furthest), default=None)

    def _wanted(self) -> int | None:
        """The lowest TTL to probe, None when there is nothing to send."""
        burst, horizon = self._reach()
        if self._silent:
            for ttl in sorted(self._silent):
                if ttl <= horizon and self._sent[ttl] < self._attempts + self._is_gap(ttl):
                    return ttl
        return self._fresh if self._fresh <= min(max(burst, horizon), self.plan.max_hops) else None

    def _is_gap(self, ttl: int) -> bool:
        """Whether a silent TTL is the only one between two that answered, of which this host may be the first."""
        if self.plan.attempts == 1 or ttl >= self._last:
            return False
        return self._answers[ttl + 1] is not None and (ttl == 1 or self._answers[ttl - 1] is not None)

    def _reach(self) -> tuple[int, int]:
        """(highest TTL to send once, highest TTL to send again)."""
        end = self._end()
        if end is not None:
            return end - 1, end - 1
        if self.looping is not None:
            return self._last, self._last
        horizon = self._last + SILENT_LIMIT
        if self.plan.expected_hops is None:
            return 0, horizon
        burst = self.plan.expected_hops + 1
        if any(self._last < self._probed[index] <= burst for index in self._awaited):
            # The end of a known path is still to be heard from; until then nothing goes beyond it.
            horizon = min(horizon, burst)
        return burst, horizon

    def _forget_needless(self) -> None:
        """Wait no longer for TTLs that are answered, or lie behind the end of the path."""
        end = self._end()
        for index in list(self._awaited):
            ttl = self._probed[index]
            if self._answers[ttl] is not None:
                del self._awaited[index]
            elif end is not None and ttl > end:
                del self._awaited[index]
                self._silent.add(ttl)  # to be asked again should this prove not to be the end

    def _give_up(self, now: float) -> None:
        while self._awaited:
            index = next(iter(self._awaited))
            if now < self._awaited[index] + self._patience_s:  # as wake_at computes it, to the last bit
                return
            del self._awaited[index]
            self._silent.add(self._probed[index])


def _hop(ttl: int, answer: Answer | None, others: Sequence[str]) -> Hop:
    if answer is None:
        return Hop(ttl=ttl)
    return Hop(
        ttl=ttl, address=answer.address, rtt_s=answer.rtt_s, reply=answer.reply, mpls=answer.mpls,
        reply_ttl=answer.ttl, others=tuple(others), rewritten=answer.rewritten,
        quoted_destination=answer.quoted_destination,
    )  # fmt: skip
