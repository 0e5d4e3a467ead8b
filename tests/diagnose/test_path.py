"""AS paths from traceroutes, and their comparison with the usual ones."""

from __future__ import annotations

import pytest

from monitor.bgp.ip_to_as import PrefixTable
from monitor.diagnose.path import SETTLED_S, PathChange, PathMemory, Trail, compare, trail_of
from probes.observation import Hop, HopReply, TraceObservation

TABLE = PrefixTable.parse(
    ["198.18.1.0/24\t64501", "198.18.2.0/24\t64502", "198.18.3.0/24\t64503", "198.51.100.0/24\t64500",
     "198.18.9.0/24\t64502_64509"]
)  # fmt: skip
USUAL = [Trail((64501, 64502, 64500), True, False)]
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
        ((), ()),
    ],
    ids=["private", "repeated", "silent", "link-local", "several origins", "own network", "empty"],
)
def test_trail_keeps_networks_only(addresses: tuple[str | None, ...], ases: tuple[int, ...]) -> None:
    """Private, silent and repeated hops and the destination's own answer add no network."""
    assert trail_of(trace(*addresses), TABLE).ases == ases


def test_silence_before_the_end_is_kept_as_a_gap() -> None:
    """A silent hop behind the last known network may hide another one."""
    assert trail_of(trace("198.18.1.1", None), TABLE).gap_before_end
    assert not trail_of(trace("198.18.1.1", None, "198.18.2.1"), TABLE).gap_before_end


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
    assert compare(Trail(ases, reached, gap), USUAL, HOME) is change


def test_path_of_the_trouble_never_becomes_the_usual_one() -> None:
    """What was first seen in trouble is unlearned when that is over."""
    memory = PathMemory()
    memory.add(USUAL[0], 0.0)
    memory.add(Trail((64501, 64503), True, False), 10_000.0)

    assert memory.change(9_990.0, HOME) is PathChange.ENDS_ELSEWHERE
    memory.forget(9_990.0, 11_000.0)
    memory.add(Trail((64501, 64503), True, False), 20_000.0)

    assert memory.change(19_990.0, HOME) is PathChange.ENDS_ELSEWHERE


def test_settled_path_is_usual() -> None:
    """Two paths that were both seen long before are both usual."""
    memory = PathMemory()
    memory.add(USUAL[0], 0.0)
    other = Trail((64501, 64503, 64500), True, False)
    memory.add(other, 100.0)
    memory.add(other, 100.0 + 2 * SETTLED_S)

    assert memory.change(100.0 + 2 * SETTLED_S, HOME) is PathChange.UNCHANGED


def test_no_trace_since_the_onset_says_nothing() -> None:
    """Not measured is not evidence."""
    memory = PathMemory()
    memory.add(USUAL[0], 0.0)

    assert memory.change(50.0, HOME) is PathChange.UNKNOWN
