"""When several vantages see something bad of a target, before it adds up to a verdict."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from story import API, BEGIN, CONFIG, END, Answer, Story, engine_for
from world import Place, World

from probes.observation import HttpObservation

_TICK_S, _ROUND_S = 10.0, 30.0


def slow_at(*names: str) -> Answer:
    """A connection that opens after one lost SYN, at these places only; nothing fails."""

    def answer(world: World, at: float, place: Place) -> HttpObservation:
        good = world.ok(at, place, API)
        if place.name not in names:
            return good
        return replace(
            good, connect_s=(good.connect_s or 0.0) + 1.0, total_s=(good.total_s or 0.0) + 1.0, retransmits=1
        )

    return answer


def uneasy(story: Story) -> dict[str, float]:
    """Each target that ever was, with the first moment since when."""
    found: dict[str, float] = {}
    engine = engine_for(CONFIG.format(target=""))
    for fact in story.facts(World(1)):
        engine.feed([fact])
        found = dict(engine.uneasy) | found
    return found


def test_several_slow_vantages_are_uneasy_within_a_round() -> None:
    """Two of five."""
    (since,) = uneasy(Story(api=slow_at("london", "sydney"))).values()

    assert BEGIN < since <= BEGIN + _ROUND_S + _TICK_S


@pytest.mark.parametrize("names", [(), ("tokyo",)])
def test_what_one_vantage_sees_is_noise(names: tuple[str, ...]) -> None:
    """However long it does."""
    assert uneasy(Story(api=slow_at(*names))) == {}


def test_it_passes_when_answers_are_good_again() -> None:
    """So that the next time is news."""
    engine = engine_for(CONFIG.format(target=""))
    engine.feed(Story(api=slow_at("london", "sydney")).facts(World(1)))
    engine.advance(END + 600.0)

    assert engine.uneasy == {}
