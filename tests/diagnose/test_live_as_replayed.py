"""Every change of a story is the same, byte for byte, however its facts are cut, and whether time is told between.

A story for each piece of memory that outlives a moment: a new neighbour's patience, rests and waves, two causes at
once, refusals, lines that lose packets, a vantage that is left out, ways that end elsewhere.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from random import Random

import msgspec
import pytest
from story import (
    API,
    BEGIN,
    CONFIG,
    CONTROL,
    END,
    PEERS,
    PREFIX,
    START,
    Story,
    engine_for,
    only,
    only_way,
    usual_path,
)
from world import Place, World, announcement, digest

from monitor.diagnose import Engine, Fact, known_at
from monitor.model.incident import ChangeKind, IncidentChange
from monitor.model.verdict import Cause
from probes.observation import HttpObservation

FAR = ("newyork", "tokyo", "sydney")
STRANGER = 64799
TABLE = [{**announcement(START + 1 + n, p, usual_path(p[1]), PREFIX), "rib": True} for n, p in enumerate(PEERS)]
CAME = [announcement(BEGIN - 5 + n, p, (p[1], STRANGER, 64500), PREFIX) for n, p in enumerate(PEERS[2:])]
WENT = [announcement(END + n, p, usual_path(p[1]), PREFIX) for n, p in enumerate(PEERS[2:])]
TAKEN = [announcement(BEGIN - 5 + n, p, (p[1], STRANGER), PREFIX) for n, p in enumerate(PEERS[3:])]


def dead(world: World, at: float, place: Place) -> HttpObservation:
    """Nothing comes back."""
    return world.silent(at, place, API)


def in_waves(world: World, at: float, place: Place) -> HttpObservation:
    """Two minutes of a full queue, two and a half without."""
    return world.ok(at, place, API, think_s=3.0 if (at - BEGIN) % 270.0 < 120.0 else API.think_s)


def shedding(world: World, at: float, place: Place) -> HttpObservation:
    """Nine of ten are refused, by chance."""
    refused = world.random.random() < 0.9
    return world.status(at, place, API, 503, think_s=0.004) if refused else world.ok(at, place, API)


def taken_or_queued(world: World, at: float, place: Place) -> HttpObservation:
    """A stranger answers the far ones; the others wait."""
    if place.name not in FAR[1:]:
        return world.ok(at, place, API, think_s=world.random.uniform(1.5, 8.0))
    key = {"spki_sha256": digest("stranger"), "certificate_sha256": digest("stranger", 1), "issuer": "CN=R11"}
    return world.status(at, place, API, 502, rtt_s=place.rtt_s + 0.08, **key)


def losing(world: World, at: float, place: Place) -> HttpObservation:
    """A third of all packets are sent again."""
    again = sum(world.random.random() < 0.3 for _ in range(3))
    return world.ok(at, place, API, think_s=API.think_s + 0.3 * again, retransmits=again)


def farther(world: World, at: float, place: Place) -> HttpObservation:
    """A new key, and a longer way."""
    return world.ok(at, place, API, rtt_s=place.rtt_s + 0.05, spki_sha256=digest("renewed"), issuer="CN=R11")


STORIES = {
    "a new neighbour": Story(
        api=only(FAR, dead),
        way=only_way(
            FAR, lambda world, at, place: world.trace(at, place, API, networks=(STRANGER,), reached=False)
        ),
        routes=[*TABLE, *CAME, *WENT],
        usual_routes=False,
    ),
    "waves": Story(api=in_waves),
    "waves at one": Story(api=only(("tokyo",), in_waves)),
    "shedding": Story(api=shedding),
    "two causes": Story(
        api=taken_or_queued,
        way=only_way(FAR[1:], lambda world, at, place: world.trace(at, place, API, networks=(STRANGER,))),
        routes=[*TAKEN, *WENT[1:]],
    ),
    "a lossy way": Story(api=only(FAR, losing)),
    "a dead vantage": Story(
        api=only(("tokyo",), dead),
        control=only(("tokyo",), lambda world, at, place: world.silent(at, place, CONTROL), CONTROL),
    ),
    "another end": Story(
        api=only(FAR, farther),
        way=only_way(FAR, lambda world, at, place: world.trace(at, place, API, networks=(64703, 64702))),
    ),
}


CAUSES = {
    "a new neighbour": {Cause.ROUTE_HIJACK},
    "waves": {Cause.SERVER_OVERLOAD},
    "waves at one": {Cause.SERVER_OVERLOAD},
    "shedding": {Cause.SERVER_OVERLOAD},
    "two causes": {Cause.ROUTE_HIJACK, Cause.SERVER_OVERLOAD},
    "a lossy way": {Cause.SERVER_LINK},
    "a dead vantage": {Cause.VANTAGE_FAULT},
    "another end": {Cause.ROUTE_HIJACK},
}
"""What each comes to: a story of which nothing is told would show nothing."""


@cache
def facts_of(name: str) -> tuple[list[Fact], str]:
    """A story's facts, and the table that maps their hops."""
    world = World(1)
    facts = STORIES[name].facts(world)
    return facts, world.table((PREFIX, 64500), ("203.0.113.0/24", 64510), ("198.19.254.0/24", 64999))


def engine_of(name: str) -> Engine:
    """An engine that has seen nothing yet."""
    return engine_for(CONFIG.format(target=""), prefixes=facts_of(name)[1])


@cache
def at_once(name: str) -> bytes:
    """What is told of a story that is fed in one piece."""
    facts, _ = facts_of(name)
    engine = engine_of(name)
    return encoded([*engine.feed(facts), *engine.advance(known_at(facts[-1]) + 600.0)])


def encoded(changes: list[IncidentChange]) -> bytes:
    """Every change, as it is stored."""
    return b"\n".join(map(msgspec.json.encode, changes))


@pytest.mark.parametrize("name", STORIES)
def test_a_story_in_pieces_of_any_size_is_told_alike(name: str) -> None:
    """Pieces of one to a hundred facts, by chance."""
    facts, _ = facts_of(name)
    engine, sizes, changes, done = engine_of(name), Random(name), list[IncidentChange](), 0
    while done < len(facts):
        size = sizes.choice((1, 2, 7, 30, 100))
        changes += engine.feed(facts[done : done + size])
        done += size
    changes += engine.advance(known_at(facts[-1]) + 600.0)

    assert {change.incident.cause for change in changes if change.kind is ChangeKind.CLOSED} == CAUSES[name]
    assert encoded(changes) == at_once(name)


@pytest.mark.parametrize("name", STORIES)
def test_a_story_that_is_watched_live_is_told_alike(name: str) -> None:
    """Fact by fact, and between two of them time is told, as a hub does that hears nothing for a second."""
    facts, _ = facts_of(name)
    engine, changes = engine_of(name), list[IncidentChange]()
    for fact, following in pairwise(facts):
        changes += engine.feed([fact])
        changes += engine.advance((known_at(fact) + known_at(following)) / 2.0)
    changes += engine.feed(facts[-1:])
    changes += engine.advance(known_at(facts[-1]) + 600.0)

    assert encoded(changes) == at_once(name)
