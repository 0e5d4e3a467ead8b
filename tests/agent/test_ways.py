"""Which flows are traced in a round: all at first sight, one in turn after that, more when something is odd."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.agent.ways import Ways, fewest
from probes import Failure, Hop, HopReply, TraceObservation
from probes.traceroute import flow_number

DESTINATION = "203.0.113.10"
OWN = flow_number(DESTINATION)


def trace(path: str, flow: int = 0, *, reached: bool = True) -> TraceObservation:
    """A trace over routers with one-letter names, `*` silent, and to the destination."""
    hops = [Hop(ttl=ttl, address=None if name == "*" else name) for ttl, name in enumerate(path, 1)]
    if reached:
        hops.append(Hop(ttl=len(hops) + 1, address=DESTINATION, reply=HopReply.SYN_ACK))
    return TraceObservation(
        at=0, vantage="v", target="t", address=DESTINATION, flow=flow, reached=reached, hops=tuple(hops)
    )


class Network:
    """Answers traces by a rule from flow to path, and remembers what was asked."""

    def __init__(self, rule: Callable[[int], TraceObservation]) -> None:
        self.rule = rule
        self.asked: list[tuple[int, int | None]] = []

    async def trace(self, flow: int, length: int | None) -> TraceObservation:
        """One trace."""
        self.asked.append((flow, length))
        return self.rule(flow)

    def flows(self, ways: Ways, *, most: int = 16, places: int = 1) -> list[int]:
        """The flows of one round."""
        self.asked.clear()
        seen = asyncio.run(ways.round(self.trace, most, asyncio.Semaphore(places)))
        assert len(seen) == len(self.asked)
        return [flow for flow, _ in self.asked]


def straight(flow: int) -> TraceObservation:
    """One path for all flows."""
    return trace("abc", flow)


def balanced(flow: int) -> TraceObservation:
    """Two paths, by the flow's lowest bit."""
    return trace("abd" if flow % 2 else "acd", flow)


def moved(flow: int) -> TraceObservation:
    """One path for all flows, another than before."""
    return trace("axc", flow)


def test_address_is_explored_at_first_sight() -> None:
    """One trace, then flow after flow until six say that there is one way; after that one trace a round."""
    ways, network = Ways(DESTINATION), Network(straight)

    assert network.flows(ways) == [OWN, *range(OWN, OWN + 6)]
    assert network.flows(ways) == [OWN]
    assert network.asked == [(OWN, 4)]


def test_rounds_go_over_the_known_ways() -> None:
    """Two ways: each round takes the other one."""
    ways, network = Ways(DESTINATION), Network(balanced)
    network.flows(ways)
    turns = [network.flows(ways) for _ in range(4)]

    assert all(len(turn) == 1 for turn in turns)
    assert [turn[0] % 2 for turn in turns] in ([0, 1, 0, 1], [1, 0, 1, 0])
    assert turns[0] == turns[2]


def test_changed_path_is_asked_again_at_once_and_explored() -> None:
    """The same flow first, then the whole set anew; the next round finds nothing odd any more."""
    ways, network = Ways(DESTINATION), Network(straight)
    network.flows(ways)
    network.rule = moved

    assert network.flows(ways) == [OWN, OWN, *range(OWN, OWN + 6)]
    assert network.flows(ways) == [OWN]


def test_one_odd_trace_costs_two_more() -> None:
    """A stray: the same flow and the next one are asked, both are as ever, and that was all."""
    ways, network = Ways(DESTINATION), Network(balanced)
    network.flows(ways)
    first = network.flows(ways)[0]
    other = network.flows(ways)[0]
    answers = iter([trace("azd", first), balanced(first), balanced(other)])
    network.rule = lambda flow: next(answers)

    assert network.flows(ways) == [first, first, other]


def test_path_that_ends_early_is_asked_again_once_and_not_explored() -> None:
    """A black hole has no branches to find, and each trace into it takes its whole time."""
    ways, network = Ways(DESTINATION), Network(straight)
    network.flows(ways)
    network.rule = lambda flow: trace("a**", flow, reached=False)

    assert network.flows(ways) == [OWN, OWN]
    assert network.flows(ways) == [OWN]


def test_silence_is_not_odd() -> None:
    """Routers answer when they like."""
    ways, network = Ways(DESTINATION), Network(straight)
    network.flows(ways)
    network.rule = lambda flow: trace("a*c", flow)

    assert network.flows(ways) == [OWN]


def test_exploration_waits_for_a_place() -> None:
    """A round without one is a single trace; the next one with a place explores."""
    ways, network = Ways(DESTINATION), Network(straight)

    assert network.flows(ways, places=0) == [OWN]
    assert len(network.flows(ways)) == 7


def test_one_flow_for_ever_is_still_asked_again() -> None:
    """With `flows` 1 nothing is explored, but no odd trace stays alone."""
    ways, network = Ways(DESTINATION), Network(straight)

    assert network.flows(ways, most=1) == [OWN]
    network.rule = moved
    assert network.flows(ways, most=1) == [OWN, OWN]


def test_trace_that_could_not_be_made_is_neither_odd_nor_explored() -> None:
    """Our own failure says nothing of the path."""
    ways, network = Ways(DESTINATION), Network(straight)
    network.flows(ways)
    network.rule = lambda flow: TraceObservation(
        at=0, vantage="v", target="t", flow=flow, failure=Failure.PERMISSION_DENIED
    )

    assert network.flows(ways) == [OWN]


def test_exploration_is_bounded() -> None:
    """Every flow another way: no more than the setting allows, beside the round's own trace."""
    ways, network = Ways(DESTINATION), Network(lambda flow: trace(f"a{chr(200 + flow % 64)}c", flow))

    assert len(network.flows(ways, most=9)) == 1 + 9


@settings(max_examples=100, derandomize=True)
@given(st.lists(st.text("abc", min_size=3, max_size=3), min_size=1, max_size=12))
def test_chosen_flows_show_all_routers(paths: list[str]) -> None:
    """And none of them without need: each shows something that those before it do not."""
    traces = [trace(path, flow) for flow, path in enumerate(paths)]
    chosen = fewest(traces)
    met = [{(hop.ttl, hop.address) for hop in traces[flow].hops} for flow in chosen]

    assert set().union(*met) == {(hop.ttl, hop.address) for one in traces for hop in one.hops}
    assert all(one - set().union(*met[:index]) for index, one in enumerate(met))
