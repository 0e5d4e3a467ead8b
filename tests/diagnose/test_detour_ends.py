"""A round trip that is what it was before a detour is no news; one that never was so is."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from story import API
from world import Place, World

from monitor.diagnose.symptom import Symptom
from monitor.diagnose.view import View

TOKYO = Place("tokyo", 64604, (64703,), 0.230)
ELSEWHERE = "203.0.113.77"
USUAL_S, DETOUR_S = 0.230, 0.100


class Watched:
    """One vantage's view of a target, measured every 30 s."""

    def __init__(self) -> None:
        self.world = World(1)
        self.view = View("tokyo", 30.0)
        self.at = 1_700_000_000.0

    def see(self, rtt_s: float, times: int, *addresses: str) -> list[Symptom]:
        """Exchanges with this round trip, the addresses in turn; what was wrong with each."""
        found = []
        for number in range(times):
            self.at += 30.0
            seen = self.world.ok(self.at, TOKYO, API, rtt_s=rtt_s)
            if addresses:
                seen = replace(seen, address=addresses[number % len(addresses)])
            judged = self.view.add(seen, self.at)
            assert judged is not None
            found.append(judged.symptom)
        return found


@pytest.mark.parametrize("detour", [20, 60, 600])
def test_way_back_to_the_usual_round_trip_is_no_trouble(detour: int) -> None:
    """A shorter way while a provider was switched off, be it for five hours; then it is as it was."""
    watched = Watched()
    watched.see(USUAL_S, 40)
    watched.see(DETOUR_S, detour)

    assert set(watched.see(USUAL_S, 10)) == {Symptom.NONE}
    assert not watched.view.confirmed


def test_round_trip_longer_than_it_ever_was_is_trouble() -> None:
    """After the same detour a way comes that is longer by half than any before."""
    watched = Watched()
    watched.see(USUAL_S, 40)
    watched.see(DETOUR_S, 60)

    assert set(watched.see(1.5 * USUAL_S, 10)) == {Symptom.NETWORK_SLOW}
    assert watched.view.confirmed


def test_level_between_two_that_were_is_trouble() -> None:
    """What lies between the two ways is neither."""
    watched = Watched()
    watched.see(USUAL_S, 40)
    watched.see(DETOUR_S, 200)

    assert set(watched.see((USUAL_S + DETOUR_S) / 2, 10)) == {Symptom.NETWORK_SLOW}


def test_level_of_more_than_a_day_ago_is_forgotten() -> None:
    """For a day the way was the short one: who is led back to the long one loses what he was used to."""
    watched = Watched()
    watched.see(USUAL_S, 40)
    watched.see(DETOUR_S, 3000)

    assert watched.see(USUAL_S, 10)[-1] is Symptom.NETWORK_SLOW


def test_addresses_of_one_place_share_their_levels() -> None:
    """Of four addresses in one prefix each was met a few times before; together they know the way."""
    watched = Watched()
    pool = [f"198.51.100.{number}" for number in range(10, 14)]
    watched.see(USUAL_S, 32, *pool)
    watched.see(DETOUR_S, 48, *pool)

    assert set(watched.see(USUAL_S, 8, *pool)) == {Symptom.NONE}


def test_address_that_was_hardly_ever_asked_is_judged_by_its_place() -> None:
    """Of forty addresses in one prefix each was met once; the way to all of them becomes half as long again."""
    watched = Watched()
    pool = [f"198.51.100.{number}" for number in range(10, 50)]
    watched.see(USUAL_S, 40, *pool)

    assert set(watched.see(1.5 * USUAL_S, 8, *pool)) == {Symptom.NETWORK_SLOW}


def test_address_of_an_unknown_place_is_not_judged_by_another() -> None:
    """A server far away is new; how near the others are says nothing of it."""
    watched = Watched()
    watched.see(DETOUR_S, 40)

    assert set(watched.see(USUAL_S, 4, ELSEWHERE)) == {Symptom.NONE}


def test_level_that_no_address_was_asked_often_enough_for_is_known() -> None:
    """Of six addresses in six prefixes each was met three times before the detour, and five times in it."""
    watched = Watched()
    pool = [f"198.51.{number}.10" for number in range(100, 106)]
    watched.see(USUAL_S, 18, *pool)
    watched.see(DETOUR_S, 30, *pool)

    assert set(watched.see(USUAL_S, 12, *pool)) == {Symptom.NONE}


def test_one_long_round_trip_in_a_while_makes_no_level() -> None:
    """Three of forty met a burst; that all take as long from now on is trouble."""
    watched = Watched()
    for _ in range(3):
        watched.see(DETOUR_S, 12)
        watched.see(USUAL_S, 1)

    assert watched.see(USUAL_S, 5)[-1] is Symptom.NETWORK_SLOW


def test_address_of_another_place_lends_no_level() -> None:
    """One address is far and one is near: that the near one becomes as far as the other is trouble."""
    watched = Watched()
    watched.see(USUAL_S, 20, ELSEWHERE)
    watched.see(DETOUR_S, 20)

    assert set(watched.see(USUAL_S, 5)) == {Symptom.NETWORK_SLOW}


def test_creeping_rise_does_not_become_known() -> None:
    """A way that is longer by a tenth every fifteen minutes was at no level long enough."""
    watched = Watched()
    watched.see(DETOUR_S, 200)
    bad = [symptom for step in range(1, 9) for symptom in watched.see(DETOUR_S * 1.1**step, 30)]

    assert bad[-30:] == [Symptom.NETWORK_SLOW] * 30
