"""An unusual route that stands is no explanation of all that happens while it does."""

from __future__ import annotations

import pytest
from story import API, BEGIN, END, PEERS, PREFIX, START, Answer, Story, only, only_way, usual_path
from world import Place, World, announcement, withdrawal

from monitor.model.verdict import Cause

NEIGHBOUR, LEAKER = 64799, 64800
RELATIONS = (
    "64701|64500|-1", "64702|64500|-1", f"64701|{LEAKER}|-1", f"64703|{LEAKER}|-1", f"64601|{LEAKER}|-1",
    f"64602|{LEAKER}|-1",
)  # fmt: skip
FAR = ("tokyo", "sydney")


def new_neighbour(at: float) -> list[dict[str, object]]:
    """A table of the usual neighbours; then three peers come by one that was never next to the origin."""
    table = [
        {**announcement(START + 1 + n, p, usual_path(p[1]), PREFIX), "rib": True} for n, p in enumerate(PEERS)
    ]
    return table + [announcement(at + n, p, (p[1], NEIGHBOUR, 64500), PREFIX) for n, p in enumerate(PEERS[2:])]


def twice_slow(world: World, at: float, place: Place):
    """Two exchanges of one vantage take half a second more a round trip."""
    slow = place.name == "sydney" and at < BEGIN + 60
    return world.ok(at, place, API, rtt_s=place.rtt_s + 0.5) if slow else world.ok(at, place, API)


def test_a_new_provider_of_last_hour_did_not_make_two_answers_slow() -> None:
    """It came a quarter of an hour before, and was well all the while."""
    assert Story(api=twice_slow, routes=new_neighbour(BEGIN - 900), usual_routes=False).incidents() == []


def test_two_slow_answers_just_after_a_new_provider_are_looked_into() -> None:
    """The same two answers, right behind the route: now it may be the reason."""
    assert Story(api=twice_slow, routes=new_neighbour(BEGIN - 30), usual_routes=False).incidents() != []


def _longer(seconds: float) -> Answer:
    return only(FAR, lambda world, at, place: world.ok(at, place, API, rtt_s=place.rtt_s + seconds))


def _by(network: int):
    return only_way(FAR, lambda world, at, place: world.trace(at, place, API, networks=(network, *API.networks)))


@pytest.mark.parametrize(("leaked_by", "cause"), [(1, Cause.ROUTE_CHANGE), (4, Cause.ROUTE_LEAK)])
def test_one_peers_leaked_way_is_not_what_moved_all_others(leaked_by: int, cause: Cause) -> None:
    """Of four peers that move at once, one or all go by a network that passes on what it should not."""
    way = {True: (LEAKER, 64701, 64500), False: (NEIGHBOUR, 64702, 64500)}
    movers = [PEERS[0], PEERS[1], PEERS[4], PEERS[2]]
    routes = [
        announcement(BEGIN - 5 + n, peer, (peer[1], *(w for w in way[n < leaked_by] if w != peer[1])), PREFIX)
        for n, peer in enumerate(movers)
    ]
    through = _by(LEAKER if leaked_by == len(movers) else NEIGHBOUR)

    (incident,) = Story(api=_longer(0.2), way=through, routes=routes, relationships=RELATIONS).incidents()

    assert incident.cause is cause


def test_ways_tried_in_vain_while_the_prefix_goes_away_are_no_leak() -> None:
    """Two peers hear of a way through a customer before they hear that there is none; then nobody has any."""
    hunted = [
        announcement(BEGIN - 4 + n, p, (p[1], LEAKER, 64701, 64500), PREFIX) for n, p in enumerate(PEERS[3:])
    ]
    gone = [withdrawal(BEGIN + 6 + n / 10, p, PREFIX) for n, p in enumerate(PEERS)]
    back = [announcement(END + n, p, usual_path(p[1]), PREFIX) for n, p in enumerate(PEERS)]
    story = Story(
        api=lambda world, at, place: world.silent(at, place, API),
        traces=False,
        interval_s=10.0,
        routes=hunted + gone + back,
        relationships=(*RELATIONS, f"64702|{LEAKER}|-1"),
    )

    (incident,) = story.incidents()

    assert incident.cause is Cause.ROUTE_WITHDRAWN
    assert "routing.leak" not in {evidence.rule for evidence in incident.evidence}
