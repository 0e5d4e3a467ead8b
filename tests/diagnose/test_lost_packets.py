"""Packets lost on the way are told from a server that is slow to answer, or whose listen queue is full."""

from __future__ import annotations

from random import Random

import pytest
from msgspec.structs import replace
from story import API, BEGIN, DATABASE, END, PLACES, PREFIX, START, Answer, Story, only
from world import Place, Service, World, announcement

from monitor.diagnose.symptom import Judged, Symptom
from monitor.diagnose.view import View
from monitor.model.verdict import Cause
from probes.observation import Failure, HttpObservation, TraceObservation

CROSSING = ("newyork", "tokyo")
RTO_S = 0.25
"""What a lost packet costs: 200 ms and a round trip (RFC 6298 with the minimum that Linux uses)."""


def _lossy(service: Service, loss: float = 0.15, *, counted: bool = True) -> Answer:
    """Each of the exchange's packets is lost with a probability; `counted`: our kernel is who sends them again."""

    def answer(world: World, at: float, place: Place) -> HttpObservation:
        chance = world.random
        good = world.ok(at, place, service)
        syns = next(count for count in range(9) if chance.random() > loss + loss * (1 - loss))
        again = [sum(chance.random() < loss for _ in range(2)) for _ in range(2)]
        if syns > 2:
            return world.silent(at, place, service)
        connect, tls, wait = (good.connect_s or 0, good.tls_s or 0, good.wait_s or 0)
        return world.ok(
            at, place, service, connect_s=connect + 2.0**syns - 1, tls_s=tls + RTO_S * again[0],
            wait_s=wait + RTO_S * again[1], retransmits=(sum(again) if counted else 0) + syns,
        )  # fmt: skip

    return answer


def _full_queue(world: World, at: float, place: Place) -> HttpObservation:
    """SYNs are dropped at the server, three of five; what got in is served as ever."""
    syns = next((count for count in range(3) if world.random.random() > 0.6), 3)
    if syns > 2:
        return world.silent(at, place, API)
    good = world.ok(at, place, API)
    return world.ok(at, place, API, connect_s=(good.connect_s or 0) + 2.0**syns - 1, retransmits=syns)


@pytest.mark.parametrize(
    ("connect_s", "retransmits", "resent"),
    [
        (0.03, 0, 0),
        (0.03, 2, 2),
        (1.04, 1, 0),
        (1.04, 3, 2),
        (3.05, 2, 0),
        (7.1, 4, 1),
        (2.05, 2, 0),
        (2.05, 3, 1),
        (4.05, 4, 0),
        (5.05, 6, 1),
        (5.1, 1, 0),
        (None, 2, None),
        (0.03, None, None),
    ],
)
def test_syns_are_not_counted_as_packets_of_the_connection(
    connect_s: float | None, retransmits: int | None, resent: int | None
) -> None:
    """How long the connect took says how many of them were sent, by either kind of kernel."""
    seen = HttpObservation(at=0, vantage="v", target="t", connect_s=connect_s, retransmits=retransmits)

    assert Judged(seen, Symptom.NONE, 0, None, None).resent == resent


@pytest.mark.parametrize("seed", range(1, 5))
def test_lost_packets_at_some_vantages_are_the_ways_doing(seed: int) -> None:
    """Round trips, path and key are as ever; that connections send again tells."""
    incidents = Story(api=only(CROSSING, _lossy(API)), seed=seed).incidents()

    assert {(one.target, one.cause) for one in incidents} == {("api", Cause.PATH_CONGESTION)}
    assert any(one.rule == "network.packets_lost" for one in incidents[0].evidence)


def test_dependency_behind_the_same_lossy_link_explains_nothing() -> None:
    """The vantages lose packets on their way to both; the target's own way to what it depends on is another."""
    story = Story(
        api=only(CROSSING, _lossy(API)),
        database=only(CROSSING, _lossy(DATABASE), DATABASE),
        target='depends_on = ["database"]',
        seed=3,
    )

    assert {one.cause for one in story.incidents()} == {Cause.PATH_CONGESTION}


ENTERING = ("newyork", "tokyo", "sydney")
"""Those whose ways meet in AS64702 only, from which they enter the target's network."""
BESIDE = Place("lima", 64606, (64702,), 0.15)
SPAN = (int(START), int(END) + 600)


def _late(world: World, at: float, place: Place) -> HttpObservation:
    """Every packet waits in a queue."""
    return world.ok(at, place, API, rtt_s=place.rtt_s + world.noise(0.15, 0.3))


@pytest.mark.parametrize("answer", [_late, _lossy(API, 0.2)])
def test_line_by_which_all_who_suffer_enter_is_the_targets_own(answer: Answer) -> None:
    """The target has two; who comes by the other one is well."""
    (incident,) = Story(api=only(ENTERING, answer), seed=2).incidents()

    assert (incident.cause, incident.affected) == (Cause.SERVER_LINK, tuple(sorted(ENTERING)))
    assert any(one.rule == "network.entrance_impaired" and "AS64702" in one.text for one in incident.evidence)


@pytest.mark.parametrize("hidden", [64500, 64702])
def test_link_beside_silent_routers_is_not_told_to_be_the_targets(hidden: int) -> None:
    """The network that answers no traceroute is the target's own, or the one before it, where others may hide."""
    story = Story(api=only(ENTERING, _late), traces=False, seed=2)
    world = World(story.seed)
    story.facts(world)

    def way(at: float, place: Place) -> TraceObservation:
        seen = world.trace(at, place, API)
        silent = world.hop_address(hidden).rsplit(".", 1)[0]
        hops = [
            replace(hop, address=None, rtt_s=None, reply=None) if (hop.address or "").startswith(silent) else hop
            for hop in seen.hops
        ]
        return replace(seen, hops=tuple(hops))

    traces = [way(at + index, place) for index, place in enumerate(PLACES) for at in range(*SPAN, 120)]
    story.extra = [*traces]

    assert [one.cause for one in story.incidents()] == [Cause.PATH_CONGESTION]


def test_line_by_which_others_enter_well_is_not_to_blame() -> None:
    """Lima comes the same last step and has no trouble, so that lies before it."""
    incidents = Story(api=only(ENTERING, _late), places=(*PLACES, BESIDE)).incidents()

    assert [one.cause for one in incidents] == [Cause.PATH_CONGESTION]


def test_last_step_of_one_common_way_is_not_told_from_the_steps_before() -> None:
    """Tokyo, Sydney and Osaka share their way from AS64703 on."""
    osaka = Place("osaka", 64607, (64703, 64702), 0.24)
    story = Story(api=only(("tokyo", "sydney", "osaka"), _late), places=(*PLACES[:2], *PLACES[3:], osaka))

    assert [one.cause for one in story.incidents()] == [Cause.PATH_CONGESTION]


@pytest.mark.parametrize(
    ("movers", "traces", "cause"),
    [(1, False, Cause.SERVER_LINK), (6, False, Cause.INSUFFICIENT), (6, True, Cause.SERVER_LINK)],
)
def test_peers_that_moved_made_nobody_else_late(movers: int, traces: bool, cause: Cause) -> None:
    """All are late by the same: one peer of twenty that takes another way explains it no more than none would, nor
    do six where each vantage has traced its usual way since.
    """
    peers = [(f"198.19.251.{number}", 65000 + number, "rrc01") for number in range(15)]
    routes = [announcement(START + 2, peer, (peer[1], 64702, 64500), PREFIX) for peer in peers]
    routes += [announcement(BEGIN - 5, peer, (peer[1], 64703, 64702, 64500), PREFIX) for peer in peers[:movers]]

    (incident,) = Story(api=_late, routes=routes, traces=traces).incidents()

    assert incident.cause is cause


def test_full_listen_queue_is_the_servers() -> None:
    """Connecting takes seconds, and what is connected loses nothing."""
    (incident,) = Story(api=_full_queue).incidents()

    assert incident.cause is Cause.SERVER_OVERLOAD
    queue = {"network.only_connecting_fails", "network.opens_now_and_then"}
    assert queue & {one.rule for one in incident.evidence}


def test_lost_syns_beside_longer_round_trips_tell_of_no_listen_queue() -> None:
    """Two vantages lose SYNs and one is late by a queue: what gets through a full listen queue is not late."""

    def answer(world: World, at: float, place: Place) -> HttpObservation:
        if place.name == "tokyo":
            return _late(world, at, place)
        good = world.ok(at, place, API)
        lost = world.random.random() < 0.5
        return world.ok(at, place, API, connect_s=(good.connect_s or 0) + lost, retransmits=int(lost))

    incidents = Story(api=only(("tokyo", "sydney"), answer), seed=3).incidents()

    assert {one.cause for one in incidents} == {Cause.PATH_CONGESTION}
    assert not any(e.rule == "network.only_connecting_fails" for one in incidents for e in one.evidence)


def test_answers_late_by_a_timers_length_are_an_overload_where_nothing_is_sent_again() -> None:
    """A worker that comes free after half a second looks like a timer, but no kernel counts anything."""

    def late(world: World, at: float, place: Place) -> HttpObservation:
        return world.ok(at, place, API, think_s=API.think_s + RTO_S * world.random.choice((1, 2, 3)))

    (incident,) = Story(api=late).incidents()

    assert incident.cause is Cause.SERVER_OVERLOAD


def test_line_that_always_loses_some_is_no_news() -> None:
    """Tokyo loses three packets in a hundred all its life, before and after as well."""
    chance = Random(7)
    places = ("tokyo",)

    def facts(begin: float, end: float) -> list[HttpObservation]:
        made = []
        for at in range(int(begin), int(end), 30):
            place = next(one for one in Story().places if one.name in places)
            made.append(_lossy(API, 0.03)(World(chance.randrange(10**6)), at + 7.5, place))
        return made

    extra = [*facts(START, BEGIN), *facts(END, END + 600)]

    assert Story(api=only(places, _lossy(API, 0.03)), extra=extra).incidents() == []


def test_one_burst_of_lost_packets_is_no_incident() -> None:
    """A minute of them, at two vantages; then all is well."""
    lossy = _lossy(API, 0.3)
    burst = only(CROSSING, lambda world, at, place: (lossy if at < BEGIN + 40 else _good)(world, at, place))

    assert Story(api=burst, seed=2).incidents() == []


def _good(world: World, at: float, place: Place) -> HttpObservation:
    return world.ok(at, place, API)


def test_read_timeouts_without_anything_sent_again_stay_the_servers() -> None:
    """The connection is open and silent; nothing was lost on it."""

    def silent(world: World, at: float, place: Place) -> HttpObservation:
        return world.unanswered(at, place, API)

    (incident,) = Story(api=silent).incidents()

    assert incident.cause is Cause.SERVER_OVERLOAD
    assert Failure.READ_TIMEOUT in (incident.detail.failure,)


@pytest.mark.parametrize(("lull", "losing"), [(9, False), (5, True)], ids=["long", "short"])
def test_what_was_lost_before_a_long_lull_makes_no_line_lossy(lull: int, losing: bool) -> None:
    """Packets are sent again in five exchanges, then in none for a while, then in two more."""
    view, world = View("berlin", 30.0), World(1)
    for number, again in enumerate([0] * 30 + [1] * 5 + [0] * lull + [1] * 2):
        at = START + 30.0 * number
        view.add(world.ok(at, PLACES[0], API, retransmits=again), at)

    assert view.losing is losing


@pytest.mark.parametrize(("sound", "losing"), [(0, False), (9, True)])
def test_a_line_that_was_never_seen_sound_loses_no_more_than_usual(sound: int, losing: bool) -> None:
    """Every third exchange has packets sent again, from the first one on, or since some that had none."""
    view, world = View("berlin", 30.0), World(1)
    for number, again in enumerate([0] * sound + [0, 1, 0] * 7):
        at = START + 30.0 * number
        view.add(world.ok(at, PLACES[0], API, retransmits=again), at)

    assert view.losing is losing
