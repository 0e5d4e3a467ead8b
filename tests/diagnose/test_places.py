"""Where a target was met, and whether an address is one of its usual places."""

from __future__ import annotations

import pytest

from monitor.bgp.ip_to_as import PrefixTable
from monitor.diagnose.place import KEPT_PLACES, PlaceMemory

TABLE = PrefixTable.parse(["198.51.100.0/22\t64500", "203.0.113.0/24\t64666", "192.88.0.0/22\t64501"])
OWN = frozenset({64501})
ONSET = 1000.0


def met(*addresses: str, at: float = 10.0, table: PrefixTable | None = TABLE) -> PlaceMemory:
    """What is remembered of a target that answered there."""
    places = PlaceMemory(table, OWN)
    for address in addresses:
        places.add(address, at)
    return places


@pytest.mark.parametrize(
    ("address", "usual"),
    [
        ("198.51.100.10", True),
        ("198.51.100.99", True),  # beside it: one way leads to both
        ("198.51.101.10", None),  # never met, in a network that was
        ("192.88.0.1", None),  # never met, in a network that is declared
        ("203.0.113.10", False),
        ("8.8.8.8", False),  # nobody's, by the table
        (None, None),
    ],
)
def test_place_is_usual_where_the_target_was_met_before_the_trouble(
    address: str | None, usual: bool | None
) -> None:
    """Elsewhere in its own networks a server may have been added; elsewhere at all, none was."""
    assert met("198.51.100.10").is_usual(address, ONSET) is usual


def test_place_that_was_met_in_the_trouble_is_not_usual() -> None:
    """Nor does its network become the target's."""
    places = met("198.51.100.10")
    places.add("203.0.113.10", ONSET)

    assert places.is_usual("203.0.113.10", ONSET) is False


def test_nothing_is_usual_or_strange_before_anything_was_met() -> None:
    """A target that is new is met somewhere first."""
    assert met().is_usual("198.51.100.10", ONSET) is None


def test_place_is_new_once() -> None:
    """An address of a place that was met is no new place."""
    places = met("198.51.100.10", table=None)

    assert (places.add("198.51.100.11", 20.0), places.add("2001:db8::1", 20.0)) == (False, True)
    assert places.met == 2


def test_places_remembered_are_bounded() -> None:
    """The oldest is forgotten."""
    places = met(*(f"10.{n >> 8}.{n & 255}.1" for n in range(KEPT_PLACES + 1)), table=None)

    assert places.is_usual("10.0.0.1", ONSET) is False
    assert places.is_usual(f"10.{KEPT_PLACES >> 8}.{KEPT_PLACES & 255}.1", ONSET) is True
