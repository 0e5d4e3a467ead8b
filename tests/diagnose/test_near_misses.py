"""What must not fire: ordinary life of a network that looks like trouble, or like a hijack."""

from __future__ import annotations

import msgspec
import pytest
from story import (
    API,
    BEGIN,
    CONTROL,
    COVER,
    DATABASE,
    END,
    PEERS,
    PREFIX,
    START,
    STOP,
    Story,
    only,
    only_way,
    usual_path,
)
from world import Place, World, announcement, digest, spread, withdrawal

from monitor.model.asn import Asn
from monitor.model.route import FeedState, PeerState
from monitor.model.verdict import Cause
from probes.observation import Failure, NotMeasured

FAR = ("sydney", "tokyo")


def detour(world: World, at: float, place: Place):
    """A traceroute over another transit to the same network."""
    return world.trace(at, place, API, networks=(64799, *API.networks))


def renewed(world: World, at: float, place: Place):
    """A new key from the same issuer, everywhere at once."""
    return world.ok(at, place, API, spki_sha256=digest("renewed"), certificate_sha256=digest("renewed", 1))


def blip(share: float):
    """Each exchange fails with this probability, by itself."""

    def answer(world: World, at: float, place: Place):
        if world.random.random() < share:
            return world.failed(at, place, API, Failure.CONNECTION_RESET)
        return world.ok(at, place, API)

    return answer


def moved_routes() -> list[dict[str, object]]:
    """Some peers take another transit to the same origin for a while."""
    rows = [announcement(BEGIN + n, peer, (peer[1], 64799, 64500), PREFIX) for n, peer in enumerate(PEERS[3:])]
    return rows + [announcement(END + n, peer, usual_path(peer[1]), PREFIX) for n, peer in enumerate(PEERS[3:])]


QUIET = {
    "nothing at all": Story(),
    "no routes, no traceroutes, no controls": Story(usual_routes=False, traces=False, controls=False),
    "a maintenance re-route at no cost": Story(way=only_way(FAR, detour), routes=moved_routes()),
    "a renewed key from the same issuer": Story(api=renewed),
    "own more-specific": Story(
        routes=[announcement(BEGIN + n, p, usual_path(p[1]), PREFIX) for n, p in enumerate(PEERS)],
        usual_prefix=COVER,
    ),
    "a second declared origin": Story(
        routes=[announcement(BEGIN + n, p, (p[1], 64501), PREFIX) for n, p in enumerate(PEERS)],
        target="origins = [64500, 64501]",
    ),
    "prepending": Story(
        routes=[announcement(BEGIN + n, p, (p[1], 64500, 64500, 64500), PREFIX) for n, p in enumerate(PEERS[3:])]
    ),
    "a wider route of the carrier": Story(
        routes=[announcement(BEGIN + n, p, (p[1], 64777), "198.51.0.0/16") for n, p in enumerate(PEERS)]
    ),
    "a hijack of somebody else": Story(
        routes=[announcement(BEGIN + n, p, (p[1], 64777), "203.0.114.0/24") for n, p in enumerate(PEERS)]
    ),
    "a collector's sessions reset": Story(
        extra=[PeerState(at=BEGIN, collector="rrc00", peer=p[0], peer_asn=Asn(p[1]), up=False) for p in PEERS]
    ),
    "a blind feed": Story(extra=[FeedState(at=BEGIN, source="ris-live", live=False, reason="closed")]),
    "one peer withdraws": Story(routes=[withdrawal(BEGIN, PEERS[0], PREFIX)]),
    "path hunting within seconds": Story(
        routes=[
            row
            for n, p in enumerate(PEERS)
            for row in (
                withdrawal(BEGIN + n / 10, p, PREFIX),
                announcement(BEGIN + 2 + n / 10, p, usual_path(p[1]), PREFIX),
            )
        ]
    ),
    "the control itself is down": Story(
        control=lambda world, at, place: world.failed(at, place, CONTROL, Failure.CONNECTION_REFUSED)
    ),
    "rounds that were not measured": Story(
        api=lambda *_: None,
        extra=[
            NotMeasured(at=at, vantage="tokyo", target="api", probe="http", reason="missed")
            for at in spread(BEGIN, END, 30, 0.0)
        ],
    ),
    "two in a hundred exchanges fail": Story(api=blip(0.02)),
}


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", QUIET)
def test_ordinary_life_opens_no_incident(name: str, seed: int) -> None:
    """No incident of any kind."""
    story = QUIET[name]
    story.seed = seed

    assert [(i.target, i.cause, i.affected) for i in story.incidents()] == []


def test_unrelated_routes_change_nothing() -> None:
    """Routes of a prefix that no target lives in leave an overload's verdict as it was, to the last figure."""

    def slow(world: World, at: float, place: Place):
        return world.ok(at, place, API, think_s=world.random.uniform(1.5, 8.0))

    unrelated = [
        announcement(at, peer, (peer[1], 64777 + n), "203.0.114.0/24")
        for n, at in enumerate(spread(START, STOP, 10, 0))
        for peer in PEERS
    ]
    without = Story(api=slow, usual_routes=False)
    added = Story(api=slow, usual_routes=False, routes=unrelated)

    assert added.incidents() == without.incidents()


def test_changed_key_with_an_overload_is_no_hijack() -> None:
    """A deploy that changes the key at all vantages and overloads the server at once: the routes are quiet."""

    def deployed(world: World, at: float, place: Place):
        return world.ok(at, place, API, think_s=world.random.uniform(1.5, 8.0), spki_sha256=digest("deployed"))

    incidents = Story(api=deployed).incidents()

    assert [i.cause for i in incidents] == [Cause.SERVER_OVERLOAD]


def test_stray_origin_after_a_withdrawal_is_no_hijack() -> None:
    """The genuine route goes first, everywhere; another origin that shows later is an effect, not the cause."""
    gone = [withdrawal(BEGIN - 3 + n / 10, peer, PREFIX) for n, peer in enumerate(PEERS)]
    stray = [announcement(BEGIN + 200, peer, (peer[1], 64777), PREFIX) for peer in PEERS[:2]]
    back = [withdrawal(END - 5, peer, PREFIX) for peer in PEERS[:2]]
    back += [announcement(END + n, peer, usual_path(peer[1]), PREFIX) for n, peer in enumerate(PEERS)]

    def unreachable(world: World, at: float, place: Place):
        return world.failed(at, place, API, Failure.NETWORK_UNREACHABLE)

    story = Story(
        api=unreachable,
        way=lambda world, at, place: world.trace(at, place, API, networks=place.transit[:1], reached=False),
        routes=gone + stray + back,
    )

    assert [i.cause for i in story.incidents()] == [Cause.ROUTE_WITHDRAWN]


def test_cold_start_in_trouble_does_not_cry_hijack() -> None:
    """The first facts ever are bad: the cause may be named, but not a hijack."""

    def slow(world: World, at: float, place: Place):
        return world.status(at, place, API, 503, think_s=world.random.uniform(1.5, 8.0))

    story = Story(api=slow)
    world = World(1)
    late = [fact for fact in story.facts(world) if getattr(fact, "at", 0.0) >= BEGIN]

    class Late(Story):
        def facts(self, world: World):
            return late

    causes = {incident.cause for incident in Late(api=slow).incidents()}

    assert causes
    assert causes <= {Cause.SERVER_OVERLOAD, Cause.SERVER_DOWN, Cause.INSUFFICIENT}


def test_a_database_blip_does_not_touch_the_api() -> None:
    """One target's failures stay its own."""

    def refused(world: World, at: float, place: Place):
        return world.refused(at, place, DATABASE)

    incidents = Story(database=refused).incidents()

    assert [(i.target, i.cause) for i in incidents] == [("database", Cause.SERVER_DOWN)]


def test_single_bad_answer_of_one_vantage_opens_nothing() -> None:
    """One bad observation is never believed alone, even at a single vantage."""
    bad = World(9).failed(BEGIN + 1, Place("berlin", 64601, (), 0.01), API, Failure.CONNECTION_RESET)

    assert Story(extra=[bad], places=(Place("berlin", 64601, (64701,), 0.012),)).incidents() == []


def test_only_named_vantages_are_affected() -> None:
    """A vantage that saw nothing is not listed."""

    def refused(world: World, at: float, place: Place):
        return world.refused(at, place, API)

    (incident,) = Story(api=only(FAR, refused)).incidents()

    assert incident.affected == FAR


def test_times_of_a_starved_monitor_are_no_evidence() -> None:
    """The monitor's own machine was too busy: slow answers that its event loop explains open nothing."""

    def starving(world: World, at: float, place: Place):
        return world.ok(at, place, API, think_s=world.random.uniform(1.0, 5.0), loop_lag_s=2.0)

    assert Story(api=starving).incidents() == []


def test_what_a_starved_monitor_was_told_stays_true() -> None:
    """A refused connection was refused, however late the monitor's event loop."""

    def refused(world: World, at: float, place: Place):
        return msgspec.structs.replace(world.refused(at, place, API), loop_lag_s=2.0)

    assert [i.cause for i in Story(api=refused).incidents()] == [Cause.SERVER_DOWN]
