"""The picture of all ways: who is new on them, where they part, and that nothing else is marked."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.model import Asn
from monitor.report.words import Language
from monitor.web.dashboard.ladder import Ladder, Pair
from monitor.web.dashboard.path_graph import MOST_NODES, PathGraph, parting, path_graph

WAYS = st.lists(st.integers(1, 12), max_size=8).map(lambda way: tuple(map(Asn, dict.fromkeys(way))))


def ladder(before: tuple[int, ...], now: tuple[int, ...], *, vantage: str = "seoul-1") -> Ladder:
    """A vantage's ways through these networks; different ones part at the first hop."""
    pair = Pair(ttl=1, before=None, after=None, same=before == now, parts=before != now)
    return Ladder(
        vantage=vantage, address="192.0.2.1", at=60.0, before_at=0.0, reached=True, pairs=(pair,),
        networks=tuple(map(Asn, now)), networks_before=tuple(map(Asn, before)),
    )  # fmt: skip


def kinds(graph: PathGraph) -> dict[int, str]:
    """What is drawn of each network."""
    return {int(node.asn): node.kind + ("!" if node.parts else "") for node in graph.nodes}


def test_a_hijacker_is_new_and_the_network_that_believed_it_is_where_ways_part() -> None:
    """Two vantages are led away behind the same network; a third keeps its way."""
    graph = path_graph([
        ladder((1, 3, 4, 9), (1, 3, 66, 9), vantage="a"),
        ladder((2, 3, 4, 9), (2, 3, 66, 9), vantage="b"),
        ladder((5, 4, 9), (5, 4, 9), vantage="c"),
    ], Language.EN)  # fmt: skip

    assert graph is not None
    assert kinds(graph) == {1: "both", 2: "both", 3: "both!", 4: "both", 5: "both", 66: "now", 9: "both"}
    assert {link.said for link in graph.links if link.kind == "now"} == {
        "AS3 to AS66: 0 vantages before, 2 vantages now",
        "AS66 to AS9: 0 vantages before, 2 vantages now",
    }
    assert graph.said == "Networks on the ways of 3 vantages; 2 changed, parting at AS3"


def test_ways_that_did_not_change_have_no_mark() -> None:
    """The near-miss: a quiet hour, and a network whose hops kept silent once."""
    quiet = path_graph([ladder((1, 3, 9), (1, 3, 9))], Language.EN)
    silent = path_graph([ladder((1, 3, 9), (1, 9))], Language.EN)

    assert quiet is not None
    assert silent is not None
    assert kinds(quiet) == {1: "both", 3: "both", 9: "both"}
    assert quiet.said == "Networks on the ways of 1 vantage; none changed"
    assert not any(node.parts for node in silent.nodes)


def test_without_two_known_networks_there_is_no_picture() -> None:
    """No table of networks, or ways that none of it maps."""
    assert path_graph([], Language.EN) is None
    assert path_graph([ladder((), (1,))], Language.EN) is None


def test_too_many_networks_leave_out_whole_ways_that_did_not_change() -> None:
    """The changed one is kept, and what is left out is counted."""
    many = [ladder((n, 9), (n, 9), vantage=f"v{n}") for n in range(1000, 1000 + 2 * MOST_NODES)]
    graph = path_graph([*many, ladder((1, 9), (1, 66, 9), vantage="led")], Language.EN)

    assert graph is not None
    assert len(graph.nodes) <= MOST_NODES
    assert kinds(graph)[66] == "now"
    assert graph.left_out == 2 * MOST_NODES - (len(graph.nodes) - 3)


@given(st.lists(st.tuples(WAYS, WAYS), max_size=6))
@settings(derandomize=True, max_examples=60, deadline=None)
def test_any_ways_are_drawn_apart_with_each_of_their_steps(ways: list[tuple[tuple[Asn, ...], ...]]) -> None:
    """Loops too: each network has a place of its own inside the picture, each step an edge."""
    ladders = [ladder(before, now, vantage=str(n)) for n, (before, now) in enumerate(ways)]
    graph = path_graph(ladders, Language.EN)
    if graph is None:
        assert all(len(one.networks) < 2 and len(one.networks_before) < 2 for one in ladders)
        return
    places = {(node.x, node.y) for node in graph.nodes}
    steps = {step for before, now in ways for step in (*pairwise(before), *pairwise(now))}

    assert len(places) == len(graph.nodes)
    assert all(0 < x < graph.width and 0 < y < graph.height for x, y in places)
    assert len(graph.links) == len(steps)


@given(WAYS, WAYS)
@settings(derandomize=True, max_examples=60, deadline=None)
def test_ways_part_at_a_network_that_both_have(before: tuple[Asn, ...], now: tuple[Asn, ...]) -> None:
    """Or not at all; a way does not part from itself."""
    at = parting(before, now)

    assert at is None or (at in before and at in now)
    assert parting(now, now) is None
