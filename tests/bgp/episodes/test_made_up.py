"""A more-specific that nobody behind the network at fault has was made up by it; a true one was not."""

from __future__ import annotations

import json

import pytest
from route_scene import OWNER, TRANSITS, USUAL, Scene

from monitor.bgp.episodes import EpisodeKind
from monitor.bgp.episodes.made_up import AWAITED_S, FEWEST_UNTOLD

INNER = "203.0.113.0/24"
STRANGER, ABOVE = 666, 777
RELATIONS = (
    f"{TRANSITS[0]}|{OWNER}|-1",
    f"{TRANSITS[1]}|{OWNER}|-1",
    f"{TRANSITS[0]}|{STRANGER}|-1",
    f"{ABOVE}|{STRANGER}|-1",
)
VALLEY = (ABOVE, STRANGER, TRANSITS[0], OWNER)
"""The stranger buys from both its neighbours here, so it tells one what the other told it."""


def announced(scene: Scene, *tail: int, prefix: str = INNER) -> Scene:
    """The first peer shows a way to a prefix, and the others have had time to show theirs."""
    scene.announce(scene.way(0, *tail), 0, prefix)
    scene.wait(AWAITED_S)
    return scene


def test_leaked_part_that_its_giver_does_not_have_is_made_up() -> None:
    """Five peers hear of the whole through the giver, and none of them of the part."""
    (episode,) = announced(Scene(relations=RELATIONS), *VALLEY).episodes()

    assert (episode.kind, episode.offender, episode.disowned_by) == (EpisodeKind.LEAK, STRANGER, TRANSITS[0])
    assert episode.taken
    assert any(reason.word == "made_up" for reason in episode.reasons)


def test_giver_that_is_a_peer_itself_disowns_an_invalid_route_too() -> None:
    """Others may have dropped an RPKI-invalid route; the network that is said to have told it has not."""
    roa = json.dumps({"roas": [{"prefix": USUAL, "maxLength": 22, "asn": OWNER}]}).encode()
    silent = announced(Scene(relations=RELATIONS, vrps=roa), *VALLEY)
    heard = Scene(relations=RELATIONS, vrps=roa)
    heard.announce(f"{TRANSITS[0]} {OWNER}", 9)
    announced(heard, *VALLEY)

    assert [episode.disowned_by for episode in silent.episodes()] == [None]
    assert [episode.disowned_by for episode in heard.episodes()] == [TRANSITS[0]]


def test_first_moments_prove_nothing() -> None:
    """The other collectors are some seconds late."""
    scene = Scene(relations=RELATIONS)
    scene.announce(scene.way(0, *VALLEY), 0, INNER)
    scene.wait(AWAITED_S - 1)

    assert [episode.disowned_by for episode in scene.episodes()] == [None]


@pytest.mark.parametrize("withdrawn", [False, True])
def test_part_that_the_giver_tells_or_told_others_is_no_forgery(withdrawn: bool) -> None:
    """The owner announces the part itself, and somebody leaks it; or it did, and the leak is left."""
    scene = Scene(relations=RELATIONS)
    for peer in range(2, 10, 2):
        scene.announce(scene.way(peer), peer, INNER)
    announced(scene, *VALLEY)
    if withdrawn:
        for peer in range(2, 10, 2):
            scene.announce(None, peer, INNER)
        scene.wait(AWAITED_S)

    assert [e.disowned_by for e in scene.episodes() if e.kind is EpisodeKind.LEAK] == [None]


def test_leak_of_what_somebody_before_the_leaker_made_up_stays_a_leak() -> None:
    """The leaker's own giver is not known to lack it, whoever is named behind that one."""
    relations = (*RELATIONS, f"888|{STRANGER}|-1")
    (episode,) = announced(Scene(relations=relations), ABOVE, STRANGER, 888, TRANSITS[0], OWNER).episodes()

    assert (episode.kind, episode.disowned_by, episode.taken) == (EpisodeKind.LEAK, None, False)


def test_leak_of_the_usual_prefix_is_disowned_by_nobody() -> None:
    """The giver has it, by another way."""
    (episode,) = announced(Scene(relations=RELATIONS), *VALLEY, prefix=USUAL).episodes()

    assert (episode.kind, episode.disowned_by, episode.taken) == (EpisodeKind.LEAK, None, False)


def test_few_who_did_not_hear_of_it_prove_nothing() -> None:
    """Nearly everybody reaches the whole by the other transit, which is not named."""
    scene = Scene(relations=RELATIONS)
    for peer in range(2 * FEWEST_UNTOLD, 10, 2):
        scene.announce(scene.way(peer, TRANSITS[1], OWNER), peer)
    announced(scene, *VALLEY)

    # The first peer shows the part; of those through its giver too few are left.
    assert [(episode.offender, episode.disowned_by) for episode in scene.episodes()] == [(STRANGER, None)]


AROUND = (777, STRANGER, TRANSITS[0], OWNER)
"""A way to the part that is longer than any peer's to the whole, round through the stranger."""


def told_all(scene: Scene, *tail: int, peers: range = range(10)) -> Scene:
    """Peers show ways to the part that end alike, and time passes."""
    for peer in peers:
        scene.announce(scene.way(peer, *tail), peer, INNER)
    scene.wait(AWAITED_S)
    return scene


def test_part_that_all_reach_on_a_longer_way_over_a_new_link_is_made_up() -> None:
    """Five of them reach the transit that is named at once, and would have heard of the part from it."""
    (episode,) = told_all(Scene(), *AROUND).episodes()

    assert (episode.kind, episode.offender, episode.disowned_by) == (EpisodeKind.NEW_LINK, STRANGER, TRANSITS[0])
    assert episode.taken


KNOWN_LINKS = (f"{STRANGER}|777|-1", f"{TRANSITS[0]}|{STRANGER}|-1", f"{TRANSITS[0]}|{OWNER}|-1")


def test_part_over_known_links_that_all_reach_through_one_network_is_made_up_by_it() -> None:
    """It may have been told to that network alone, so that nothing is taken yet; but its doer is known."""
    (episode,) = told_all(Scene(relations=KNOWN_LINKS), *AROUND).episodes()

    assert episode.kind is EpisodeKind.OWN_DEAGGREGATION
    assert (episode.offender, episode.disowned_by, episode.taken) == (STRANGER, TRANSITS[0], False)


def test_part_that_is_told_to_one_transit_alone_is_its_owners_own_doing() -> None:
    """Those of the other transit go a longer way then, and the owner is who wanted that."""
    scene = Scene(relations=(f"{TRANSITS[0]}|777|-1",))
    for peer in range(10):
        tail = (TRANSITS[0], OWNER) if peer % 2 == 0 else (777, TRANSITS[0], OWNER)
        scene.announce(scene.way(peer, *tail), peer, INNER)
    scene.wait(AWAITED_S)

    assert [(episode.offender, episode.disowned_by) for episode in scene.episodes()] == [(OWNER, None)]


def test_one_peers_own_way_to_a_part_is_asked_about_nobody() -> None:
    """Whoever shares it is not known."""
    scene = told_all(Scene(relations=KNOWN_LINKS), *AROUND, peers=range(1))

    assert [episode.disowned_by for episode in scene.episodes()] == [None]


def test_longer_ways_of_a_leak_prove_nothing() -> None:
    """A customer's route is preferred however long it is; all ten have it, and nobody lacks it."""
    scene = told_all(Scene(relations=RELATIONS), *VALLEY)

    (episode,) = scene.episodes()
    assert (episode.kind, episode.made_up, episode.taken) == (EpisodeKind.LEAK, False, False)
    assert episode.disowned_by == TRANSITS[0], "though all of them go round, which is odd"


def test_new_link_is_on_all_ways_to_a_part_or_on_some() -> None:
    """What is told by one transit alone shows links further out that nobody used; a forger is on all ways."""
    forged, told = Scene(), Scene()
    for peer in range(10):
        forged.announce(forged.way(peer, STRANGER, TRANSITS[0], OWNER), peer, INNER)
        told.announce(told.way(peer, 700 + peer, TRANSITS[0], OWNER), peer, INNER)
    for scene in (forged, told):
        scene.wait(AWAITED_S)

    assert [episode.on_all_ways for episode in forged.episodes()] == [True]
    assert {(e.kind, e.on_all_ways) for e in told.episodes()} == {(EpisodeKind.NEW_LINK, False)}
