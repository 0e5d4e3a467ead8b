"""A neighbour of the origin that nobody ever saw, and what became of the packets that it drew."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from story import API, BEGIN, END, PEERS, PREFIX, START, Story, only, only_way, usual_path
from world import Place, World, announcement

from monitor.model.incident import Incident
from monitor.model.verdict import Cause
from probes.observation import Failure

NEIGHBOUR, OWNER, OTHER_CUSTOMER = 64799, 64500, 64555
DEAD, UNTRACED = "path.dead_behind_new_neighbour", "routing.dead_behind_new_neighbour"
STRANGER = "http.stranger_behind_new_neighbour"
FAR = ("newyork", "tokyo", "sydney")
MINUTES = 60.0
CARRIES_NOBODY = (f"64701|{NEIGHBOUR}|-1",)
IS_A_PROVIDER = (f"64701|{NEIGHBOUR}|-1", f"{NEIGHBOUR}|{OTHER_CUSTOMER}|-1")


def way_by_the_neighbour(at: float = BEGIN - 5, until: float = END, peers=PEERS[2:]) -> list[dict[str, object]]:
    """Peers, three of five, come to the usual prefix by it for so long."""
    came = [announcement(at + n, p, (p[1], NEIGHBOUR, OWNER), PREFIX) for n, p in enumerate(peers)]
    return came + [announcement(until + n, p, usual_path(p[1]), PREFIX) for n, p in enumerate(peers)]


def table() -> list[dict[str, object]]:
    """The usual routes as a table, so that the usual ways are known."""
    rows = enumerate(PEERS)
    return [{**announcement(START + 1 + n, p, usual_path(p[1]), PREFIX), "rib": True} for n, p in rows]


def silent(world: World, at: float, place: Place):
    """No SYN-ACK."""
    return world.silent(at, place, API)


def silent_for(lasts_s: float):
    """No SYN-ACK for so long, then all is well, as after a provider's bad first minutes."""
    return lambda world, at, place: (
        world.silent(at, place, API) if at < BEGIN + lasts_s else world.ok(at, place, API)
    )


def answered_by_a_stranger(rtt_s: float | None):
    """Nobody's key, another page; from so far, or as far as ever."""

    def answer(world: World, at: float, place: Place):
        keyless = dict.fromkeys(("spki_sha256", "certificate_sha256", "issuer"))
        away = rtt_s if rtt_s is not None else place.rtt_s

        return world.ok(
            at,
            place,
            API,
            rtt_s=away,
            failure=Failure.BODY_UNEXPECTED,
            checks_failed=("body_contains",),
            **keyless,
        )

    return answer


def ends_behind(world: World, at: float, place: Place):
    """The traceroute gets to the new neighbour and no further."""
    return world.trace(at, place, API, networks=(NEIGHBOUR,), reached=False)


def told(**story) -> Incident:
    """The only incident of a story in which the far vantages fare badly."""
    (incident,) = Story(**{"usual_routes": False, **story, "routes": [*table(), *story["routes"]]}).incidents()
    return incident


def rules(incident: Incident) -> set[str]:
    """Which rules spoke."""
    return {evidence.rule for evidence in incident.evidence}


def test_packets_that_die_behind_a_new_neighbour_were_taken() -> None:
    """The origin stands in the path, and was put there: after three minutes it is no bad first minute any more."""
    incident = told(api=only(FAR, silent), way=only_way(FAR, ends_behind), routes=way_by_the_neighbour())

    assert incident.cause is Cause.ROUTE_HIJACK
    assert (incident.affected, incident.detail.prefix) == (tuple(sorted(FAR)), PREFIX)
    assert incident.detail.culprit == NEIGHBOUR
    assert incident.named_at >= BEGIN + 3 * MINUTES
    assert DEAD in rules(incident)


def test_who_hears_nothing_more_since_a_neighbour_is_new_need_not_have_traced() -> None:
    """The same prefix answers the others, and nobody has traced."""
    incident = told(api=only(FAR, silent), traces=False, routes=way_by_the_neighbour())

    assert incident.cause is Cause.ROUTE_HIJACK
    assert incident.affected == tuple(sorted(FAR))
    assert UNTRACED in rules(incident)


def test_one_peers_word_is_enough_in_time() -> None:
    """Only one of five peers took the way; two of the dead have traced."""
    incident = told(
        api=only(FAR, silent), way=only_way(FAR[:2], ends_behind), routes=way_by_the_neighbour(peers=PEERS[2:3])
    )

    assert incident.cause is Cause.ROUTE_HIJACK


@pytest.mark.parametrize("way", [only_way(FAR, ends_behind), lambda *_: None], ids=["traced", "untraced"])
@pytest.mark.parametrize("relationships", [(), IS_A_PROVIDER], ids=["nothing known", "a provider"])
def test_providers_bad_first_minutes_are_no_hijack(way, relationships: tuple[str, ...]) -> None:
    """All that a new provider attracts is dropped for two minutes, and carried from then on."""
    incident = told(
        api=only(FAR, silent_for(2 * MINUTES)),
        way=lambda world, at, place: (
            way(world, at, place)
            if at < BEGIN + 2 * MINUTES
            else world.trace(at, place, API, networks=(NEIGHBOUR, OWNER))
        ),
        routes=way_by_the_neighbour(until=END + 3600),
        relationships=relationships,
    )

    assert incident.cause is not Cause.ROUTE_HIJACK


@pytest.mark.parametrize("relationships", [(), IS_A_PROVIDER], ids=["nothing known", "a provider"])
def test_new_transit_with_a_broken_filter_is_suspected_at_most(relationships: tuple[str, ...]) -> None:
    """Ten minutes long nothing arrives by it: who cannot tell it from a thief's doing does not cry theft."""
    incident = told(
        api=only(FAR, silent),
        way=only_way(FAR, ends_behind),
        routes=way_by_the_neighbour(),
        relationships=relationships,
    )

    assert incident.suspected or incident.cause is not Cause.ROUTE_HIJACK
    assert incident.detail.culprit == NEIGHBOUR


def test_neighbour_that_carries_nobody_is_no_provider_from_the_first_minute() -> None:
    """A table of relationships knows it, and no customer of it."""
    incident = told(
        api=only(FAR, silent),
        way=only_way(FAR, ends_behind),
        routes=way_by_the_neighbour(),
        relationships=CARRIES_NOBODY,
    )

    assert (incident.cause, incident.suspected) == (Cause.ROUTE_HIJACK, False)
    assert incident.named_at < BEGIN + 3 * MINUTES


def test_bad_first_minutes_of_who_is_said_to_carry_nobody_are_at_most_suspected() -> None:
    """The table of relationships may only lack his customers."""
    incident = told(
        api=only(FAR, silent_for(2 * MINUTES)),
        way=only_way(FAR, ends_behind),
        routes=way_by_the_neighbour(until=BEGIN + 2 * MINUTES),
        relationships=CARRIES_NOBODY,
    )

    assert (incident.cause, incident.suspected) == (Cause.ROUTE_HIJACK, True)


def test_traces_that_follow_the_usual_way_clear_the_new_neighbour() -> None:
    """Some fall silent, yet their packets go where they always went."""
    incident = told(api=only(FAR, silent), routes=way_by_the_neighbour())

    assert incident.cause is not Cause.ROUTE_HIJACK
    assert not {DEAD, UNTRACED} & rules(incident)


def test_neighbour_that_has_stood_for_ten_minutes_killed_nobody() -> None:
    """What it attracts has arrived all the while."""
    incident = told(api=only(FAR, silent), traces=False, routes=way_by_the_neighbour(at=BEGIN - 600))

    assert UNTRACED not in rules(incident)


def test_a_bad_exchange_of_some_minutes_before_does_not_clear_the_neighbour() -> None:
    """One of the far vantages had a failure of its own shortly before."""
    blip = World(7).silent(BEGIN - 100, Place("tokyo", 64604, (64703, 64702), 0.230), API)
    incident = told(api=only(FAR, silent), traces=False, routes=way_by_the_neighbour(), extra=[blip])

    assert incident.cause is Cause.ROUTE_HIJACK


def test_new_provider_whose_way_is_longer_takes_nothing() -> None:
    """Everything arrives, a fifth of a second later: an ordinary new provider, which is named with the change."""
    incident = told(
        api=only(FAR, lambda world, at, place: world.ok(at, place, API, rtt_s=place.rtt_s + 0.2)),
        way=only_way(FAR, lambda world, at, place: world.trace(at, place, API, networks=(NEIGHBOUR, OWNER))),
        routes=way_by_the_neighbour(),
    )

    assert incident.cause is Cause.ROUTE_CHANGE
    assert not {DEAD, UNTRACED, STRANGER} & rules(incident)
    assert (incident.detail.culprit, incident.detail.prefix) == (NEIGHBOUR, PREFIX)


def test_dead_server_beside_a_new_provider_is_a_dead_server() -> None:
    """All hear nothing, also those whose way is the usual one."""
    incident = told(api=silent, routes=way_by_the_neighbour())

    assert incident.cause is Cause.SERVER_DOWN
    assert DEAD not in rules(incident)


def test_stranger_without_a_key_is_told_by_his_page_and_his_distance() -> None:
    """Plain HTTP: the far vantages get another page, all from the same 60 ms, since a neighbour is new."""
    incident = told(api=only(FAR, answered_by_a_stranger(0.060)), traces=False, routes=way_by_the_neighbour())

    assert (incident.cause, incident.suspected) == (Cause.ROUTE_HIJACK, True)
    assert STRANGER in rules(incident)


def test_wrong_page_from_the_usual_distance_is_no_strangers() -> None:
    """One server of a pool went wrong just as a provider was turned up."""
    incident = told(api=only(FAR, answered_by_a_stranger(None)), traces=False, routes=way_by_the_neighbour())

    assert incident.cause is not Cause.ROUTE_HIJACK
    assert STRANGER not in rules(incident)


def test_wrong_page_behind_a_traced_way_home_is_no_strangers() -> None:
    """Another distance, for the new provider's way is another; traceroutes end in the origin's own network."""
    incident = told(
        api=only(FAR, answered_by_a_stranger(0.060)),
        way=only_way(FAR, lambda world, at, place: world.trace(at, place, API, networks=(NEIGHBOUR, OWNER))),
        routes=way_by_the_neighbour(),
    )

    assert incident.cause is not Cause.ROUTE_HIJACK
    assert STRANGER not in rules(incident)


@pytest.mark.parametrize("traced", [True, False])
def test_new_site_of_the_owner_with_a_key_of_its_own_is_no_hijack(traced: bool) -> None:
    """Anycast: behind a provider never seen there, nearer, with another key, and the answers are right."""
    site = {"rtt_s": 0.010, "spki_sha256": "dd" * 32, "certificate_sha256": "dc" * 32}
    found = Story(
        api=only(FAR, lambda world, at, place: world.ok(at, place, API, **site)),
        way=only_way(FAR, lambda world, at, place: world.trace(at, place, API, networks=(NEIGHBOUR, OWNER))),
        traces=traced,
        usual_routes=False,
        routes=[*table(), *way_by_the_neighbour()],
    ).incidents()

    assert not [one for one in found if one.cause is Cause.ROUTE_HIJACK]


def test_packets_that_vanish_on_another_way_without_a_word_in_bgp_ask_for_the_route() -> None:
    """One network's: a false route that only its own neighbours hear would look the same, and no feed can tell.

    Without a control little is known of what else moved.
    """
    who = FAR[1:]
    incident = told(api=only(who, silent), way=only_way(who, ends_behind), routes=[], controls=False)

    assert incident.cause is not Cause.ROUTE_HIJACK
    assert incident.missing is not None
    assert incident.missing.startswith("the route of its prefix that the network of")


@pytest.mark.parametrize(("lost", "told"), [((0, 2), 0), ((0, 1, 2, 3), 1)], ids=["two", "four"])
def test_two_packets_lost_beside_a_new_neighbour_are_no_fault_of_its(lost: tuple[int, ...], told: int) -> None:
    """Berlin loses the SYNs of these exchanges, in the minutes after others came to reach the prefix by it."""

    def seen(world: World, at: float, place: Place):
        good = world.ok(at, place, API)
        is_lost = int((at - BEGIN) // 30.0) in lost
        return replace(good, connect_s=(good.connect_s or 0.0) + 1.0, retransmits=1) if is_lost else good

    story = Story(api=only(("berlin",), seen), routes=[*table(), *way_by_the_neighbour()], usual_routes=False)

    assert len(story.incidents()) == told


def test_traces_that_cross_the_link_into_the_targets_network_show_a_real_one() -> None:
    """Behind it the server is dead; nobody forges the cable to another's router."""
    home = lambda world, at, place: world.trace(  # noqa: E731
        at, place, API, networks=(NEIGHBOUR, OWNER), reached=False
    )
    incident = told(api=only(FAR, silent), way=only_way(FAR, home), routes=way_by_the_neighbour())

    assert incident.cause is not Cause.ROUTE_HIJACK
    assert "path.new_neighbour_is_real" in rules(incident)
    assert not rules(incident) & {DEAD, UNTRACED}


def test_network_between_them_leaves_the_new_neighbour_in_doubt() -> None:
    """He hands on what he draws by a way that others have: that link of his is no more real for it."""
    round_about = lambda world, at, place: world.trace(  # noqa: E731
        at, place, API, networks=(NEIGHBOUR, 64702, OWNER), reached=False
    )
    incident = told(api=only(FAR, silent), way=only_way(FAR, round_about), routes=way_by_the_neighbour())

    assert "path.new_neighbour_is_real" not in rules(incident)
