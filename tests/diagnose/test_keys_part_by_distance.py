"""A new key for some vantages alone, from another distance, while others get the known one at that address."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from story import API, BEGIN, END, PEERS, PLACES, Story, only
from world import Place, World, announcement, digest

from monitor.diagnose.distance import FEWEST_TRIPS, has_moved
from monitor.diagnose.symptom import Usual, judge
from monitor.model.incident import Incident
from monitor.model.verdict import Cause, HijackEffect
from probes.observation import Failure, HttpObservation

RULE = "identity.keys_part_by_distance"
OWNER, EUROPE = 64500, 64701
TOKYO = next(place for place in PLACES if place.name == "tokyo")
NEARER, FARTHER = -0.014, 0.016


def untrusted(world: World, at: float, place: Place, away_s: float, key: str = "other") -> HttpObservation:
    """A certificate that nobody vouches for, with another key, from so much farther."""
    return world.ok(
        at,
        place,
        API,
        rtt_s=place.rtt_s + away_s,
        failure=Failure.TLS_UNTRUSTED,
        status=None,
        spki_sha256=digest(key, "key"),
        certificate_sha256=digest(key, "certificate"),
        issuer="CN=Some other CA",
    )


def from_afar(away_s: float) -> Callable[[World, float, Place], HttpObservation]:
    """Always the other key, from another distance."""
    return lambda world, at, place: untrusted(world, at, place, away_s)


def by_turns(world: World, at: float, place: Place) -> HttpObservation:
    """A balancer hands one exchange in three to a server with the usual key."""
    return world.ok(at, place, API) if int(at / 30.0) % 3 == 0 else untrusted(world, at, place, NEARER)


def told(**story: object) -> Incident:
    """The first incident of a story that no traceroute tells of."""
    return Story(**{"traces": False, **story}).incidents()[0]


def rules(incident: Incident) -> set[str]:
    """Which rules spoke."""
    return {evidence.rule for evidence in incident.evidence}


@pytest.mark.parametrize("away_s", [NEARER, FARTHER], ids=["nearer", "farther"])
@pytest.mark.parametrize("heard", [True, False], ids=["quiet feeds", "no feed"])
def test_new_key_from_another_distance_for_some_alone_is_somebody_elses(away_s: float, heard: bool) -> None:
    """Six percent of a round trip is little for one exchange, and much for a dozen."""
    incident = told(api=only(("tokyo", "sydney"), from_afar(away_s)), usual_routes=heard)

    assert (incident.cause, incident.suspected) == (Cause.ROUTE_HIJACK, True)
    assert incident.detail.effect is HijackEffect.IMPOSTOR
    assert incident.affected == ("sydney", "tokyo")
    assert RULE in rules(incident)


@pytest.mark.parametrize(
    "story",
    [
        {"api": only(("tokyo", "sydney"), from_afar(0.0))},
        {"api": only(("tokyo", "sydney"), by_turns)},
        {"api": from_afar(NEARER)},
        {
            "api": only(("tokyo", "sydney"), from_afar(NEARER)),
            "routes": [
                announcement(BEGIN - 5, peer, (peer[1], EUROPE, OWNER), "198.51.100.0/24") for peer in PEERS[3:]
            ],
        },
        {"api": only(("tokyo",), from_afar(NEARER)), "places": (PLACES[0], TOKYO)},
        {
            "api": lambda world, at, place: (
                untrusted(world, at, place, {"tokyo": NEARER, "sydney": 0.0}.get(place.name, 0.0))
                if place.name in ("tokyo", "sydney")
                else world.ok(at, place, API)
            )
        },
    ],
    ids=[
        "a balancer by client: as far as ever",
        "a balancer by turns: the known key as well",
        "nobody gets the known one: it may have moved",
        "routes have moved: a site of its own",
        "one other network alone",
        "one of two is as far as ever",
    ],
)
def test_new_key_that_a_server_of_its_own_may_have_is_no_hijack(story: dict[str, object]) -> None:
    """Whoever balances knows who asks, and a wrong certificate on one of several servers is no stranger's."""
    incident = told(**story)

    assert incident.cause is not Cause.ROUTE_HIJACK
    assert RULE not in rules(incident)


@settings(derandomize=True, max_examples=40)
@given(
    base_s=st.floats(0.005, 0.4),
    spread=st.floats(0.0, 0.06),
    count=st.integers(FEWEST_TRIPS, 20),
    seed=st.integers(0, 999),
)
def test_answers_from_the_usual_distance_have_not_moved(
    base_s: float, spread: float, count: int, seed: int
) -> None:
    """Whatever the noise of a way, its own round trips say that it is as far as ever; longer ones do not."""
    world = World(seed)
    place = Place("here", 64601, (), base_s)
    usual = Usual()

    def seen(at: float, rtt_s: float) -> HttpObservation:
        return world.ok(at, place, API, rtt_s=world.noise(rtt_s, spread))

    for number in range(60):
        if (judged := judge(seen(BEGIN + number, base_s), usual, BEGIN + number)) is not None:
            usual.learn(judged)
    as_ever = [judge(seen(END + number, base_s), usual, END + number) for number in range(count)]
    far = [judge(seen(END + number, 2.0 * base_s + 0.01), usual, END + number) for number in range(count)]

    assert has_moved([one for one in as_ever if one is not None], usual) is False
    assert has_moved([one for one in far if one is not None], usual) is True
    assert has_moved([one for one in as_ever[: FEWEST_TRIPS - 1] if one is not None], usual) is None
