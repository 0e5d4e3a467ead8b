"""Who is refused by status: everybody, by a server that is closed, or most, by one that is too busy for all."""

from __future__ import annotations

from msgspec.structs import replace
from story import API, BEGIN, END, PLACES, Story
from world import Place, World

from monitor.model.verdict import Cause
from probes.observation import HttpObservation


def refused(world: World, at: float, place: Place) -> HttpObservation:
    """A quick 503."""
    return world.status(at, place, API, 503, think_s=0.004)


def rules_of(story: Story) -> tuple[Cause, set[str]]:
    """The cause of the only incident, and its rules."""
    (incident,) = story.incidents()

    return incident.cause, {evidence.rule for evidence in incident.evidence}


def test_who_lets_one_in_now_and_then_sheds_load() -> None:
    """Four of five vantages meet nothing but refusals; the fifth, refused as well, is served every third time."""

    def answer(world: World, at: float, place: Place) -> HttpObservation:
        number = int((at - BEGIN) // 30.0)
        served = place.name == "tokyo" and number % 3 == 2
        return world.ok(at, place, API) if served else refused(world, at, place)

    cause, rules = rules_of(Story(api=answer))

    assert cause is Cause.SERVER_OVERLOAD
    assert "http.turned_away" not in rules


def test_who_refuses_everybody_is_down() -> None:
    """The near-miss: nobody is served, so no load is what keeps it busy."""
    cause, rules = rules_of(Story(api=refused))

    assert cause is Cause.SERVER_DOWN
    assert "http.turned_away" in rules


def test_a_server_that_closes_bit_by_bit_is_down() -> None:
    """Two vantages are refused a minute before the others, who are served till then and never again."""

    def answer(world: World, at: float, place: Place) -> HttpObservation:
        early = place.name in ("berlin", "london")
        return refused(world, at, place) if early or at >= BEGIN + 60.0 else world.ok(at, place, API)

    cause, _ = rules_of(Story(api=answer))

    assert cause is Cause.SERVER_DOWN


def test_a_server_that_opens_bit_by_bit_was_down() -> None:
    """Each vantage is served again some seconds after the one before it: no name changes for that."""
    order = [place.name for place in PLACES]

    def answer(world: World, at: float, place: Place) -> HttpObservation:
        well = at >= END - 120.0 + 12.0 * order.index(place.name)
        return world.ok(at, place, API) if well else refused(world, at, place)

    cause, _ = rules_of(Story(api=answer))

    assert cause is Cause.SERVER_DOWN


def test_another_server_of_the_name_that_serves_says_nothing_of_the_closed_one() -> None:
    """Those whose name resolves to the one are refused, with the other all is well."""

    def answer(world: World, at: float, place: Place) -> HttpObservation:
        if place.name in ("berlin", "london"):
            return refused(world, at, place)
        return replace(world.ok(at, place, API), address="198.51.100.11")

    _, rules = rules_of(Story(api=answer))

    assert "http.turned_away" in rules
