"""The set of paths as a person sees it: each router once, with the ways that pass it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from monitor.model import Asn
from monitor.report.measured import trace_view
from monitor.report.measured.ways import told_apart
from probes.observation import Hop, HopReply, Rewritten, TraceObservation


def trace(path: str, flow: int, *rewritten: Rewritten) -> TraceObservation:
    """A trace over routers with one-letter names, `*` silent; the destination quotes a probe so `rewritten`."""
    hops = [Hop(ttl=ttl) if name == "*" else
            Hop(ttl=ttl, address=name, rtt_s=0.001 * ttl, reply=HopReply.TIME_EXCEEDED)
            for ttl, name in enumerate(path, 1)]  # fmt: skip
    end = Hop(ttl=len(hops) + 1, address="203.0.113.10", rtt_s=0.02, reply=HopReply.SYN_ACK, rewritten=rewritten)
    return TraceObservation(
        at=0, vantage="v", target="t", address="203.0.113.10", port=443, flow=flow, reached=True,
        hops=(*hops, end),
    )  # fmt: skip


def shown(traces: list[TraceObservation]) -> list[list[str]]:
    """The words of each line."""
    console = Console(width=160, highlight=False)
    with console.capture() as captured:
        for part in trace_view(traces, lambda address: frozenset({Asn(64500)})):
            console.print(part)
    return [line.split() for line in captured.get().splitlines() if line.split()]


def test_branches_stand_under_each_other() -> None:
    """Way A is the commoner one; the routers that both pass have both letters."""
    traces = [trace("abd", flow) for flow in range(6)] + [trace("acd", flow) for flow in range(6, 11)]
    lines = shown(traces)

    assert " ".join(lines[1]) == (
        "11 flows took 2 ways; a further branch would have been seen at each router with 95% certainty"
    )
    assert lines[4:9] == [
        ["1", "AB", "a", "AS64500", "11", "of", "11", "1.0", "ms"],
        ["2", "A", "b", "AS64500", "6", "of", "11", "2.0", "ms"],
        ["B", "c", "AS64500", "5", "of", "11", "2.0", "ms"],
        ["3", "AB", "d", "AS64500", "11", "of", "11", "3.0", "ms"],
        ["4", "AB", "203.0.113.10", "AS64500", "11", "of", "11", "20.0", "ms", "syn", "ack"],
    ]


def test_too_few_flows_are_said() -> None:
    """Two flows that differ may be two of many."""
    assert "more flows are needed" in " ".join(shown([trace("ab", 1), trace("ac", 2)])[1])


def test_silence_and_rewritten_fields_are_shown() -> None:
    """A silent hop makes no way of its own."""
    lines = shown([trace("ab", 1, Rewritten.SOURCE_PORT), trace("a*", 2)])

    assert lines[6] == ["A", "*", "1", "of", "2", "–"]
    assert "source port rewritten" in " ".join(lines[7])
    assert "2 flows took 1 way;" in " ".join(lines[1])


PATHS = st.lists(st.text("ab*", min_size=3, max_size=3), min_size=1, max_size=8)


@settings(max_examples=100, derandomize=True)
@given(PATHS)
def test_every_trace_is_of_a_way_that_it_does_not_contradict(paths: list[str]) -> None:
    """And the commonest way comes first."""
    traces = [trace(path, flow) for flow, path in enumerate(paths)]
    ways, way_of = told_apart(traces)

    for one, number in zip(traces, way_of, strict=True):
        assert all(ways[number].get(hop.ttl) == hop.address for hop in one.hops if hop.address)
    counts = [way_of.count(number) for number in range(len(ways))]
    assert counts == sorted(counts, reverse=True)
    assert min(counts) > 0
