"""What one vantage meets alone, while the same server answers all others well, is not the server's doing."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from story import API, BEGIN, PREFIX, Answer, Story, only
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
