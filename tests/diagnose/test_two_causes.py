"""A hijack of some while the server is in trouble for the rest: both are named, each with its own vantages."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from story import API, BEGIN, CONFIG, END, PEERS, PREFIX, Story, engine_for, only_way, usual_path
from world import Place, World, announcement, digest

from monitor.diagnose import known_at
from monitor.model.incident import ChangeKind, Incident
from monitor.model.verdict import Cause
from probes.observation import HttpObservation

FAR = ("sydney", "tokyo")
NEAR = ("berlin", "london", "newyork")
TAKER = 64777
LATER = BEGIN + 240
SOONER = END - 240
"""What is queued from the beginning, and what ends before the end."""

ROUTES = [
    *(announcement(BEGIN - 5 + n, p, (p[1], TAKER), PREFIX) for n, p in enumerate(PEERS[3:])),
    *(announcement(END + n, p, usual_path(p[1]), PREFIX) for n, p in enumerate(PEERS[3:])),
]


def impostor(world: World, at: float, place: Place) -> HttpObservation:
    """Somebody else answers at once, with an error."""
    key = {"spki_sha256": digest("taker"), "certificate_sha256": digest("taker", 1), "issuer": "CN=R11"}
    return world.status(at, place, API, 502, rtt_s=place.rtt_s + 0.08, **key)


def queued(world: World, at: float, place: Place) -> HttpObservation:
    """The genuine server, with a queue before it."""
    return world.ok(at, place, API, think_s=world.random.uniform(1.5, 8.0))


def both(*, queue_from: float = BEGIN, queue_until: float = END, taken_from: float = BEGIN):
    """The far ones are taken, the others wait in the queue."""

    def answer(world: World, at: float, place: Place) -> HttpObservation:
        if place.name in FAR and at >= taken_from:
            return impostor(world, at, place)
        return queued(world, at, place) if queue_from <= at < queue_until else world.ok(at, place, API)

    return answer


def astray(world: World, at: float, place: Place):
    """A traceroute that ends in the taker's network."""
    return world.trace(at, place, API, networks=(TAKER,))


def named(incidents: list[Incident]) -> list[tuple[Cause, tuple[str, ...]]]:
    """Causes with those affected, in alphabetical order of the causes."""
    return sorted((one.cause, one.affected) for one in incidents)


@pytest.mark.parametrize(
    "story",
    [
        Story(api=both(), way=only_way(FAR, astray), routes=ROUTES, interval_s=10.0),
        Story(api=both(queue_from=LATER), way=only_way(FAR, astray), routes=ROUTES, interval_s=10.0),
        Story(api=both(queue_until=SOONER), way=only_way(FAR, astray), routes=ROUTES, interval_s=10.0),
        Story(api=both(), traces=False, routes=ROUTES, interval_s=10.0),
    ],
    ids=["at once", "hijack first", "hijack lasts longer", "without traceroute"],
)
def test_a_hijack_of_some_and_an_overload_of_the_rest_are_two_incidents(story: Story) -> None:
    """Neither swallows the other, whichever comes first or lasts longer."""
    incidents = story.incidents()

    assert named(incidents) == [(Cause.ROUTE_HIJACK, FAR), (Cause.SERVER_OVERLOAD, NEAR)]
    assert not any(one.suspected or one.closed_at is None for one in incidents)
    assert len({one.id for one in incidents}) == 2


def test_keys_tell_a_hijack_that_no_feed_hears_beside_an_overload() -> None:
    """Those whose packets end elsewhere get a new key, and the rest wait for the known one; BGP is quiet.

    Until traceroutes tell, all seem to share in the overload.
    """
    found = {one.cause: one for one in Story(api=both(), way=only_way(FAR, astray), interval_s=10.0).incidents()}

    assert set(found) == {Cause.ROUTE_HIJACK, Cause.SERVER_OVERLOAD}
    assert (found[Cause.ROUTE_HIJACK].suspected, found[Cause.ROUTE_HIJACK].affected) == (True, FAR)


def test_new_keys_as_far_away_as_ever_beside_an_overload_are_no_second_cause() -> None:
    """In the rush somebody adds a server with a certificate of its own, and a balancer sends it the far ones."""

    def added(world: World, at: float, place: Place) -> HttpObservation:
        key = {"spki_sha256": digest("added"), "certificate_sha256": digest("added", 1), "issuer": "CN=R11"}
        near = queued(world, at, place)
        return world.status(at, place, API, 502, **key) if place.name in FAR else near

    found = Story(api=added, interval_s=10.0).incidents()

    assert not [one for one in found if one.cause is Cause.ROUTE_HIJACK]


@pytest.mark.parametrize(
    ("keyless", "expected"),
    [(True, {Cause.ROUTE_HIJACK}), (False, {Cause.ROUTE_HIJACK, Cause.SERVER_DOWN})],
    ids=["without a key", "with the known key"],
)
def test_wrong_answers_over_an_unchanged_way_are_the_servers_own_where_its_key_says_so(
    keyless: bool, expected: set[Cause]
) -> None:
    """The far ones are taken, and the near ones are answered wrongly, too: by whom, only a key could tell."""

    def wrong(world: World, at: float, place: Place) -> HttpObservation:
        taken = place.name in FAR
        seen = impostor(world, at, place) if taken else world.status(at, place, API, 500, think_s=0.004)
        return replace(seen, spki_sha256=None, certificate_sha256=None, issuer=None) if keyless else seen

    story = Story(api=wrong, way=only_way(FAR, astray), routes=ROUTES, interval_s=10.0)

    assert {one.cause for one in story.incidents()} == expected


def test_an_overload_that_was_there_first_keeps_its_incident() -> None:
    """Everybody waits; four minutes later some are taken. The overload's vantages are all that ever waited."""
    late = [
        *(announcement(LATER - 5 + n, p, (p[1], TAKER), PREFIX) for n, p in enumerate(PEERS[3:])),
        *(announcement(END + n, p, usual_path(p[1]), PREFIX) for n, p in enumerate(PEERS[3:])),
    ]
    story = Story(api=both(taken_from=LATER), traces=False, routes=late, interval_s=10.0)

    assert named(story.incidents()) == [
        (Cause.ROUTE_HIJACK, FAR),
        (Cause.SERVER_OVERLOAD, tuple(sorted({*FAR, *NEAR}))),
    ]


def test_an_overload_beside_a_hijack_that_carries_nobody_is_the_servers() -> None:
    """BGP shows a stranger, and the genuine key answers all who wait: nobody is affected by the hijack."""
    story = Story(api=queued, routes=ROUTES, interval_s=10.0)

    assert named(story.incidents()) == [
        (Cause.ROUTE_HIJACK, ()),
        (Cause.SERVER_OVERLOAD, tuple(sorted({*FAR, *NEAR}))),
    ]


@pytest.mark.parametrize(("taken", "silent_from"), [(True, BEGIN), (False, BEGIN), (True, SOONER)])
def test_who_falls_silent_as_the_prefix_is_taken_is_no_share_of_the_overload(
    taken: bool, silent_from: float
) -> None:
    """BGP shows it, nobody has traced, and all others wait in the queue; else that explains him, too."""

    def answer(world: World, at: float, place: Place) -> HttpObservation:
        silent = place.name == "tokyo" and at >= silent_from
        return world.silent(at, place, API) if silent else queued(world, at, place)

    found = Story(api=answer, traces=False, routes=ROUTES if taken else [], interval_s=10.0).incidents()

    taken_away = [one for one in found if one.cause is Cause.ROUTE_HIJACK]
    assert Cause.SERVER_OVERLOAD in {one.cause for one in found}
    assert bool(taken_away) == taken
    assert all("tokyo" in one.affected for one in taken_away) == (silent_from == BEGIN or not taken)


def test_a_hijack_alone_has_no_company() -> None:
    """The others are answered well."""
    story = Story(api=both(queue_from=END), way=only_way(FAR, astray), routes=ROUTES, interval_s=10.0)

    assert named(story.incidents()) == [(Cause.ROUTE_HIJACK, FAR)]


def test_one_slow_line_beside_a_hijack_is_no_second_cause() -> None:
    """Of those at home a single one waits: that may be its own."""

    def answer(world: World, at: float, place: Place) -> HttpObservation:
        if place.name in FAR:
            return impostor(world, at, place)
        return queued(world, at, place) if place.name == "berlin" else world.ok(at, place, API)

    incidents = Story(api=answer, way=only_way(FAR, astray), routes=ROUTES, interval_s=10.0).incidents()

    assert [one.cause for one in incidents] == [Cause.ROUTE_HIJACK]


def test_an_overload_alone_stays_one_incident() -> None:
    """A new key for some without a route behind it is a deploy that has not reached all servers."""

    def answer(world: World, at: float, place: Place) -> HttpObservation:
        seen = queued(world, at, place)
        return world.ok(at, place, API, think_s=3.0, spki_sha256=digest("new")) if place.name in FAR else seen

    causes = [one.cause for one in Story(api=answer, interval_s=10.0).incidents()]

    assert len(causes) == 1


def test_both_incidents_go_on_in_a_new_process() -> None:
    """Each closes under its own id with its own vantages, though the later one comes first to the new process."""
    story = Story(api=both(queue_until=SOONER), traces=False, routes=ROUTES, interval_s=10.0)
    facts = story.facts(World(1))
    cut = next(n for n, fact in enumerate(facts) if known_at(fact) > BEGIN + 180)
    first = engine_for(CONFIG.format(target=""))
    last = {change.incident.id: (change.incident, change.sequence) for change in first.feed(facts[:cut])}
    assert len(last) == len(first.open_incidents) == 2

    second = engine_for(CONFIG.format(target=""))
    second.resume(list(last.values())[::-1])
    second.warm_up(facts[:cut])
    after = second.feed(facts[cut:])

    closed = {change.incident.id: change.incident for change in after if change.kind is ChangeKind.CLOSED}
    assert closed.keys() == last.keys() == {change.incident.id for change in after}
    assert named(list(closed.values())) == [(Cause.ROUTE_HIJACK, FAR), (Cause.SERVER_OVERLOAD, NEAR)]


@settings(derandomize=True, max_examples=4, deadline=None)
@given(st.integers(1, 400))
def test_two_causes_are_the_same_in_any_chunking(chunk: int) -> None:
    """Which incident stands beside which does not depend on how facts come in."""
    story = Story(api=both(queue_from=LATER), traces=False, routes=ROUTES)

    assert story.incidents(chunk) == story.incidents()
