"""A changed path is believed only when asked again: what traces, flows, vantages and BGP must say for that."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from monitor.bgp.ip_to_as import PrefixTable
from monitor.diagnose.paths.belief import Belief, believe, ends_at_stranger, readings
from monitor.diagnose.paths.change import PathChange
from monitor.diagnose.paths.memory import SETTLED_S, PathMemory
from probes.observation import Hop, HopReply, MplsLabel, TraceObservation

DESTINATION = "198.51.100.10"
TABLE = PrefixTable.parse([f"198.18.{n}.0/24\t{64500 + n}" for n in range(1, 10)] + ["198.51.100.0/24\t64500"])
HOME = frozenset({64500})
ONSET = 10_000.0
USUAL = "1.1 1.2 2.1 0.1"
"""The usual path, as the last two numbers of 198.18 addresses; 0.1 is the destination's own network."""

NOBODY: frozenset[int] = frozenset()


def trace(
    path: str, *, flow: int | None = 1, address: str = DESTINATION, reached: bool = True
) -> TraceObservation:
    """A traceroute over `path`: `n.m` is 198.18.n.m, `0.m` a router of the destination's network, `*` silence."""
    hops = []
    for ttl, word in enumerate(path.split(), 1):
        router = None if word == "*" else f"198.51.100.{word[2:]}" if word.startswith("0.") else f"198.18.{word}"
        hops.append(Hop(ttl=ttl, address=router, reply=None if router is None else HopReply.TIME_EXCEEDED))
    if reached:
        hops.append(Hop(ttl=len(hops) + 1, address=address, reply=HopReply.SYN_ACK))
    return TraceObservation(
        at=0, vantage="v", target="t", address=address, flow=flow, reached=reached, hops=tuple(hops)
    )


def remembering(*before: TraceObservation, times: int = 3) -> PathMemory:
    """A memory of traces that came long before the trouble, each `times` over."""
    memory = PathMemory(TABLE)
    for turn in range(times):
        for number, one in enumerate(before):
            memory.add(one, 100.0 * turn + number)
    return memory


def judged(memory: PathMemory, *since: TraceObservation, told: frozenset[int] = NOBODY) -> Belief:
    """What is believed after these traces, ten seconds apart, since the onset."""
    for number, one in enumerate(since):
        memory.add(one, ONSET + 10 * number)
    return believe(readings(memory, ONSET, HOME), (), told)


HIJACKED = "1.1 1.2 9.1"
REROUTED = "1.1 1.2 3.1 0.2"


@pytest.mark.parametrize(
    ("since", "change"),
    [
        ([USUAL], PathChange.UNCHANGED),
        ([HIJACKED], PathChange.UNKNOWN),
        ([HIJACKED, HIJACKED], PathChange.ENDS_ELSEWHERE),
        ([HIJACKED, USUAL], PathChange.UNCHANGED),
        ([USUAL, HIJACKED], PathChange.UNKNOWN),
        ([HIJACKED, "1.1 1.2 8.1"], PathChange.UNKNOWN),
        ([REROUTED], PathChange.UNKNOWN),
        ([REROUTED, "1.1 * 3.1 0.2"], PathChange.REROUTED),
        ([HIJACKED, "1.1 1.2 * *"], PathChange.UNCHANGED),
    ],
    ids=[
        "usual", "lone hijack", "hijack seen again", "a stray", "a stray after the usual", "two strays",
        "lone re-route", "re-route seen again", "silent at last",
    ],
)  # fmt: skip
def test_change_is_asked_again_before_it_is_believed(since: Sequence[str], change: PathChange) -> None:
    """Two traces of one flow that agree make a change; one, or two that contradict each other, make none."""
    assert judged(remembering(trace(USUAL)), *map(trace, since)).change is change


def test_hijack_names_the_first_divergent_network() -> None:
    """The networks behind the hijacker's are his, too."""
    way = trace("1.1 1.2 9.1 8.1", reached=False)
    belief = judged(remembering(trace(USUAL)), way, way)

    assert belief.change is PathChange.ENDS_ELSEWHERE
    assert belief.new_networks == (64509, 64508)


def test_path_cut_short_is_believed_when_seen_again() -> None:
    """The destination's network does not answer any more: once may be loss, twice is the path's end."""
    memory = remembering(trace(USUAL))
    cut = trace("1.1 1.2 * * *", reached=False)

    assert judged(memory, cut).change is PathChange.UNKNOWN
    assert judged(memory, cut, cut).change is PathChange.STOPS_SHORT


def test_first_path_ever_is_no_change() -> None:
    """Without a past there is nothing to differ from."""
    assert judged(PathMemory(TABLE), trace(HIJACKED), trace(HIJACKED)).change is PathChange.UNKNOWN


def test_bgp_bears_out_a_single_trace() -> None:
    """A single trace through the network that BGP says took the prefix is not alone; through another it is."""
    assert judged(remembering(trace(USUAL)), trace(HIJACKED), told=frozenset({64509})).change.is_change
    assert judged(remembering(trace(USUAL)), trace(HIJACKED), told=frozenset({64508})).change is PathChange.UNKNOWN


@pytest.mark.parametrize(
    ("here", "there", "change"),
    [
        (HIJACKED, "4.1 9.7", PathChange.ENDS_ELSEWHERE),
        (HIJACKED, "4.1 8.1", PathChange.UNKNOWN),
        (HIJACKED, "4.1 2.1 0.1", PathChange.UNKNOWN),
    ],
    ids=["the same stranger", "another stranger", "as usual"],
)
def test_another_vantage_bears_out_a_single_trace(here: str, there: str, change: PathChange) -> None:
    """Two vantages that meet the same new network ask twice, too."""
    mine, other = remembering(trace(USUAL)), remembering(trace("4.1 2.1 0.1"))
    mine.add(trace(here), ONSET)
    other.add(trace(there), ONSET)
    elsewhere = readings(other, ONSET, HOME)

    assert believe(readings(mine, ONSET, HOME), elsewhere, NOBODY).change is change


BALANCED = [trace(USUAL, flow=1), trace("1.1 1.3 3.1 0.1", flow=2)]


def test_balancing_by_packet_is_no_change() -> None:
    """One flow that takes either way by chance, as it always did."""
    ways = [trace(USUAL), trace("1.1 1.3 3.1 0.1")]

    for odd in ([0, 1, 0], [1, 1, 1], [1, 0, 1]):
        assert judged(remembering(*ways), *(ways[turn] for turn in odd)).change is PathChange.UNCHANGED


def test_balancing_by_flow_is_no_change() -> None:
    """Each flow keeps its way, and the set of both is usual for either."""
    assert judged(remembering(*BALANCED), *BALANCED).change is PathChange.UNCHANGED
    swapped = [trace(USUAL, flow=2), trace("1.1 1.3 3.1 0.1", flow=1)]
    assert judged(remembering(*BALANCED), *swapped).change is PathChange.UNCHANGED


def test_new_flow_that_finds_a_new_branch_accuses_nobody() -> None:
    """A flow never traced before shows a way never seen before: it was always there, as the old flows tell."""
    branch = trace("1.1 1.4 4.1 0.1", flow=7)
    old = trace(USUAL)

    assert judged(remembering(old), old, branch, branch).change is PathChange.UNCHANGED


def test_new_flow_bears_witness() -> None:
    """The known flow went another way, and one never traced before meets the same stranger."""
    belief = judged(remembering(trace(USUAL)), trace(HIJACKED), trace("1.1 1.3 9.2", flow=7))

    assert belief.change is PathChange.ENDS_ELSEWHERE


def test_flow_that_is_chosen_anew_for_each_trace_is_compared_all_the_same() -> None:
    """Tracers that do not hold a flow, and foreign results that do not say it."""
    past = remembering(*(trace(USUAL, flow=flow) for flow in range(5)), times=1)

    assert judged(past, trace(HIJACKED, flow=8), trace(HIJACKED, flow=9)).change is PathChange.ENDS_ELSEWHERE
    past = remembering(trace(USUAL, flow=None))
    assert judged(past, trace(HIJACKED, flow=None), trace(HIJACKED, flow=None)).change.is_change


def test_one_branch_that_moved_is_told_until_its_way_is_restored() -> None:
    """The other flows go on as usual; so many of them later, the change is not current any more."""
    memory = remembering(*BALANCED)
    moved = trace("1.1 1.3 9.1", flow=2)

    assert judged(memory, moved, moved, trace(USUAL)).change is PathChange.ENDS_ELSEWHERE
    memory.add(trace(USUAL), ONSET + 600)
    assert believe(readings(memory, ONSET, HOME), (), NOBODY).change is PathChange.UNCHANGED


def test_one_address_of_a_pool_that_was_taken_is_not_outvoted_by_the_others() -> None:
    """Its prefix was hijacked, theirs was not; all are traced in each round."""
    pool = [trace(USUAL, address=f"198.51.100.{host}") for host in (10, 11, 12)]
    taken = trace(HIJACKED, address="198.51.100.10")
    belief = judged(remembering(*pool), taken, taken, *pool[1:])

    assert belief.change is PathChange.ENDS_ELSEWHERE


@pytest.mark.parametrize(
    "since",
    ["1.1 * 2.1 0.1", "* * * 0.1", "1.1 1.2 2.1 *", "1.1 * * *", "1.1 0.1", "1.1 1.2 2.1 2.2 2.3 0.1"],
    ids=["one silent", "all but one", "the last", "all behind the first", "hidden in a tunnel", "tunnel shown"],
)
def test_silent_and_rate_limited_hops_are_no_change(since: str) -> None:
    """Silence hides and proves nothing, twice as well as once."""
    assert judged(remembering(trace(USUAL)), trace(since), trace(since)).change is PathChange.UNCHANGED


def test_labels_that_appear_are_no_change() -> None:
    """An MPLS tunnel that begins to show its labels, and one router less, is inside of a network."""
    shown = trace("1.1 2.1 0.1")
    labelled = tuple(
        Hop(
            ttl=hop.ttl, address=hop.address, reply=hop.reply, mpls=(MplsLabel(label=1, tc=0, bottom=True, ttl=1),)
        )
        for hop in shown.hops
    )
    tunnel = TraceObservation(
        at=0, vantage="v", target="t", address=DESTINATION, flow=1, reached=True, hops=labelled
    )

    assert judged(remembering(trace(USUAL)), tunnel, tunnel).change is PathChange.UNCHANGED


def test_router_that_answers_from_the_link_to_its_neighbour_is_no_change() -> None:
    """The last router, under an address of its provider's network: its way back to us has changed, not ours."""
    renamed = trace("1.1 1.2 2.1 2.9")

    assert judged(remembering(trace(USUAL)), renamed, renamed).change is PathChange.UNCHANGED
    shorter = trace("1.1 1.2 2.9")
    assert judged(remembering(trace(USUAL)), shorter, shorter).change is PathChange.ENDS_ELSEWHERE


def test_router_that_answers_from_a_third_network_is_at_most_a_reroute() -> None:
    """The way back leaves by another provider: its address draws a network that the packets may not have seen.
    Nothing in a trace tells it from a re-route, but it never ends elsewhere, and once it is nothing."""
    third = trace("1.1 1.2 5.1 0.1")

    assert judged(remembering(trace(USUAL)), third).change is PathChange.UNKNOWN
    assert judged(remembering(trace(USUAL)), third, third).change is PathChange.REROUTED


def test_address_translator_is_no_change() -> None:
    """Routers behind one answer with the destination's address, and one TTL later than before."""
    behind = trace("1.1 1.2 2.1 0.1 0.10")

    assert judged(remembering(trace(USUAL)), behind, behind).change is PathChange.UNCHANGED


def test_protocols_have_paths_of_their_own() -> None:
    """What is usual over IPv4 says nothing of IPv6."""
    six = trace(HIJACKED, address="2001:db8::10")

    assert judged(remembering(trace(USUAL)), six, six).change is PathChange.UNKNOWN


def test_path_of_the_trouble_never_becomes_the_usual_one() -> None:
    """What was first seen in trouble is unlearned when that is over."""
    memory = remembering(trace(USUAL))
    assert judged(memory, trace(HIJACKED), trace(HIJACKED)).change is PathChange.ENDS_ELSEWHERE

    memory.forget(ONSET - 10, ONSET + 100)
    later = ONSET + 10_000
    memory.add(trace(HIJACKED), later)
    memory.add(trace(HIJACKED), later + 10)

    assert believe(readings(memory, later, HOME), (), NOBODY).change is PathChange.ENDS_ELSEWHERE


def test_lone_odd_trace_never_becomes_usual_by_growing_old() -> None:
    """A stray of yesterday hides no hijack of today."""
    memory = remembering(trace(USUAL))
    memory.add(trace(HIJACKED), ONSET - 5 * SETTLED_S)

    assert judged(memory, trace(HIJACKED), trace(HIJACKED)).change is PathChange.ENDS_ELSEWHERE


def test_settled_path_is_usual() -> None:
    """Two paths that were both walked long before, and more than once, are both usual."""
    memory = remembering(trace(USUAL))
    for second in (0.0, 100.0):
        memory.add(trace(REROUTED), ONSET - 2 * SETTLED_S + second)

    assert judged(memory, trace(REROUTED)).change is PathChange.UNCHANGED


def test_all_flows_of_the_first_minute_are_usual() -> None:
    """A target just added is explored at once; trouble two minutes later finds the whole set known."""
    memory = PathMemory(TABLE)
    for second, one in enumerate(BALANCED):
        memory.add(one, ONSET - 120 + second)

    assert judged(memory, *BALANCED).change is PathChange.UNCHANGED


def test_no_trace_since_the_onset_says_nothing() -> None:
    """Not measured is not evidence."""
    assert judged(remembering(trace(USUAL))).change is PathChange.UNKNOWN


def test_a_usual_way_that_was_out_of_use_of_late_says_nothing() -> None:
    """Back from an hour of maintenance: neither a strange path, nor a sign that all is as it was."""
    memory = remembering(trace(USUAL), trace(REROUTED))
    for number in range(10):
        memory.add(trace(REROUTED), ONSET - 1500 + 150 * number)

    assert judged(memory, trace(USUAL), trace(USUAL)).change is PathChange.UNKNOWN
    assert judged(memory, trace(REROUTED)).change is PathChange.UNCHANGED


def test_a_way_that_one_flow_in_four_takes_stays_usual() -> None:
    """Flows are traced in turn, so one of them comes round every fourth time."""
    memory = remembering(trace(USUAL), trace(REROUTED))
    for number in range(10):
        memory.add(trace(USUAL if number % 4 == 0 else REROUTED, flow=number % 4), ONSET - 1500 + 150 * number)

    assert judged(memory, trace(USUAL, flow=0)).change is PathChange.UNCHANGED


@pytest.mark.parametrize(
    ("path", "change"),
    [
        (HIJACKED, PathChange.ENDS_ELSEWHERE),
        (REROUTED, PathChange.UNKNOWN),
        (f"{HIJACKED} *", PathChange.UNKNOWN),
        (USUAL, PathChange.UNKNOWN),
    ],
    ids=["elsewhere", "home by another way", "a silent hop before the end", "the usual way"],
)
def test_lone_trace_is_borne_out_by_a_strangers_key_where_it_ends_elsewhere(path: str, change: PathChange) -> None:
    """Who answers with a key that the target never had says that somebody else is there."""
    memory = remembering(trace(USUAL))
    memory.add(trace(path), ONSET)

    assert ends_at_stranger(readings(memory, ONSET, HOME)).change is change
