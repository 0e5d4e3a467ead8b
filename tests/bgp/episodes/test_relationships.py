"""Relationship files are read line by line, and only a proven valley is one."""

from __future__ import annotations

import bz2
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bgp.episodes.relationships import Relationships, Step, Valley
from monitor.model import Asn

LINES = ["# source", "1|2|-1", "3|2|-1", "1|3|0", "4|3|-1|bgp", ""]


def test_lines_of_both_versions_are_read() -> None:
    """Provider, customer and peer, from either side; what is not there is unknown."""
    found = Relationships.parse(LINES)

    assert (len(found), found.bad) == (4, 0)
    assert [found.step(*map(Asn, pair)) for pair in ((2, 1), (1, 2), (1, 3), (3, 1))] == [
        Step.PROVIDER, Step.CUSTOMER, Step.PEER, Step.PEER,
    ]  # fmt: skip
    assert found.step(Asn(2), Asn(4)) is None


@pytest.mark.parametrize(
    ("path", "valley"),
    [
        ((9, 1, 2, 3), Valley(3, 2, 1)),
        ((2, 1, 3), None),
        ((2, 3, 4), None),
        ((4, 3, 1), Valley(1, 3, 4)),
        ((9, 8, 7), None),
        ((2,), None),
        ((), None),
    ],
)
def test_valley_is_a_route_from_above_handed_up(path: tuple[int, ...], valley: Valley | None) -> None:
    """A customer between two providers, or a peer's route to a provider; not what goes down or is unknown."""
    assert Relationships.parse(LINES).valley(tuple(map(Asn, path))) == valley


@pytest.mark.parametrize("line", ["1|2", "a|b|-1", "1|2|7", "0|2|0", "1|99999999999|0", "1|2|-1x"])
def test_bad_line_is_counted_with_its_place(line: str) -> None:
    """And costs nothing else."""
    found = Relationships.parse(["1|2|-1", line])

    assert (len(found), found.bad) == (1, 1)
    assert found.errors[0].startswith("line 2: ")


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=20), max_size=5))
def test_any_text_is_relations_or_counted(lines: list[str]) -> None:
    """Nothing else comes of it."""
    found = Relationships.parse(lines)

    assert len(found) + found.bad <= len(lines)


def test_file_of_caida_is_read_whole(shared_data: Path) -> None:
    """And it knows that two large carriers peer, and that one of them sells transit to Dreamline."""
    data = bz2.decompress((shared_data / "as-rel" / "20150201.as-rel.txt.bz2").read_bytes()).decode()
    found = Relationships.parse(data.splitlines())

    assert (len(found), found.bad) == (189_837, 0)
    assert found.step(Asn(3356), Asn(1299)) is Step.PEER
    assert found.step(Asn(9457), Asn(3786)) is Step.PROVIDER


def test_network_carries_nobody_when_it_is_told_of_and_has_no_customer() -> None:
    """What is not in the file may carry anybody; who buys no transit carries many."""
    found = Relationships.parse(["1|2|-1", "2|5|0", "1|3356|0"])

    assert [asn for asn in (1, 2, 5, 6, 3356) if found.carries_nobody(Asn(asn))] == [2, 5]


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 8), st.integers(1, 8), st.sampled_from([-1, 0])), max_size=14),
    st.sets(st.integers(1, 8)),
)
def test_excerpt_says_the_same_of_each_of_its_networks(
    relations: list[tuple[int, int, int]], networks: set[int]
) -> None:
    """Whose customer it is among them, whether it is told of at all, and whether it carries anybody."""
    whole = Relationships.parse([f"{one}|{other}|{kind}" for one, other, kind in relations if one != other])
    wanted = {Asn(asn) for asn in networks}
    part = Relationships.parse(whole.excerpt(wanted))

    for asn in wanted:
        assert (part.has(asn), part.carries_nobody(asn)) == (whole.has(asn), whole.carries_nobody(asn))
        assert [part.step(asn, other) for other in sorted(wanted)] == [
            whole.step(asn, other) for other in sorted(wanted)
        ]
