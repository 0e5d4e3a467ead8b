"""AS paths from traceroutes, and their comparison with the usual set."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bgp.ip_to_as import PrefixTable
from monitor.diagnose.paths.change import Divergence, PathChange, compare, divergence, fits
from monitor.diagnose.paths.trail import Trail, trail_of
from probes.observation import Hop, HopReply, TraceObservation

TABLE = PrefixTable.parse(
    ["198.18.1.0/24\t64501", "198.18.2.0/24\t64502", "198.18.3.0/24\t64503", "198.51.100.0/24\t64500",
     "198.18.9.0/24\t64502_64509"]
)  # fmt: skip
USUAL = [Trail((64501, 64502, 64500), True)]
HOME = frozenset({64500})


def trace(*addresses: str | None, reached: bool = True) -> TraceObservation:
    """A traceroute to 198.51.100.10 over these hops."""
    hops = [Hop(ttl=n, address=address, reply=HopReply.TIME_EXCEEDED) for n, address in enumerate(addresses, 1)]
    if reached:
        hops.append(Hop(ttl=len(hops) + 1, address="198.51.100.10", reply=HopReply.SYN_ACK))
    return TraceObservation(
        at=0, vantage="v", target="t", address="198.51.100.10", reached=reached, hops=tuple(hops)
    )


@pytest.mark.parametrize(
    ("addresses", "ases"),
    [
        (("10.0.0.1", "198.18.1.1", "198.18.2.1"), (64501, 64502)),
        (("198.18.1.1", "198.18.1.2", "198.18.2.1"), (64501, 64502)),
        (("198.18.1.1", None, "198.18.2.1"), (64501, 64502)),
        (("100.64.0.1", "fe80::1", "198.18.1.1"), (64501,)),
        (("198.18.2.1", "198.18.9.1"), (64502,)),
        (("198.18.1.1", "198.51.100.1"), (64501, 64500)),
        (("198.18.1.1", "198.51.100.10", "198.51.100.10"), (64501,)),
        ((), ()),
    ],
    ids=["private", "repeated", "silent", "link-local", "several origins", "own network", "translator", "empty"],
)
def test_trail_keeps_networks_only(addresses: tuple[str | None, ...], ases: tuple[int, ...]) -> None:
    """Private, silent and repeated hops, and all that answers with the destination's address, add no network."""
    assert trail_of(trace(*addresses), TABLE).ases == ases


@pytest.mark.parametrize(
    ("addresses", "silent"),
    [
        (("198.18.1.1", None), (0, 1)),
        (("198.18.1.1", None, "198.18.2.1"), (0, 1, 0)),
        (("198.18.1.1", "203.0.113.1", None, "198.18.2.1"), (0, 2, 0)),
        (("198.18.1.1", None, "198.18.1.2", "10.0.0.1", "198.18.2.1"), (0, 0, 0)),
        ((None, "198.18.1.1"), (1, 0)),
    ],
    ids=["before the end", "between", "unmapped public", "inside one network, private", "at the vantage"],
)
def test_wildcards_are_counted_where_they_may_hide_a_network(
    addresses: tuple[str | None, ...], silent: tuple[int, ...]
) -> None:
    """Silent hops and public ones that nobody maps; not those between two routers of one network."""
    assert trail_of(trace(*addresses), TABLE).silent == silent


@pytest.mark.parametrize(
    ("ases", "reached", "gap", "change"),
    [
        ((64501, 64502, 64500), True, False, PathChange.UNCHANGED),
        ((64501, 64500), True, False, PathChange.UNCHANGED),
        ((64501, 64502), True, True, PathChange.UNCHANGED),
        ((64501, 64502, 64500), False, True, PathChange.UNCHANGED),
        ((64501, 64503, 64500), True, False, PathChange.REROUTED),
        ((64502, 64501, 64500), True, False, PathChange.REROUTED),
        ((64501, 64503), True, False, PathChange.ENDS_ELSEWHERE),
        ((64501, 64503), False, True, PathChange.ENDS_ELSEWHERE),
        ((64501, 64502), True, False, PathChange.ENDS_ELSEWHERE),
        ((64501,), False, True, PathChange.STOPS_SHORT),
        ((), False, True, PathChange.UNKNOWN),
    ],
)
def test_trail_is_compared_with_the_usual_ones(
    ases: tuple[int, ...], reached: bool, gap: bool, change: PathChange
) -> None:
    """New networks, another end, an early end; silent hops are wildcards."""
    silent = (*[0] * len(ases), int(gap))

    assert compare(Trail(ases, reached, silent), USUAL, HOME) is change


@pytest.mark.parametrize(
    ("usual", "ases", "change"),
    [
        ([Trail((1, 3), True, (0, 1, 0))], (1, 2, 3), PathChange.UNCHANGED),
        ([Trail((1, 3), True, (0, 1, 0))], (1, 2, 4, 3), PathChange.REROUTED),
        ([Trail((1, 3), True, (0, 0, 0))], (1, 2, 3), PathChange.REROUTED),
        ([Trail((1, 3), True, (0, 0, 2))], (1, 3, 2), PathChange.ENDS_ELSEWHERE),
        ([Trail((1, 3), True, (0, 1, 0))], (1, 2), PathChange.ENDS_ELSEWHERE),
        ([Trail((1, 3), True, (0, 1, 0)), Trail((1, 5, 3), True)], (1, 2, 3), PathChange.REROUTED),
        ([Trail((1, 2, 4), True), Trail((1, 3, 4), True)], (1, 3, 4), PathChange.UNCHANGED),
        ([Trail((1, 2, 4), True), Trail((1, 3, 4), True)], (1, 2, 3, 4), PathChange.REROUTED),
    ],
    ids=[
        "a silent hop speaks up", "two networks in the room of one hop", "no room",
        "silence before the end hides no stranger", "ends in the silence", "silent at times only",
        "either way of a load balancer", "a mixture of both ways",
    ],
)  # fmt: skip
def test_silent_stretch_of_the_usual_path_is_a_wildcard(
    usual: list[Trail], ases: tuple[int, ...], change: PathChange
) -> None:
    """A network may have been there all the time where hops enough were silent, and nowhere else."""
    assert compare(Trail(ases, True), usual, frozenset()) is change


def test_first_divergent_network_is_named() -> None:
    """Behind which network the path leaves the usual ones, and into which."""
    trail = Trail((64501, 64502, 9457, 9458), False)

    assert divergence(trail, USUAL) == Divergence(64502, 9457)
    assert divergence(Trail((9457,), False), USUAL) == Divergence(None, 9457)
    assert divergence(USUAL[0], USUAL) is None


PATHS = st.lists(st.integers(1, 9), max_size=6, unique=True).map(tuple)


@settings(max_examples=200, derandomize=True)
@given(PATHS.filter(bool), st.data())
def test_silence_alone_never_changes_a_path(path: tuple[int, ...], data: st.DataObject) -> None:
    """Whatever hops fall silent, as long as the last network is seen: the path is unchanged."""
    kept = data.draw(st.lists(st.booleans(), min_size=len(path) - 1, max_size=len(path) - 1))
    part = tuple(asn for asn, stays in zip(path, [*kept, True], strict=True) if stays)

    assert compare(Trail(part, True), [Trail(path, True)], frozenset()) is PathChange.UNCHANGED


@settings(max_examples=200, derandomize=True)
@given(PATHS, PATHS, st.integers(0, 2))
def test_stranger_at_the_end_never_fits(path: tuple[int, ...], old: tuple[int, ...], room: int) -> None:
    """However silent the usual path is, a path that ends in a network never seen on it is another one."""
    trail = Trail((*path, 99), True)

    assert not fits(trail, Trail(old, True, (room,) * (len(old) + 1)))


@pytest.mark.parametrize(
    ("addresses", "straight"),
    [
        (("198.18.1.1", "198.18.2.1"), True),
        (("198.18.1.1", "198.18.2.1", "198.51.100.1"), True),
        (("198.18.1.1", None, "198.18.1.2", "198.18.2.1"), True),
        (("198.18.1.1", None, "198.18.2.1"), False),
        (("198.18.1.1", "198.18.3.1", "198.18.2.1"), False),
        (("198.18.2.1", "198.18.1.1"), False),
        (("198.18.1.1",), False),
        ((), False),
    ],
)
def test_network_hands_over_where_none_can_hide_between(addresses: tuple[str | None, ...], straight: bool) -> None:
    """A silent hop may be anybody's."""
    assert trail_of(trace(*addresses), TABLE).hands_over(64501, 64502) is straight
