"""What one vantage meets alone, while the same server answers all others well, is not the server's doing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from story import API, BEGIN, PLACES, PREFIX, Answer, Story, only
from world import Place, World, announcement

from monitor.model.verdict import Cause
from probes.observation import HttpObservation

SPEAKS_AGAINST = ("scope.lone_while_server_fine", "scope.same_server_fine")
SERVERS = (Cause.SERVER_OVERLOAD, Cause.SERVER_DOWN, Cause.SERVER_LINK)


def slow(world: World, at: float, place: Place) -> HttpObservation:
    """The answer is a second late."""
    return world.ok(at, place, API, think_s=1.2)


def late_or_never(world: World, at: float, place: Place) -> HttpObservation:
    """A connection opens after a lost SYN, or not at all."""
    if int(at // 30) % 2:
        return world.silent(at, place, API)
    good = world.ok(at, place, API)
    return replace(good, connect_s=round((good.connect_s or 0.0) + 1.0, 6), retransmits=1)


def causes(answer: Answer, *names: str, interval_s: float = 30.0) -> list[Cause]:
    """What is named when only these vantages meet it."""
    return [one.cause for one in Story(api=only(names, answer), interval_s=interval_s).incidents()]


@pytest.mark.parametrize(
    ("names", "rule"),
    [
        (("tokyo",), "scope.lone_while_server_fine"),
        (("berlin", "london"), "scope.lone_while_server_fine"),  # both behind one transit: one witness
        (("berlin", "tokyo"), "scope.same_server_fine"),
        (("berlin", "london", "newyork", "tokyo", "sydney"), None),
    ],
)
def test_server_that_is_fine_for_others_speaks_against_it_most_where_one_network_is_hit(
    names: tuple[str, ...], rule: str | None
) -> None:
    """Where two networks of many have it, chance is no longer the reason."""
    found = Story(api=only(names, slow)).incidents()

    rules = {evidence.rule for one in found for evidence in one.evidence if evidence.rule in SPEAKS_AGAINST}
    assert rules == ({rule} if rule is not None else set())


def test_answers_late_everywhere_are_an_overload() -> None:
    """The near-miss: nobody is answered well."""
    assert causes(slow, "berlin", "london", "newyork", "tokyo", "sydney") == [Cause.SERVER_OVERLOAD]


def test_connections_that_open_now_and_then_at_one_vantage_show_no_full_queue() -> None:
    """A listen queue that is full is full to everybody."""
    story = Story(api=only(("tokyo",), late_or_never), interval_s=10.0)

    found = story.incidents()

    assert not {one.cause for one in found} & set(SERVERS)
    rules = {evidence.rule for one in found for evidence in one.evidence}
    assert not {rule for rule in rules if rule.startswith(("network.opens", "network.only_connecting"))}


def new_neighbour(at: float) -> list[dict[str, object]]:
    """One peer reaches the usual prefix by a provider that was never seen before the origin."""
    return [announcement(at, ("198.19.250.1", 64601, "rrc00"), (64601, 64701, 64999, 64500), PREFIX)]


def test_new_provider_does_not_make_two_late_answers_trouble() -> None:
    """The server pauses twice at one vantage, in the minute in which a new provider shows: no way does that."""

    def twice(world: World, at: float, place: Place) -> HttpObservation:
        return slow(world, at, place) if at < BEGIN + 60.0 else world.ok(at, place, API)

    assert Story(api=only(("tokyo",), twice), routes=new_neighbour(BEGIN - 20.0)).incidents() == []


def test_new_provider_and_two_lost_connections_are_trouble() -> None:
    """The near-miss: what fails in that minute is what a way can bring about."""

    def twice(world: World, at: float, place: Place) -> HttpObservation:
        return world.silent(at, place, API) if at < BEGIN + 60.0 else world.ok(at, place, API)

    found = Story(api=only(("tokyo",), twice), routes=new_neighbour(BEGIN - 20.0)).incidents()

    assert [one.target for one in found] == ["api"]


SECOND = "198.51.100.77"


@pytest.mark.parametrize(
    ("silent", "told"),
    [
        pytest.param(lambda number, address: True, True, id="always"),
        pytest.param(lambda number, address: address == SECOND, True, id="at one address"),
        pytest.param(lambda number, address: number % 3, False, id="mostly"),
    ],
)
def test_who_hears_nothing_at_all_is_not_told_of_congestion(
    silent: Callable[[int, str], bool], told: bool
) -> None:
    """Full lines lose some packets and let others through. BGP is quiet, and nobody has traced."""

    def two(world: World, at: float, place: Place) -> HttpObservation:
        return world.ok(at, place, API, address=_one_of_two(at))

    def answer(world: World, at: float, place: Place) -> HttpObservation:
        address = _one_of_two(at)
        if place.name == "tokyo" and silent(int((at - BEGIN) // 30), address):
            return replace(world.silent(at, place, API), address=address)
        return two(world, at, place)

    world = World(3)
    before = [two(world, BEGIN - 30 * step - place.rtt_s, place) for place in PLACES for step in range(1, 20)]
    (incident,) = Story(api=answer, traces=False, extra=[*before]).incidents()

    assert ("network.nothing_gets_through" in {one.rule for one in incident.evidence}) is told
    assert incident.cause is (Cause.INSUFFICIENT if told else Cause.PATH_CONGESTION)


def _one_of_two(at: float) -> str:
    return (API.addresses[0], SECOND)[int(at // 30) % 2]
