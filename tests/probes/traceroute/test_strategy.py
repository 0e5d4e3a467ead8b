"""What a trace sends next, played against networks that are written down as tables; time is a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.observation import HopReply
from probes.traceroute.strategy import MOST_OTHERS, SILENT_LIMIT, Answer, Plan, Strategy

EXCEEDED, SYN_ACK, ECHO = HopReply.TIME_EXCEEDED, HopReply.SYN_ACK, HopReply.ECHO_REPLY
REFUSED = HopReply.ADMIN_PROHIBITED
END = 100.0


def plan(**changes: int | float | None) -> Plan:
    """The default limits of a trace, changed in some."""
    limits: dict[str, int | float | None] = {"max_hops": 30, "attempts": 2, "deadline": END, "expected_hops": None}
    return Plan(**(limits | changes))  # type: ignore[arg-type]


@dataclass
class Network:
    """Answers by TTL: (address, reply, delay in seconds); TTLs without an entry are silent.

    `deaf`: how many probes of a TTL are lost before one is answered. TTLs beyond `end` are answered as it is.
    """

    answers: Mapping[int, tuple[str, HopReply, float]]
    end: int | None = None
    deaf: dict[int, int] = field(default_factory=dict)
    sent: list[tuple[float, int]] = field(default_factory=list)

    def answer(self, ttl: int, now: float) -> tuple[float, Answer] | None:
        """When the answer to a probe sent now comes, and what it is."""
        self.sent.append((now, ttl))
        if self.deaf.get(ttl, 0) > 0:
            self.deaf[ttl] -= 1
            return None
        known = self.answers.get(self.end if self.end and ttl > self.end else ttl)
        if known is None:
            return None
        address, reply, delay = known
        return now + delay, Answer(address, reply, delay)


def routers(*names: str, end: tuple[str, HopReply] | None = None, delay: float = 0.02) -> Network:
    """A network whose routers answer in order ('' is silent), and then the destination."""
    answers = {ttl: (name, EXCEEDED, delay) for ttl, name in enumerate(names, start=1) if name}
    if end is None:
        return Network(answers)
    last = len(names) + 1
    return Network({**answers, last: (*end, delay)}, end=last)


def play(strategy: Strategy, network: Network) -> float:
    """Run a trace against a network until it is finished; returns the time it took."""
    now = 0.0
    coming: list[tuple[float, int, Answer]] = []
    while not strategy.finished(now):
        for probe in strategy.due(now):
            if answer := network.answer(probe.ttl, now):
                coming.append((answer[0], probe.index, answer[1]))
        coming.sort(key=lambda item: item[0])
        if coming and coming[0][0] <= strategy.wake_at():
            now, index, answer_now = coming.pop(0)
            strategy.heard(index, answer_now)
        else:
            now = max(now, strategy.wake_at())
    return now


def seen(strategy: Strategy) -> list[str | None]:
    """The addresses of the hops."""
    return [hop.address for hop in strategy.hops()]


def test_a_path_of_routers_ends_at_the_destination() -> None:
    """Each TTL up to the destination is one hop, and nothing behind it is reported."""
    strategy = Strategy(plan())
    took = play(strategy, routers("a", "b", "c", end=("d", SYN_ACK)))

    assert seen(strategy) == ["a", "b", "c", "d"]
    assert [hop.reply for hop in strategy.hops()] == [EXCEEDED, EXCEEDED, EXCEEDED, SYN_ACK]
    assert strategy.reached
    assert took == pytest.approx(0.02)


def test_a_long_path_moves_the_horizon_along() -> None:
    """No more than five TTLs beyond the last answer are sent, and a path of 20 is still found."""
    strategy = Strategy(plan())
    network = routers(*(f"r{n}" for n in range(1, 20)), end=("d", ECHO))
    took = play(strategy, network)

    assert seen(strategy) == [*(f"r{n}" for n in range(1, 20)), "d"]
    assert max(ttl for _, ttl in network.sent) <= 20 + SILENT_LIMIT
    assert took < 20 * 0.02


def test_a_known_length_goes_out_in_one_burst() -> None:
    """TTL 1 to L+1 at once: one round trip, and each once."""
    strategy = Strategy(plan(expected_hops=12))
    network = routers(*(f"r{n}" for n in range(1, 12)), end=("d", ECHO))
    took = play(strategy, network)

    assert network.sent == [(0.0, ttl) for ttl in range(1, 14)]
    assert took == pytest.approx(0.02)
    assert len(strategy.hops()) == 12


def test_a_path_that_became_longer_is_extended_beyond_the_burst() -> None:
    """When TTL L+1 is still a router, the trace goes on."""
    strategy = Strategy(plan(expected_hops=2))
    play(strategy, routers("a", "b", "c", "d", "e", "f", "g", "h", end=("i", ECHO)))

    assert seen(strategy) == list("abcdefghi")


def test_a_path_that_became_shorter_ends_at_the_lowest_answer() -> None:
    """The burst meets the destination several times; the lowest TTL counts."""
    strategy = Strategy(plan(expected_hops=9))
    play(strategy, routers("a", "b", end=("c", ECHO)))

    assert seen(strategy) == ["a", "b", "c"]


def test_a_destination_that_answers_only_the_second_syn_is_not_a_hop_too_far() -> None:
    """The answer to TTL 4 came first; TTL 3 is asked again before the path is believed to be 4 long."""
    strategy = Strategy(plan(expected_hops=3))
    network = routers("a", "b", end=("c", SYN_ACK))
    network.deaf = {3: 1}
    play(strategy, network)

    assert seen(strategy) == ["a", "b", "c"]


def test_a_silent_router_costs_one_packet_more_and_is_left_empty() -> None:
    """The hops around it stay."""
    strategy = Strategy(plan())
    network = routers("a", "", "c", end=("d", ECHO))
    play(strategy, network)

    assert seen(strategy) == ["a", None, "c", "d"]
    assert [ttl for _, ttl in network.sent].count(2) == 3


@pytest.mark.parametrize(("attempts", "most"), [(1, 1), (3, 4)])
def test_attempts_bound_what_is_sent_to_a_silent_hop(attempts: int, most: int) -> None:
    """One more between hops that answered, none where the caller wants no second attempt."""
    strategy = Strategy(plan(attempts=attempts))
    network = routers("a", "", end=("c", ECHO))
    play(strategy, network)

    assert [ttl for _, ttl in network.sent].count(2) == most


@pytest.mark.parametrize("expected", [None, 3])
@pytest.mark.parametrize("ttl", [1, 2, 3])
def test_a_hop_that_lost_both_attempts_is_found_by_one_more(ttl: int, expected: int | None) -> None:
    """With 5 % of the answers lost this is one hop of 400: the first, one in between, or the destination."""
    strategy = Strategy(plan(expected_hops=expected))
    network = routers("a", "b", end=("c", ECHO))
    network.deaf = {ttl: 2}
    play(strategy, network)

    assert seen(strategy) == ["a", "b", "c"]
    assert [sent for _, sent in network.sent].count(ttl) == 3


def test_a_stretch_of_silent_routers_is_asked_no_more_than_twice() -> None:
    """Two in a row are routers that keep silent, not packets that were lost."""
    strategy = Strategy(plan())
    network = routers("a", "", "", "d", end=("e", ECHO))
    play(strategy, network)

    assert seen(strategy) == ["a", None, None, "d", "e"]
    assert [[ttl for _, ttl in network.sent].count(silent) for silent in (2, 3)] == [2, 2]


def test_a_lost_probe_is_made_good_by_the_second_attempt() -> None:
    """Loss is not silence."""
    strategy = Strategy(plan())
    network = routers("a", "b", end=("c", ECHO))
    network.deaf = {1: 1, 2: 1}
    play(strategy, network)

    assert seen(strategy) == ["a", "b", "c"]


def test_a_black_hole_ends_the_trace_after_five_silent_hops() -> None:
    """Two attempts for each of five TTLs, then the last answer is the last router that lives."""
    strategy = Strategy(plan())
    network = routers("a", "b")
    took = play(strategy, network)

    assert seen(strategy) == ["a", "b", *[None] * SILENT_LIMIT]
    assert not strategy.reached
    assert len(network.sent) == 2 + 2 * SILENT_LIMIT
    assert took < 2.5


def test_a_black_hole_inside_a_known_path_is_not_asked_again_to_its_end() -> None:
    """The burst covers 13 TTLs; only the five beyond the last answer get a second probe."""
    strategy = Strategy(plan(expected_hops=12))
    network = routers("a", "b")
    play(strategy, network)

    assert len(network.sent) == 13 + SILENT_LIMIT
    assert len(strategy.hops()) == 13


def test_a_destination_behind_a_long_silence_is_found_by_the_burst() -> None:
    """Seven silent routers hide it from an unknowing trace, not from one that knows the length."""
    network = Network({1: ("a", EXCEEDED, 0.02), 9: ("d", SYN_ACK, 0.02)}, end=9)
    unknowing, knowing = Strategy(plan()), Strategy(plan(expected_hops=9))
    play(unknowing, network)
    play(knowing, network)

    assert not unknowing.reached
    assert seen(knowing) == ["a", *[None] * 7, "d"]


def test_nothing_at_all_is_five_empty_hops() -> None:
    """A vantage without any answer is done in two waits."""
    strategy = Strategy(plan())

    assert play(strategy, routers()) == pytest.approx(2.0)
    assert seen(strategy) == [None] * SILENT_LIMIT


def test_max_hops_is_the_end() -> None:
    """Nothing is sent beyond it, and the trace ends there without reaching."""
    strategy = Strategy(plan(max_hops=3))
    network = routers("a", "b", "c", "d", end=("e", ECHO))
    play(strategy, network)

    assert seen(strategy) == ["a", "b", "c"]
    assert {ttl for _, ttl in network.sent} == {1, 2, 3}
    assert not strategy.reached


def test_a_late_answer_still_counts() -> None:
    """An answer after the patience, while the trace goes on, fills its hop with its own round trip."""
    strategy = Strategy(plan())
    network = Network({1: ("slow", EXCEEDED, 0.8), 2: ("b", EXCEEDED, 0.02), 3: ("c", ECHO, 0.02)}, end=3)
    play(strategy, network)

    assert seen(strategy) == ["slow", "b", "c"]
    assert strategy.hops()[0].rtt_s == 0.8


def test_the_first_of_two_balanced_answers_stands() -> None:
    """Per-packet balancing may answer two attempts from two routers; a hop is one of them, not a mix."""
    strategy = Strategy(plan())
    (first, *_) = strategy.due(0.0)
    (again,) = [probe for probe in strategy.due(1.0) if probe.ttl == first.ttl]
    strategy.heard(again.index, Answer("left", EXCEEDED, 0.1))
    strategy.heard(first.index, Answer("right", EXCEEDED, 1.2))

    assert strategy.hops()[0].address == "left"
    assert strategy.hops()[0].rtt_s == 0.1


@pytest.mark.parametrize("kind", [HopReply.HOST_UNREACHABLE, HopReply.NET_UNREACHABLE, REFUSED])
def test_a_router_that_refuses_is_the_last_hop(kind: HopReply) -> None:
    """The path ends there, unreached, and no time is lost behind it."""
    strategy = Strategy(plan())
    took = play(strategy, routers("a", end=("b", kind)))

    assert [(hop.address, hop.reply) for hop in strategy.hops()] == [("a", EXCEEDED), ("b", kind)]
    assert not strategy.reached
    assert took < 0.1


def test_a_refusal_with_a_router_behind_it_is_not_the_end() -> None:
    """A router that refuses some packets only is a hop like any other."""
    answers = {1: ("a", REFUSED, 0.03), 2: ("b", EXCEEDED, 0.01), 3: ("c", ECHO, 0.05)}
    strategy = Strategy(plan())
    play(strategy, Network(answers, end=3))

    assert seen(strategy) == ["a", "b", "c"]
    assert strategy.reached


def test_a_loop_is_named_and_left() -> None:
    """Two routers that alternate: the third sighting of one stops the extension."""
    strategy = Strategy(plan())
    network = routers("a", *["b", "c"] * 14)
    play(strategy, network)

    assert strategy.looping == "b"
    assert max(ttl for _, ttl in network.sent) <= 6 + SILENT_LIMIT


def test_one_router_many_times_in_a_row_is_no_loop() -> None:
    """A translator in front of a private network answers for all behind it; the destination is reached."""
    strategy = Strategy(plan())
    play(strategy, routers("a", "nat", "nat", "nat", "nat", end=("d", ECHO)))

    assert strategy.looping is None
    assert strategy.reached


def test_the_deadline_ends_everything() -> None:
    """Nothing is sent at or after it, and no waking is later."""
    strategy = Strategy(plan(deadline=0.5))
    strategy.due(0.0)

    assert strategy.wake_at() == 0.5
    assert not strategy.finished(0.49)
    assert strategy.finished(0.5)
    assert strategy.due(0.5) == []


def test_a_trace_without_room_is_starved_and_one_that_waits_is_not() -> None:
    """What was not sent says nothing of the network; what is not answered does."""
    strategy = Strategy(plan())
    strategy.due(0.0, room=2)
    assert strategy.starved

    strategy.due(0.0)
    assert not strategy.starved


def test_room_bounds_what_is_sent_and_the_rest_follows() -> None:
    """An engine with little room gets few probes, the lowest TTLs first."""
    strategy = Strategy(plan(expected_hops=9))

    assert [probe.ttl for probe in strategy.due(0.0, room=3)] == [1, 2, 3]
    assert [probe.ttl for probe in strategy.due(0.0, room=2)] == [4, 5]
    assert strategy.due(0.0, room=0) == []


def test_an_answer_that_names_no_probe_belongs_to_the_only_one_in_flight() -> None:
    """With one probe in flight there is no doubt."""
    strategy = Strategy(plan(max_hops=1))
    (probe,) = strategy.due(0.0)

    assert strategy.unnamed_answer() == probe.index


def test_answers_that_name_no_probe_make_the_trace_go_one_by_one() -> None:
    """Routers that quote 8 octets tell an unprivileged UDP trace nothing: doubt costs time, never truth."""
    strategy = Strategy(plan())
    network = routers("a", "b", end=("c", HopReply.PORT_UNREACHABLE))
    doubtful = strategy.due(0.0)

    assert strategy.unnamed_answer() is None
    now = 1.0
    while not strategy.finished(now):
        probes = strategy.due(now)
        assert len(probes) <= 1
        for probe in probes:
            answer = network.answer(probe.ttl, now)
            assert answer is not None
            assert strategy.unnamed_answer() == probe.index
            strategy.heard(probe.index, answer[1])
        now += 0.1
    assert len(doubtful) == SILENT_LIMIT
    assert seen(strategy) == ["a", "b", "c"]


REPLIES = st.sampled_from([EXCEEDED, EXCEEDED, EXCEEDED, SYN_ACK, ECHO, REFUSED, HopReply.HOST_UNREACHABLE])


@given(
    answers=st.dictionaries(
        st.integers(1, 30), st.tuples(st.sampled_from("abcdef"), REPLIES, st.floats(0.001, 3.0)), max_size=30
    ),
    expected=st.none() | st.integers(1, 30),
    attempts=st.integers(1, 3),
)
@settings(max_examples=200, derandomize=True, deadline=None)
def test_every_network_is_left_in_bounded_packets_and_time(
    answers: dict[int, tuple[str, HopReply, float]], expected: int | None, attempts: int
) -> None:
    """Whatever answers: the trace ends by its deadline, asks no TTL too often, and reports TTL 1 to n."""
    strategy = Strategy(plan(expected_hops=expected, attempts=attempts, deadline=20.0))
    network = Network(answers)
    took = play(strategy, network)
    hops = strategy.hops()

    assert took <= 20.0
    assert strategy.in_flight == 0 or took == 20.0
    most = attempts + (attempts > 1)
    assert max((ttls.count(ttl) for ttls in [[t for _, t in network.sent]] for ttl in ttls), default=0) <= most
    assert [hop.ttl for hop in hops] == list(range(1, len(hops) + 1))
    assert not strategy.reached or hops[-1].reply in (SYN_ACK, ECHO)


def test_other_routers_at_one_ttl_are_kept() -> None:
    """Balancing by packet: a later attempt is answered by another router, which the first one does not hide."""
    strategy = Strategy(Plan(max_hops=5, attempts=3, deadline=100.0))
    first = strategy.due(0.0, 1)[0]
    again = strategy.due(2.0, 1)[0]
    assert first.ttl == again.ttl == 1
    for address in ("left", "right", "left", *(f"spoofed {n}" for n in range(20))):
        strategy.heard(again.index, Answer(address, EXCEEDED, 0.1))

    hop = strategy.hops()[0]
    assert hop.address == "left"
    assert hop.others == ("right", *(f"spoofed {n}" for n in range(MOST_OTHERS - 1)))
