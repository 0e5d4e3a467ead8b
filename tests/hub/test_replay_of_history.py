"""Stored facts give the same verdicts as live ones: through the store and back, nothing is lost or moved."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from build import COMMITTED
from story import API, BEGIN, CONFIG, COVER, PEERS, PREFIX, Story, engine_for, only, only_way
from world import Place, World, announcement, digest

from monitor.diagnose import Fact, in_order
from monitor.history import Reader, Store
from monitor.model import FeedState, PeerState, RouteEvent
from monitor.replay import read_folder, replay

FAR = ("sydney", "tokyo")


def impostor(world: World, at: float, place: Place):
    """Another server with another key."""
    return world.status(at, place, API, 500, spki_sha256=digest("impostor"), issuer="CN=Quick DV")


def elsewhere(world: World, at: float, place: Place):
    """A traceroute that ends in the hijacker's network."""
    return world.trace(at, place, API, networks=(*place.transit, 64666))


def through_the_store(facts: list[Fact], path: Path) -> list[Fact]:
    """The facts as they come back from a history that kept them."""
    routes = [fact for fact in facts if isinstance(fact, RouteEvent | PeerState | FeedState)]
    observations = [fact for fact in facts if not isinstance(fact, RouteEvent | PeerState | FeedState)]
    with Store.open(path) as store:
        store.add_observations(observations)
        store.add_routes(routes)
    with Reader.open(path) as reader:
        return in_order([*reader.routes(0, 3e9), *reader.observations(0, 3e9)])


def test_a_stored_hijack_is_judged_as_the_live_one(tmp_path: Path) -> None:
    """Every change at the same moment with the same figures."""
    story = Story(
        api=only(FAR, impostor),
        way=only_way(FAR, elsewhere),
        routes=[announcement(BEGIN, peer, (peer[1], 64666), PREFIX) for peer in PEERS],
        usual_prefix=COVER,
    )
    facts = story.facts(World(1))
    live = engine_for(CONFIG.format(target=""), prefixes=f"{COVER}\t64500\n").feed(facts)

    stored = through_the_store(facts, tmp_path / "history.db")

    assert live
    assert engine_for(CONFIG.format(target=""), prefixes=f"{COVER}\t64500\n").feed(stored) == live


def test_both_outages_are_judged_alike_from_the_store(tmp_path: Path) -> None:
    """The incident folders, kept in a history and read back."""
    for name in COMMITTED:
        folder = read_folder(Path(__file__).parent.parent / "scenarios" / name, print)
        stored = through_the_store(list(folder.facts), tmp_path / f"{name}.db")

        assert replay(dataclasses.replace(folder, facts=tuple(stored))) == replay(folder)
