"""Updates alone, for minutes only: a relationship file tells what a peer's new way shows, nothing else can."""

from __future__ import annotations

import pytest
from route_scene import OWNER, PEERS, TRANSITS, USUAL, Scene

from monitor.bgp.episodes.judge import VALLEY_USUAL_S
from monitor.model import parse_address

STRANGER, ABOVE = 666, 777
RELATIONS = (
    f"{TRANSITS[0]}|{OWNER}|-1",
    f"{TRANSITS[1]}|{OWNER}|-1",
    f"{TRANSITS[0]}|{STRANGER}|-1",
    f"{ABOVE}|{STRANGER}|-1",
)
VALLEY = (ABOVE, STRANGER, TRANSITS[0], OWNER)
FORGED = (ABOVE, STRANGER, OWNER)
OTHER = "198.51.100.0/24"


def young(*relations: str, peers: int = PEERS) -> Scene:
    """A feed that has told the usual ways a minute ago, without any dump."""
    scene = Scene(dump=False, relations=relations)
    for peer in range(peers):
        scene.announce(scene.way(peer), peer)
    scene.wait(60)
    return scene


@pytest.mark.parametrize(("tail", "kind"), [(VALLEY, "leak"), (FORGED, "forged_origin")])
def test_peer_that_leaves_its_way_shows_what_the_file_knows(tail: tuple[int, ...], kind: str) -> None:
    """A valley, or a stranger next to a network whose neighbours the file has."""
    scene = young(*RELATIONS)
    scene.announce(scene.way(0, *tail))

    assert scene.kinds() == [kind]


@pytest.mark.parametrize("tail", [VALLEY, FORGED])
def test_without_the_file_minutes_of_updates_prove_nothing(tail: tuple[int, ...]) -> None:
    """What was not seen so far may have been there all along."""
    scene = young()
    scene.announce(scene.way(0, *tail))

    assert scene.kinds() == []


@pytest.mark.parametrize("relations", [(), RELATIONS])
def test_valley_that_only_the_list_of_transit_free_networks_makes_needs_known_ways(
    relations: tuple[str, ...],
) -> None:
    """Of some years two of it sold to each other, as AS1239 to AS6762 in 2007, which minutes do not show."""
    scene = young(*relations)
    scene.announce(scene.way(0, 1299, 1239, 6762, TRANSITS[0], OWNER))

    assert scene.kinds() == []


@pytest.mark.parametrize("tail", [VALLEY, FORGED])
def test_peer_without_a_known_way_shows_no_change(tail: tuple[int, ...]) -> None:
    """It may have come this way for years: relationship files have mistakes, and links that they lack."""
    scene = young(*RELATIONS, peers=PEERS - 1)
    scene.announce(scene.way(9, *tail), 9)

    assert scene.kinds() == []


def test_leak_is_told_though_it_showed_at_an_unheard_prefix_first() -> None:
    """A leak carries many prefixes; one of which no way was known is no proof that the valley is usual."""
    scene = young(*RELATIONS)
    scene.detector.watch_address("shop", parse_address("198.51.100.10"))
    scene.announce(scene.way(0, *VALLEY), 0, OTHER)
    scene.announce(scene.way(0, *VALLEY), 0, USUAL)

    assert [str(episode.prefix) for episode in scene.episodes()] == [USUAL]


def test_valley_that_has_stood_for_long_is_usual() -> None:
    """Another peer takes to it: no leak has begun, the file is wrong or somebody likes it so."""
    scene = young(*RELATIONS, peers=PEERS - 1)
    scene.announce(scene.way(9, *VALLEY), 9)
    scene.wait(VALLEY_USUAL_S)
    scene.announce(scene.way(0, *VALLEY), 0)

    assert scene.kinds() == []


def test_new_ground_does_not_make_a_leak_usual() -> None:
    """The routes are judged again when another address is met; who carries the leak carries it still."""
    scene = young(*RELATIONS)
    scene.announce(scene.way(0, *VALLEY))
    scene.detector.watch_address("shop", parse_address("203.0.113.77"))
    scene.wait(10)

    assert [(episode.kind, episode.active) for episode in scene.episodes()] == [("leak", True)]
