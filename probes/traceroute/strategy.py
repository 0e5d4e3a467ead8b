"""What to send next, given what was answered. Pure: time is an argument, no packet is seen.

Theory of operation. TTLs are probed in ascending order, several at once:

- Without knowledge, up to `SILENT_LIMIT` TTLs beyond the last hop that answered are in flight; each answer
  moves that horizon. With `expected_hops` L, TTLs 1 to L+1 go out at once, so that a known path costs one
  round trip.
- A probe unanswered for some patience is sent again, `attempts` times in all, but not beyond the horizon. An
  answer to an earlier attempt still counts until the trace ends.
- The path ends at the lowest TTL to which the destination answered. Lower TTLs that are silent are asked
  again, since a burst sends several probes to the destination and not all of them need be answered (a second
  SYN of one flow meets a half-open connection, RFC 9293 §3.10.7.4).
- It also ends at a router that says "unreachable", unless a router behind it is heard.
- Nothing is sent further when `SILENT_LIMIT` hops beyond the last one are silent (a black hole) or when a
  router shows up three times with others between (a forwarding loop). The same router several times in a row
  is no loop: routers that hide their insides, and address translators, look like that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from probes.observation import Hop, HopReply, MplsLabel
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


@dataclass(frozen=True, slots=True)
class Probe:
    """One packet to send. `index` counts the packets of a trace from 0."""

    index: int
    ttl: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for a probe; `rtt_s` in seconds since it was sent."""

    address: str
    reply: HopReply
    rtt_s: float
    mpls: tuple[MplsLabel, ...] = ()


@dataclass(slots=True)
class _Round:
    """What is known of one TTL: packets sent, and the first answer."""

    sent: int = 0
    answer: Answer | None = None


@dataclass(slots=True)
class Strategy:
    """One trace under way. Call `due` for what to send, `heard` with answers, until `finished`."""

    plan: Plan
    _rounds: list[_Round] = field(init=False)
    _probes: list[Probe] = field(default_factory=list, init=False)
    _awaited: dict[int, float] = field(default_factory=dict, init=False)
    _window: int = field(default=_WINDOW, init=False)
    _attempts: int = field(init=False)
    _slowest_s: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._rounds = [_Round() for _ in range(self.plan.max_hops)]
        self._attempts = self.plan.attempts

    @property
    def sent(self) -> int:
        """How many probes were sent; their indices are 0 to `sent` - 1."""
        return len(self._probes)

    @property
    def in_flight(self) -> int:
        """How many probes are still waited for."""
        return len(self._awaited)

    @property
    def reached(self) -> bool:
        """Whether the destination answered."""
        return any(r.answer is not None and r.answer.reply in REACHED for r in self._rounds)

    @property
    def looping(self) -> str | None:
        """The router that the path keeps coming back to, None when there is no such loop."""
        seen: dict[str, list[int]] = {}
        for ttl, answer in self._answers():
            if answer.reply is not HopReply.TIME_EXCEEDED:
                continue
            sightings = seen.setdefault(answer.address, [])
            if not sightings or ttl - sightings[-1] > 1:
                sightings.append(ttl)
            else:
                sightings[-1] = ttl
            if len(sightings) >= _LOOP_SIGHTINGS:
                return answer.address
        return None

    def due(self, now: float, room: int = _WINDOW) -> list[Probe]:
        """The probes to send now, lowest TTL first, at most `room`; they count as sent."""
        self._give_up(now)
        if now >= self.plan.deadline:
            return []
        room = min(room, self._window - self.in_flight)
        probes = []
        for ttl in self._wanted()[: max(room, 0)]:
            probe = Probe(self.sent, ttl)
            self._probes.append(probe)
            self._rounds[ttl - 1].sent += 1
            self._awaited[probe.index] = now
            probes.append(probe)
        return probes

    def heard(self, index: int, answer: Answer) -> None:
        """Take an answer to probe `index`; the first one for a TTL stands."""
        self._awaited.pop(index, None)
        answered = self._rounds[self._probes[index].ttl - 1]
        if answered.answer is None:
            answered.answer = answer
            self._slowest_s = max(self._slowest_s or 0.0, answer.rtt_s)
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

    def finished(self, now: float) -> bool:
        """Whether nothing more is to be sent or waited for."""
        if now >= self.plan.deadline:
            return True
        self._give_up(now)
        return not self._awaited and not self._wanted()

    def wake_at(self) -> float:
        """When to look again if nothing is heard: a point on the caller's clock."""
        earliest = min(self._awaited.values(), default=None)
        if earliest is None:
            return self.plan.deadline
        return min(earliest + self._patience(), self.plan.deadline)

    def hops(self) -> tuple[Hop, ...]:
        """What was found: TTL 1 to the end of the path, or to the last TTL that was probed."""
        probed = max((probe.ttl for probe in self._probes), default=0)
        last = self._end() or probed
        return tuple(_hop(ttl, found.answer) for ttl, found in enumerate(self._rounds[:last], start=1))

    def _answers(self) -> list[tuple[int, Answer]]:
        return [(ttl, r.answer) for ttl, r in enumerate(self._rounds, start=1) if r.answer is not None]

    def _end(self) -> int | None:
        """The TTL at which the path ends, None while it is unknown."""
        answers = self._answers()
        for ttl, answer in answers:
            if answer.reply in REACHED:
                return ttl
        furthest = max((ttl for ttl, a in answers if a.reply is HopReply.TIME_EXCEEDED), default=0)
        return next((ttl for ttl, a in answers if a.reply in _REFUSED and ttl > furthest), None)

    def _wanted(self) -> list[int]:
        """The TTLs to probe, ascending."""
        waiting = {self._probes[index].ttl for index in self._awaited}
        burst, horizon = self._reach()
        return [
            ttl
            for ttl, found in enumerate(self._rounds[: max(burst, horizon)], start=1)
            if found.answer is None
            and ttl not in waiting
            and found.sent < self._attempts
            and (ttl <= horizon or found.sent == 0)
        ]

    def _reach(self) -> tuple[int, int]:
        """(highest TTL to send once, highest TTL to send again)."""
        end = self._end()
        if end is not None:
            return end - 1, end - 1
        last = max((ttl for ttl, _ in self._answers()), default=0)
        if self.looping is not None:
            return last, last
        burst = 0 if self.plan.expected_hops is None else self.plan.expected_hops + 1
        horizon = last + SILENT_LIMIT
        if any(last < self._probes[index].ttl <= burst for index in self._awaited):
            # The end of a known path is still to be heard from; until then nothing goes beyond it.
            horizon = min(horizon, burst)
        return burst, horizon

    def _forget_needless(self) -> None:
        """Wait no longer for TTLs that are answered, or lie behind the end of the path."""
        end = self._end()
        for index in list(self._awaited):
            ttl = self._probes[index].ttl
            if self._rounds[ttl - 1].answer is not None or (end is not None and ttl > end):
                del self._awaited[index]

    def _give_up(self, now: float) -> None:
        patience = self._patience()
        for index, sent_at in list(self._awaited.items()):
            if now >= sent_at + patience:  # as wake_at computes it, to the last bit
                del self._awaited[index]

    def _patience(self) -> float:
        if self._slowest_s is None:
            return _FIRST_PATIENCE_S
        return min(max(3 * self._slowest_s, _LEAST_PATIENCE_S), 2 * _FIRST_PATIENCE_S)


def _hop(ttl: int, answer: Answer | None) -> Hop:
    if answer is None:
        return Hop(ttl=ttl)
    return Hop(ttl=ttl, address=answer.address, rtt_s=answer.rtt_s, reply=answer.reply, mpls=answer.mpls)
