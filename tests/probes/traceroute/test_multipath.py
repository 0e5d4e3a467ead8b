"""How many flows are enough, and the set of paths that they find."""

from __future__ import annotations

import asyncio
import random
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.failure_word import Failure
from probes.observation import Hop, HopReply, TraceObservation
from probes.traceroute.flow import SOURCE_PORTS, flow_number
from probes.traceroute.multipath import MOST_FLOWS, explore, flows_towards
from probes.traceroute.stopping import RISK, coverage, enough, risk_of_missing

DESTINATION = "203.0.113.10"


def trace(path: str, flow: int = 0) -> TraceObservation:
    """A trace over routers with one-letter names, `*` silent, to the destination."""
    hops = [Hop(ttl=ttl, address=None if name == "*" else name) for ttl, name in enumerate(path, 1)]
    hops.append(Hop(ttl=len(hops) + 1, address=DESTINATION, reply=HopReply.SYN_ACK))
    return TraceObservation(
        at=0, vantage="v", target="t", address=DESTINATION, flow=flow, reached=True, hops=tuple(hops)
    )


def test_numbers_are_those_of_the_paper() -> None:
    """The table of the Multipath Detection Algorithm for 95 %."""
    assert [enough(branches) for branches in range(1, 11)] == [6, 11, 16, 21, 27, 33, 38, 44, 51, 57]


@settings(max_examples=60, derandomize=True)
@given(st.integers(1, 20), st.integers(1, 120))
def test_risk_falls_with_flows_and_rises_with_branches(branches: int, flows: int) -> None:
    """And `enough` is the first number of flows that brings it below the limit."""
    assert 0 <= risk_of_missing(branches, flows + 1) <= risk_of_missing(branches, flows) + 1e-9
    assert risk_of_missing(branches + 1, flows) >= risk_of_missing(branches, flows) - 1e-9
    assert risk_of_missing(branches, enough(branches)) <= RISK < risk_of_missing(branches, enough(branches) - 1)


@pytest.mark.parametrize(
    ("paths", "complete", "widest"),
    [
        (["abc"] * 5, False, 1),
        (["abc"] * 6, True, 1),
        (["abd", "acd"] * 5, False, 2),
        (["abd"] * 5 + ["acd"] * 6, True, 2),
        (["a*d"] * 6, True, 1),
        (["abd"] * 3 + ["a*d"] * 3, False, 1),
        (["abd", "abce"] * 6, True, 2),
        (["***"] * 6, True, 1),
        ([], False, 0),
    ],
    ids=[
        "too few of one path", "one path", "two branches, ten flows", "two branches, eleven", "always silent",
        "silent half the time", "branches of different length", "nobody but the end", "nothing",
    ],
)  # fmt: skip
def test_rule_is_asked_of_each_ttl(paths: list[str], complete: bool, widest: int) -> None:
    """Silence is no answer, and asks for none where it never ends."""
    found = coverage([trace(path) for path in paths])

    assert (found.is_complete, found.widest) == (complete, widest)


def test_meshed_links_need_more_flows() -> None:
    """b and c both go on to d and e: each needs eleven flows of its own to show that there is no third."""
    meshed = ["abd", "abe", "acd", "ace"]

    assert not coverage([trace(path) for path in meshed * 3]).is_complete
    assert coverage([trace(path) for path in meshed * 6]).is_complete
    assert coverage([trace(path) for path in ["abd", "ace"] * 6]).is_complete


def test_risk_is_told_for_the_worst_ttl_and_for_all() -> None:
    """Six flows over one path: one in 32 at each of its hops."""
    found = coverage([trace("abc")] * 6)

    assert found.risk == pytest.approx(1 / 32)
    assert found.risk_of_any == pytest.approx(4 / 32)
    assert coverage([]).risk_of_any == 1.0


def explored(branches: int, most: int, seed: int) -> list[TraceObservation]:
    """An exploration of a balancer with equal branches, which a seed lays the flows on."""

    async def one(flow: int) -> TraceObservation:
        return trace(f"a{chr(ord('b') + random.Random(f'{seed} {flow}').randrange(branches))}z", flow)

    return asyncio.run(explore(one, flows_towards(DESTINATION), most))


def test_branches_are_missed_no_more_often_than_stated() -> None:
    """Of 400 balancers of each width; a rule that forgot a branch would miss it far more often."""
    for branches in (2, 3, 4):
        missed = sum(
            len({one.hops[1].address for one in explored(branches, MOST_FLOWS, seed)}) < branches
            for seed in range(400)
        )
        # The rule looks after each turn, so that it has several chances to stop too early: hence not RISK itself.
        assert missed / 400 <= 2 * RISK, branches


def test_exploration_is_bounded_and_uses_each_flow_once() -> None:
    """The cap holds where the rule is not met, and one path costs six flows."""
    wide = explored(16, 16, 1)

    assert len(wide) == 16
    assert len({one.flow for one in wide}) == 16
    assert len(explored(1, 16, 1)) == 6


def test_exploration_gives_up_where_nothing_can_be_traced() -> None:
    """No permission is no path, and asking sixteen times would not change it."""

    async def one(flow: int) -> TraceObservation:
        return TraceObservation(at=0, vantage="v", target="t", failure=Failure.PERMISSION_DENIED, flow=flow)

    assert len(asyncio.run(explore(one, flows_towards(DESTINATION), 16))) == 3


def test_known_flows_come_first_and_none_comes_twice() -> None:
    """Then the address' own flow, and its neighbours, round the whole range."""
    own = flow_number(DESTINATION)
    order = list(flows_towards(DESTINATION, [own + 1, 7]))

    assert order[:4] == [own + 1, 7, own, own + 2]
    assert sorted(order) == list(range(SOURCE_PORTS))
    assert list(islice(flows_towards(DESTINATION), 1)) == [own]


@pytest.mark.netns
@pytest.mark.parametrize("family", [4, 6])
def test_both_ways_of_a_real_balancer_are_found(root_vantage: Any, family: int) -> None:
    """r1 spreads flows over r2 and r3; the flows that the rule asks for show both."""
    address = "198.18.50.1" if family == 4 else "2001:db8:50::1"

    async def one(flow: int) -> TraceObservation:
        found: TraceObservation = root_vantage.trace(address=address, port=443, flow=flow, timeout_s=5)
        return found

    seen = asyncio.run(explore(one, flows_towards(address), 32))
    found = coverage(seen)

    assert found.is_complete
    assert found.widest == 2
    assert found.flows >= 11
