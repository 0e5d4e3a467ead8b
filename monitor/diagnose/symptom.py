"""What one HTTP observation shows, seen beside what is usual for its vantage and target. Pure.

The phase tells the layer: the SYN-ACK comes from the server's kernel, so a flat connect with a raised
wait is the server's own doing, while connect, TLS and wait raised together are the way to it. A connect
of about 1, 3 or 7 s is a lost SYN (RFC 6298 section 5.5: the timer doubles from one second).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum
from math import exp, log, sqrt

from monitor.diagnose.baseline import Baseline
from monitor.diagnose.place import place_of
from monitor.diagnose.usual_hours import UsualHours
from probes.observation import Failure, HttpObservation
from probes.starved import starved


class Symptom(StrEnum):
    """The one thing that is wrong with an exchange, at its first layer; NONE: nothing."""

    NONE = "none"
    NAME_FAILED = "name_failed"
    UNREACHABLE = "unreachable"
    CONNECT_TIMEOUT = "connect_timeout"
    REFUSED = "refused"
    TLS_INVALID = "tls_invalid"
    TLS_STALLED = "tls_stalled"
    READ_TIMEOUT = "read_timeout"
    RESET = "reset"
    SHEDDING = "shedding"
    GATEWAY = "gateway"
    WRONG_ANSWER = "wrong_answer"
    THINK_TIME = "think_time"
    LOST_SYN = "lost_syn"
    RESENT = "resent"
    NETWORK_SLOW = "network_slow"
    UNCLEAR = "unclear"


SILENT = frozenset({Symptom.CONNECT_TIMEOUT, Symptom.UNREACHABLE})
"""Nothing comes from the host at all."""

NOT_OPENED = frozenset({Symptom.LOST_SYN, Symptom.CONNECT_TIMEOUT})
"""Connections are slow to open, or do not."""

UNANSWERED = SILENT | {Symptom.TLS_STALLED, Symptom.READ_TIMEOUT}
"""Nobody answers: not the host, or not what should run on it."""

ANSWERED_WRONGLY = frozenset({
    Symptom.WRONG_ANSWER, Symptom.GATEWAY, Symptom.SHEDDING, Symptom.REFUSED, Symptom.RESET,
})  # fmt: skip
"""Somebody is there, and does not do what the server does."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An observation with its symptom, and the figures that the judgement was made on (seconds).

    `rise_s`: by how much its round trip is longer than usual; None: either is not known. `bad`: something is wrong
    with it. `resent`: how many packets our kernel sent again once connected; None: not
    connected, or not measured. Both are kept: they are asked of all recent ones whenever another comes.
    """

    observation: HttpObservation
    symptom: Symptom
    known_at: float
    rtt_s: float | None
    think_s: float | None
    rise_s: float | None = None
    bad: bool = field(init=False)
    resent: int | None = field(init=False)

    def __post_init__(self) -> None:
        """Work out what follows from the rest."""
        object.__setattr__(self, "bad", self.symptom is not Symptom.NONE)
        object.__setattr__(self, "resent", _resent(self.observation))


def _resent(observation: HttpObservation) -> int | None:
    """How many packets were sent again once connected; None: not connected, or not measured.

    A SYN that was lost tells little, for a full listen queue drops it too; how long it took to connect says how
    many were. What follows is only lost on the way: the server's kernel takes it in however busy its
    programs are.
    """
    connect_s, again = observation.connect_s, observation.retransmits
    if connect_s is None or again is None:
        return None
    return max(again - _lost_syns(connect_s), 0)


def _lost_syns(connect_s: float) -> int:
    """How many SYNs were sent again, by the first schedule that has one answered then; else by doubling."""
    if connect_s < SYN_RETRY_S[0] - SYN_EARLY_S:
        return 0
    for schedule in SYN_SCHEDULES_S:
        sent = [at for at in schedule if connect_s >= at - SYN_EARLY_S]
        if not sent or connect_s <= sent[-1] + SYN_RETRY_SLACK_S:
            return len(sent)
    return sum(connect_s >= at - SYN_EARLY_S for at in SYN_SCHEDULES_S[0])


class Usual:
    """What is usual between one vantage and one target, of late and at this hour of the week.

    The round trip is kept per address, for the addresses of one name may be a continent apart, and per place, by
    which an address is judged until it is known itself: a name may have more addresses than are asked in an hour.
    The think time is kept per family, in logarithms, for think times are lognormal (a spread of a quarter to
    almost one).
    """

    __slots__ = ("_around", "_hours", "_rtt", "_think")

    def __init__(self, hours: UsualHours | None = None) -> None:
        self._hours = hours or UsualHours()
        self._rtt: OrderedDict[str | None, Baseline] = OrderedDict()
        self._around: OrderedDict[str | None, Baseline] = OrderedDict()
        self._think: dict[int | None, Baseline] = {}

    def learn(self, judged: Judged) -> None:
        """Take a clean observation into the baselines."""
        observation = judged.observation
        if judged.rtt_s is not None:
            _learn_trip(self._rtt, observation.address, judged.rtt_s)
            _learn_trip(self._around, place_of(observation.address or ""), judged.rtt_s)
        if judged.think_s is not None:
            think = self._think.get(observation.family)
            if think is None:
                think = self._think[observation.family] = Baseline()
            think.add(log(max(judged.think_s, SHORTEST_THINK_S)))

    def learn_hour(self, judged: Judged) -> None:
        """Take any answer into its hour, be it slow: what is slow at this hour of each week is usual then."""
        answered = judged.observation.failure in (None, Failure.TOO_SLOW)
        self._hours.add(judged.known_at, judged.rtt_s, judged.think_s if answered else None)

    def rtt(self, observation: HttpObservation) -> Baseline:
        """The round trips to the observation's address, or to its place until enough are known; maybe empty."""
        own = self._rtt.get(observation.address, _UNKNOWN_WAY)
        return own if own.known else self._around.get(place_of(observation.address or ""), own)

    def think_s(self, observation: HttpObservation) -> float | None:
        """The usual think time over the observation's family; None before there is a baseline."""
        think = self._think.get(observation.family)
        return exp(think.median) if think is not None and think.known else None

    def is_slow(self, observation: HttpObservation, think_s: float, at: float) -> bool:
        """Whether a think time is longer than usual by more than chance, and by enough to care."""
        think = self._think.get(observation.family)
        if think is None or not think.known or think_s - exp(think.median) < THINK_FLOOR_S:
            return False
        # What is left of a wait without a round trip varies as two round trips do.
        floor_s = max(THINK_FLOOR_S, THINK_SIGMAS * sqrt(2.0) * self.rtt(observation).deviation)
        if think_s - exp(think.median) < floor_s:
            return False
        spread = max(think.deviation, THINK_SPREAD if len(think) >= SPREAD_KNOWN else YOUNG_SPREAD)
        thought = log(max(think_s, SHORTEST_THINK_S))
        above = THINK_SIGMAS * spread
        if think_s - exp(think.median) >= LONG_WAIT_S:
            above = min(above, log(MANY_TIMES))
        if thought <= think.median + above:
            return False
        of_hour = min(self._hours.think_s(at) or 0.0, exp(think.median) + MOST_OF_HOUR_THINK_S)
        level = max(log(max(of_hour, SHORTEST_THINK_S)), think.median)
        return think_s - of_hour >= floor_s and thought > level + above

    def is_far(self, observation: HttpObservation, rtt_s: float, at: float) -> bool:
        """Whether a round trip is longer than usual by more than chance, and by enough to care."""
        far = self.rtt(observation).is_raised(rtt_s, **RTT_RAISED)
        return far and not self.is_known_level(observation, rtt_s, at)

    def halfway_nearer_s(self, judged: Judged) -> float | None:
        """The middle between the usual round trip and this one, where that is shorter than it ever was; else None.

        Below it lies whoever is as near as this, however soon that is usual.
        """
        observation, rtt_s = judged.observation, judged.rtt_s
        way = self.rtt(observation)
        if rtt_s is None or not way.known:
            return None
        least_s = max(NEARER_SHARE * way.median, RTT_RAISED["floor"])
        if way.median - rtt_s <= least_s or way.median - rtt_s <= RTT_RAISED["sigmas"] * way.deviation:
            return None
        known = self.is_known_level(observation, rtt_s, judged.known_at)
        return None if known else (way.median + rtt_s) / 2

    def is_known_level(self, observation: HttpObservation, rtt_s: float, at: float) -> bool:
        """Whether a round trip is no news though it is not the usual one of late: it is so at this hour; or it was
        so not long ago, before a detour that ends now, to this address or another of its place.
        """
        if self.is_of_hour(observation, rtt_s, at):
            return True
        slack = max(SAME_LEVEL["share"] * rtt_s, SAME_LEVEL["floor"])
        around = self._around.get(place_of(observation.address or ""), _UNKNOWN_WAY)
        own = self._rtt.get(observation.address, _UNKNOWN_WAY)
        return own.was_at(rtt_s, slack) or around.was_at(rtt_s, slack)

    def is_of_hour(self, observation: HttpObservation, rtt_s: float, at: float) -> bool:
        """Whether a round trip is between what is usual of late and what is usual, higher, at this hour.

        The hours are of all addresses together: where these are not equally far, they say nothing of any.
        """
        way, of_hour = self.rtt(observation), self._hours.rtt_s(at)
        if of_hour is None or not way.known or not way.median < min(of_hour, rtt_s) or not self._is_one_way(way):
            return False
        above = min(of_hour - way.median, MOST_OF_HOUR_RTT_S)
        level = way.median + above
        slack = max(RTT_RAISED["sigmas"] * way.deviation, RTT_RAISED["share"] * level, RTT_RAISED["floor"], above)
        return rtt_s <= level + slack

    def _is_one_way(self, way: Baseline) -> bool:
        apart = max(RTT_RAISED["share"] * way.median, RTT_RAISED["floor"])
        return all(abs(other.median - way.median) <= apart for other in self._rtt.values())


def _learn_trip(ways: OrderedDict[str | None, Baseline], to: str | None, rtt_s: float) -> None:
    way = ways.get(to)
    if way is None:
        way = ways[to] = Baseline()
    ways.move_to_end(to)
    way.add(rtt_s)
    if len(ways) > KEPT_ADDRESSES:
        ways.popitem(last=False)


_UNKNOWN_WAY = Baseline()
"""That of an address of which nothing was learned; nothing is ever added to it."""

MOST_OF_HOUR_RTT_S = 0.1
MOST_OF_HOUR_THINK_S = 1.0
"""What an hour of the week may add to what is usual. Who waits for longer suffers, be it every evening."""

KEPT_ADDRESSES = 256
"""Addresses of one target whose round trips are remembered; a large CDN rotates through hundreds."""

SHORTEST_THINK_S = 1e-4

# What an operator would care about; below these an increase is not worth waking anybody: 80 ms, and e times
# the usual (four deviations of a quarter in the logarithm).
THINK_FLOOR_S = 0.080
THINK_SIGMAS = 4.0
LONG_WAIT_S, MANY_TIMES = 1.0, 8.0
# However unevenly a server thinks, who waits for so much longer, and so many times as long, calls it slow.
THINK_SPREAD = 0.25
YOUNG_SPREAD = 0.6
SPREAD_KNOWN = 20
"""Of fewer think times the spread is anybody's guess; until then it is taken for that of an uneven server."""
RTT_RAISED = {"sigmas": 6.0, "share": 0.2, "floor": 0.008}
NEARER_SHARE = 0.2
"""A round trip that is shorter by this share, and as surely as one that is raised, comes by a shorter way."""
SAME_LEVEL = {"share": 0.1, "floor": 0.004}
"""Round trips so near to each other, by half of what would make one far, are of one way."""

SYN_SCHEDULES_S = ((1.0, 3.0, 7.0, 15.0), (1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 11.0, 19.0))
"""When an unanswered SYN is sent again: each time after twice as long (RFC 6298 section 5.5), as a server does
with its SYN-ACK too; by Linux since 6.5 four times after a second each before that
(net.ipv4.tcp_syn_linear_timeouts). A fact does not say which kernel measured it."""
SYN_RETRY_S = tuple(sorted({sent for schedule in SYN_SCHEDULES_S for sent in schedule}))
SYN_EARLY_S = 0.1
"""Kernels' timers have a grain; a SYN sent again is not answered earlier than this before its time."""
SYN_RETRY_SLACK_S = 0.45
ROUND_TRIPS = 3.0
RESENT_S = 0.4
"""What a longer round trip, and each packet sent again, can add to the wait for an answer."""
LOST_S = 1.5
"""A packet at the end of what was sent is missed by nobody, and its timer doubles (RFC 6298 section 5.5)."""

_BY_FAILURE = {
    Failure.CONNECT_TIMEOUT: Symptom.CONNECT_TIMEOUT,
    Failure.CONNECTION_REFUSED: Symptom.REFUSED,
    Failure.NETWORK_UNREACHABLE: Symptom.UNREACHABLE,
    Failure.HOST_UNREACHABLE: Symptom.UNREACHABLE,
    Failure.CONNECT_RESET: Symptom.RESET,
    Failure.CONNECT_ERROR: Symptom.UNREACHABLE,
    Failure.TLS_EXPIRED: Symptom.TLS_INVALID,
    Failure.TLS_NOT_YET_VALID: Symptom.TLS_INVALID,
    Failure.TLS_UNTRUSTED: Symptom.TLS_INVALID,
    Failure.TLS_NAME_MISMATCH: Symptom.TLS_INVALID,
    Failure.TLS_REVOKED: Symptom.TLS_INVALID,
    Failure.TLS_HANDSHAKE_TIMEOUT: Symptom.TLS_STALLED,
    Failure.TLS_RESET: Symptom.RESET,
    Failure.TLS_CLOSED: Symptom.RESET,
    Failure.TLS_ERROR: Symptom.TLS_STALLED,
    Failure.WRITE_TIMEOUT: Symptom.READ_TIMEOUT,
    Failure.READ_TIMEOUT: Symptom.READ_TIMEOUT,
    Failure.CONNECTION_RESET: Symptom.RESET,
    Failure.CONNECTION_CLOSED: Symptom.RESET,
    Failure.TOO_SLOW: Symptom.THINK_TIME,
    Failure.UNKNOWN: Symptom.UNCLEAR,
}
_TIMED_OUT = frozenset({
    Failure.DNS_TIMEOUT, Failure.CONNECT_TIMEOUT, Failure.TLS_HANDSHAKE_TIMEOUT, Failure.WRITE_TIMEOUT,
    Failure.READ_TIMEOUT, Failure.TOO_SLOW,
})  # fmt: skip
SHEDDING_STATUS = frozenset({429, 503})
GATEWAY_STATUS = frozenset({502, 504, 520, 521, 522, 523, 524})


def judge(observation: HttpObservation, usual: Usual, known_at: float) -> Judged | None:
    """Judge one observation; None when it says nothing of the target, because the monitor itself failed.

    The times of a starved monitor are no evidence, and neither is a deadline that passed meanwhile; what an
    answer said stays true.
    """
    failure = observation.failure
    if failure in (Failure.PERMISSION_DENIED, Failure.MONITOR_FAULT):
        return None
    if starved(observation):
        if failure in _TIMED_OUT:
            return None
        symptom = Symptom.NONE if failure is None else _of_failure(observation, failure, None, usual, known_at)
        return Judged(observation, symptom, known_at, None, None)
    way = usual.rtt(observation)
    rtt_s, think_s = _figures(observation, way)
    if failure is not None:
        symptom = _of_failure(observation, failure, think_s, usual, known_at)
    else:
        symptom = _of_timing(observation, rtt_s, think_s, usual, way, known_at)
    rise_s = rtt_s - way.median if rtt_s is not None and way.known else None
    return Judged(observation, symptom, known_at, rtt_s, think_s, rise_s)


def round_trip_s(observation: HttpObservation) -> float | None:
    """The round trip to the server, in seconds. The kernel's own figure is the referee where there is one."""
    connect_s = observation.connect_s
    kernel_s = observation.kernel_min_rtt_s or observation.kernel_rtt_s
    return connect_s if kernel_s is None else kernel_s if connect_s is None else min(kernel_s, connect_s)


def _figures(observation: HttpObservation, way: Baseline) -> tuple[float | None, float | None]:
    """Round trip and think time. What connecting took is no round trip where a SYN was sent again."""
    rtt_s = round_trip_s(observation)
    if rtt_s is not None and rtt_s == observation.connect_s and _is_of_lost_syn(rtt_s, way):
        rtt_s = None
    if observation.wait_s is None:
        return rtt_s, None
    return rtt_s, max(observation.wait_s - (way.median if rtt_s is None else rtt_s), 0.0)


def _is_of_lost_syn(connect_s: float, way: Baseline) -> bool:
    """Whether connecting took what it takes when SYNs are lost, on a way that is usually much shorter."""
    if connect_s < SYN_RETRY_S[0] or not way.known or way.median >= SYN_RETRY_SLACK_S:
        return False
    slack_s = max(SYN_RETRY_SLACK_S, 2 * way.median)
    return any(retry <= connect_s <= retry + slack_s for retry in SYN_RETRY_S)


def _of_failure(
    observation: HttpObservation, failure: Failure, think_s: float | None, usual: Usual, at: float
) -> Symptom:
    if failure.value.startswith("dns_"):
        return Symptom.NAME_FAILED
    if failure in _BY_FAILURE:
        return _BY_FAILURE[failure]
    status = observation.status
    if status in SHEDDING_STATUS:
        return Symptom.SHEDDING
    if status in GATEWAY_STATUS:
        return Symptom.GATEWAY
    slow = think_s is not None and usual.is_slow(observation, think_s, at)
    if slow and status is not None and status >= 500:
        return Symptom.SHEDDING
    return Symptom.WRONG_ANSWER


def _of_timing(
    observation: HttpObservation,
    rtt_s: float | None,
    think_s: float | None,
    usual: Usual,
    way: Baseline,
    at: float,
) -> Symptom:
    connect_s = observation.connect_s
    if connect_s is not None and _is_of_lost_syn(connect_s, way):
        return Symptom.LOST_SYN
    raised = rtt_s is not None and usual.is_far(observation, rtt_s, at)
    if think_s is not None and usual.is_slow(observation, think_s, at):
        longer = rtt_s - way.median if rtt_s is not None and raised else 0.0
        by_network = ROUND_TRIPS * longer + RESENT_S * (observation.retransmits or 0)
        if raised and think_s <= by_network:
            return Symptom.NETWORK_SLOW
        lost = think_s <= (usual.think_s(observation) or 0.0) + LOST_S * (observation.retransmits or 0)
        return Symptom.RESENT if lost else Symptom.THINK_TIME
    return Symptom.NETWORK_SLOW if raised else Symptom.NONE
