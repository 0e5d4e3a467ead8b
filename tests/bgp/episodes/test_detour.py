"""All ways to a part lead round through one network that was on hardly anybody's way, or they do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.bgp.episodes.detour import Detour, detour
from monitor.model import Asn

OWNER, TRANSIT, OTHER, STRANGER, ABOVE = 3333, 1103, 2914, 666, 777

Table = dict[tuple[str, str], tuple[Asn, ...]]


def table(*ways: tuple[int, ...]) -> Table:
    """The ways of the first peers; an empty one: that peer has none. Each begins with its peer's own number."""
    return {
        ("rrc00", f"198.51.100.{index}"): tuple(Asn(asn) for asn in (60000 + index, *way))
        for index, way in enumerate(ways)
        if way
    }


WHOLE = table((TRANSIT, OWNER), (OTHER, OWNER), (8, TRANSIT, OWNER), (9, OTHER, OWNER))
ROUND = (ABOVE, STRANGER, TRANSIT, OWNER)


def test_ways_that_lead_round_through_a_stranger_are_a_detour() -> None:
    """The first and the third reach the transit without him, by shorter ways."""
    part = table(ROUND, ROUND, (8, *ROUND), (9, *ROUND))

    assert detour(part, WHOLE, dropped=False) == Detour(Asn(STRANGER), Asn(TRANSIT))


def test_what_is_told_as_the_whole_is_makes_none() -> None:
    """The owner tells a part as he tells the whole."""
    assert detour(WHOLE, WHOLE, dropped=False) is None


def test_part_that_is_told_to_one_transit_alone_makes_none() -> None:
    """Those of the other one go a longer way, through nobody strange."""
    part = table((TRANSIT, OWNER), (OTHER, TRANSIT, OWNER), (8, TRANSIT, OWNER), (9, OTHER, TRANSIT, OWNER))

    assert detour(part, WHOLE, dropped=False) is None


def test_part_by_a_transit_that_nobody_used_makes_none() -> None:
    """The owner moved it to a provider kept in reserve: nobody reaches that one without the network before it."""
    reserve = (ABOVE, STRANGER, 4444, OWNER)

    assert detour(table(reserve, reserve, reserve, reserve), WHOLE, dropped=False) is None


def test_new_neighbour_of_the_owner_is_no_detour() -> None:
    """Nobody stands between them who could have told others."""
    assert detour(table((STRANGER, OWNER), (STRANGER, OWNER)), WHOLE, dropped=False) is None


def test_one_peers_way_makes_none() -> None:
    """What others would show is not known."""
    assert detour(table(ROUND), WHOLE, dropped=False) is None


def test_network_that_many_used_before_is_no_stranger() -> None:
    """Half of those who carry the part reached the whole through it."""
    through = (STRANGER, TRANSIT, OWNER)
    whole = table((TRANSIT, OWNER), through, (8, TRANSIT, OWNER), through)

    assert detour(table(through, through, through, through), whole, dropped=False) is None


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ((ROUND, ROUND), True),  # the first is the transit's own neighbour, and carries it
        (((), ROUND, (8, *ROUND), ROUND), True),  # 8 is between the third and the transit, and carries it
        (((), ROUND, ROUND, ROUND), False),  # 8 may have dropped it
        (((), ROUND, (), ROUND), False),
    ],
)
def test_of_an_invalid_part_only_those_count_who_would_not_drop_it(
    part: tuple[tuple[int, ...], ...], found: bool
) -> None:
    """RFC 6811: many drop it, and who has it from farther off may have been told by nobody else."""
    assert (detour(table(*part), WHOLE, dropped=True) is not None) is found
    assert detour(table(*part), WHOLE, dropped=False) is not None, "were it valid"


ways = st.lists(st.integers(1, 12), max_size=6, unique=True).map(tuple)


@given(part=st.lists(ways, max_size=6), whole=st.lists(ways, max_size=6), dropped=st.booleans())
def test_whatever_is_found_stands_on_every_way(
    part: list[tuple[int, ...]], whole: list[tuple[int, ...]], dropped: bool
) -> None:
    """Side by side, and before the origin; and what an invalid part shows, a valid one does too."""
    carried, usual = table(*part), table(*whole)
    found = detour(carried, usual, dropped=dropped)
    if found is None:
        return

    for way in carried.values():
        index = way.index(found.through)
        assert way[index + 1] == found.around
        assert index + 2 < len(way)
    assert detour(carried, usual, dropped=False) is not None
