"""Each peer's view: what a fact changes, what is present, what is remembered and for how long."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bgp.rib import Rib
from monitor.model import PeerState, RouteKind, covers, parse_address, parse_prefix

NET = "203.0.113.0/24"
A, B = "198.51.100.1", "198.51.100.2"


@pytest.fixture
def rib():
    """An empty table."""
    return Rib()


def kinds(rib, *events):
    """The kinds of the changes that events make; None for none."""
    return [change and change.kind.value for change in map(rib.apply, events)]


def state(peer: str, at: float, *, up: bool = False) -> PeerState:
    """A peer's session went up or down."""
    return PeerState(at=at, collector="rrc00", peer=peer, peer_asn=64500, up=up)


def test_life_of_a_route(rib, make_event):
    """One peer's route from first sight to return."""
    assert kinds(
        rib,
        make_event(NET, "1 2", at=1),
        make_event(NET, "1 2", at=2),
        make_event(NET, "1 3 2", at=3),
        make_event(NET, None, at=4),
        make_event(NET, None, at=5),
        make_event(NET, "1 2", at=6),
        make_event(NET, "1 9", at=7),
        make_event(NET, "1 2", at=8),
    ) == ["new_prefix", "unchanged", "path_changed", "withdrawn", None, "restored", "new_origin", "path_changed"]


def test_prefix_is_new_once_and_then_new_to_peers(rib, make_event):
    """A second peer with a known origin is no news of the prefix; with an unknown one it is."""
    assert kinds(
        rib,
        make_event(NET, "1 2", peer=A),
        make_event(NET, "5 2", peer=B),
        make_event(NET, "5 2", peer=B, collector="rrc01"),
        make_event(NET, "6 7", peer="198.51.100.3"),
    ) == ["new_prefix", "new_peer", "new_peer", "new_origin"]
    assert len(rib.routes(parse_prefix(NET))) == 4


def test_since_counts_from_the_first_announcement_of_this_very_path(rib, make_event):
    """Repeating keeps it, changing the path or withdrawing begins anew."""
    for at, path in [(1, "1 2"), (5, "1 2"), (6, "1 3 2"), (7, None), (9, "1 3 2")]:
        change = rib.apply(make_event(NET, path, at=at))
        if path:
            seen = (change.new.since, change.new.at)
            assert seen == {1: (1, 1), 5: (1, 5), 6: (6, 6), 9: (9, 9)}[at]

    assert change.old.since == 6


def test_withdrawn_routes_are_remembered_until_restored(rib, make_event):
    """Who had it, when it went, and what it was."""
    rib.apply(make_event(NET, "1 2", at=1))
    rib.apply(make_event(NET, None, at=4))
    prefix = parse_prefix(NET)
    (when, route) = rib.last_withdrawn(prefix)["rrc00", A]

    assert (when, str(route.path)) == (4, "1 2")
    assert not rib.routes(prefix)
    assert rib.covering(parse_address("203.0.113.9")) == []
    rib.apply(make_event(NET, "1 2", at=5))
    assert not rib.last_withdrawn(prefix)


def test_peer_that_is_down_has_unknown_routes_not_withdrawn_ones(rib, make_event):
    """They go silently, and their return is no new prefix."""
    rib.apply(make_event(NET, "1 2", at=1))
    rib.apply(make_event(NET, "5 2", at=1, peer=B))

    assert rib.apply(state(A, 2)) is None
    assert set(rib.routes(parse_prefix(NET))) == {("rrc00", B)}
    assert not rib.last_withdrawn(parse_prefix(NET))
    assert rib.peers() == {("rrc00", B)}
    assert kinds(rib, state(A, 3, up=True), make_event(NET, "1 2", at=3)) == [None, "new_peer"]
    assert rib.peers() == {("rrc00", A), ("rrc00", B)}


def test_late_news_of_a_session_does_not_take_newer_routes(rib, make_event):
    """The session was down at 2; the route came at 3."""
    rib.apply(make_event(NET, "1 2", at=3))
    rib.apply(make_event("198.51.100.0/24", "1 2", at=1))
    rib.apply(state(A, 2))

    assert rib.routes(parse_prefix(NET))
    assert not rib.routes(parse_prefix("198.51.100.0/24"))


def test_older_facts_of_the_same_peer_are_passed_over(rib, make_event):
    """Feeds overlap: a table dump behind the updates must not undo them."""
    rib.apply(make_event(NET, "1 2", at=5))

    assert kinds(rib, make_event(NET, "1 9", at=4, kind=RouteKind.RIB), make_event(NET, None, at=4)) == [
        None,
        None,
    ]
    rib.apply(make_event(NET, None, at=6))
    assert kinds(rib, make_event(NET, "1 2", at=5)) == [None]


def test_first_seen_keeps_the_earliest_time_of_an_origin(rib, make_event):
    """From any peer, also for members of a set."""
    rib.apply(make_event(NET, "1 2", at=5))
    rib.apply(make_event(NET, "5 2", at=3, peer=B))
    rib.apply(make_event(NET, "5 {7,8}", at=6, peer=B))
    prefix = parse_prefix(NET)

    assert [rib.first_seen(prefix, asn) for asn in (2, 7, 8, 9)] == [3, 6, 6, None]


def test_relations_are_strict_and_ordered(rib, make_event):
    """Wider ones by specificity, narrower ones by address; neither names the prefix itself."""
    for text in ("203.0.112.0/20", "203.0.112.0/22", NET, "203.0.113.128/25", "203.0.113.0/25", "2001:db8::/32"):
        rib.apply(make_event(text, "1 2"))

    assert [str(p) for p in rib.covering_prefix(parse_prefix(NET))] == ["203.0.112.0/22", "203.0.112.0/20"]
    assert [str(p) for p in rib.inside(parse_prefix(NET))] == ["203.0.113.0/25", "203.0.113.128/25"]
    assert [str(p) for p in rib.covering(parse_address("203.0.113.200"))][:2] == ["203.0.113.128/25", NET]
    assert [str(p) for p in rib.inside(parse_prefix("2001::/16"))] == ["2001:db8::/32"]


def test_memory_is_bounded(make_event):
    """The oldest withdrawal goes first and takes its prefix along; routes above the limit are refused."""
    rib = Rib(max_routes=3, max_withdrawn=2)
    for number in range(3):
        rib.apply(make_event(f"10.0.{number}.0/24", "1 2", at=1))

    assert rib.apply(make_event("10.9.0.0/24", "1 2", at=1)) is None
    assert rib.refused == 1
    for number in range(3):
        rib.apply(make_event(f"10.0.{number}.0/24", None, at=2))
    assert not rib.last_withdrawn(parse_prefix("10.0.0.0/24"))
    assert rib.first_seen(parse_prefix("10.0.0.0/24"), 2) is None
    assert rib.last_withdrawn(parse_prefix("10.0.2.0/24"))
    assert kinds(rib, make_event("10.0.0.0/24", "1 2", at=3)) == ["new_prefix"]


def test_prefixes_are_bounded_apart_from_routes(make_event):
    """Made-up parts of a prefix are refused above the limit; who has the known ones is still told."""
    rib = Rib(max_prefixes=2)
    rib.apply(make_event("10.0.0.0/24", "1 2", at=1))
    rib.apply(make_event("10.0.1.0/24", "1 2", at=1))

    assert rib.apply(make_event("10.0.2.0/24", "1 2", at=1)) is None
    assert kinds(rib, make_event("10.0.1.0/24", "1 3", at=2, peer=B)) == ["new_origin"]
    assert (rib.refused, len(rib)) == (1, 2)


PREFIXES = [parse_prefix(f"10.0.{i}.0/{n}") for n in (22, 23, 24) for i in range(0, 8, 1 << (24 - n))]


@settings(derandomize=True, max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(PREFIXES),
            st.sampled_from(["1 2", "1 3 2", "1 4", None]),
            st.sampled_from([A, B]),
            st.integers(0, 9),
        ),
        max_size=30,
    )
)
def test_table_agrees_with_a_naive_one(make_event, steps):
    """Present routes and relations, against a dict and a loop."""
    rib, naive = Rib(), {}
    for number, (prefix, path, peer, down) in enumerate(steps):
        if down == 0:
            rib.apply(state(peer, float(number)))
            naive = {key: value for key, value in naive.items() if key[1] != peer}
            continue
        rib.apply(make_event(str(prefix), path, at=float(number), peer=peer))
        if path is None:
            naive.pop((prefix, peer), None)
        else:
            naive[prefix, peer] = path
    present = {prefix for prefix, _ in naive}

    for prefix in PREFIXES:
        have = {peer: str(route.path) for (_, peer), route in rib.routes(prefix).items()}
        assert have == {peer: path for (p, peer), path in naive.items() if p == prefix}
        assert set(rib.inside(prefix)) == {p for p in present if covers(prefix, p) and p != prefix}
        assert set(rib.covering_prefix(prefix)) == {p for p in present if covers(p, prefix) and p != prefix}
