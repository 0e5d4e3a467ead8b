"""When enough flows were traced to know every branch of a path. Pure.

Theory of operation. A load balancer hashes the flow, so a new flow takes any of its k branches with equal
probability. Having met k, one goes on until a further one would have been met: after `enough(k)` flows the risk
that k+1 equal branches showed only k of themselves is at most `RISK`. That is the stop rule of the Multipath
Detection Algorithm (Augustin, Friedman, Teixeira, "Multipath tracing with Paris traceroute", E2EMON 2007; numbers
for a whole trace: Veitch et al., "Failure control in multipath route tracing", INFOCOM 2009): 6, 11, 16, 21, 27 …

MDA sends single packets and steers them through each router. Our unit is a whole trace with one flow, because
that is what can be repeated and compared later; so the rule is asked of each TTL as MDA-Lite does (Vermeulen et
al., "Multilevel MDA-Lite Paris traceroute", IMC 2018): all flows that were answered there count. Where the links
between two TTLs are meshed, the flows through one router are fewer than those at its TTL, and there each router
needs enough of its own, as in the full MDA.

What it does not promise: branches of unequal weight, or chosen by more than addresses and ports, may be missed; a
TTL that seldom answers needs more flows than are affordable, and then the set is not complete; the risk is one
branching point's, a path with many adds theirs up (`Coverage.risk_of_any`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import comb
from typing import Final

from probes.observation import TraceObservation

__all__ = ["RISK", "Coverage", "coverage", "enough", "risk_of_missing"]

RISK: Final = 0.05
"""Of missing a branch at one branching point; 0.05 is what Paris traceroute and scamper use when not told."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How well `flows` traces know the set of paths. `widest`: most routers at one TTL.

    `is_complete`: the stop rule is met everywhere. `risk`: of having missed a branch at the worst TTL, 0 to 1.
    `risk_of_any`: at most so much that any was missed on the whole path (sum over the TTLs, at most 1).
    """

    flows: int
    widest: int
    is_complete: bool
    risk: float
    risk_of_any: float


@cache
def risk_of_missing(branches: int, flows: int) -> float:
    """The probability that `flows` flows over `branches` + 1 equal branches leave at least one of them out."""
    every = branches + 1
    met_all: float = sum((-1) ** i * comb(every, i) * (1 - i / every) ** flows for i in range(every + 1))
    return min(max(1 - met_all, 0.0), 1.0)


@cache
def enough(branches: int) -> int:
    """How many flows must have met no more than `branches` branches for these to be all, at `RISK`."""
    flows = branches + 1
    while risk_of_missing(branches, flows) > RISK:
        flows += 1
    return flows


def coverage(traces: Sequence[TraceObservation]) -> Coverage:
    """What traces to one address, each with another flow, know of the set of paths."""
    ways = [_way(trace) for trace in traces if trace.failure is None]
    longest = max((len(way) for way in ways), default=0)
    columns = [[_at(way, index) for way in ways] for index in range(longest)]
    samples = [(len({a for a in column if a}), sum(1 for a in column if a)) for column in columns]
    samples += [sample for before, behind in pairwise(columns) for sample in _meshed(before, behind)]
    asked = [(met, flows) for met, flows in samples if met]
    risks = [risk_of_missing(met, flows) for met, flows in asked]
    return Coverage(
        flows=len(ways),
        widest=max((met for met, _ in asked), default=0),
        is_complete=bool(asked) and all(flows >= enough(met) for met, flows in asked),
        risk=max(risks, default=1.0),
        risk_of_any=min(sum(risks), 1.0) if risks else 1.0,
    )


def _way(trace: TraceObservation) -> list[str | None]:
    """The addresses from TTL 1 on, None where nobody answered."""
    return [hop.address for hop in trace.hops]


def _at(way: list[str | None], index: int) -> str | None:
    """Who is met at a TTL; behind the end of a path its destination, since paths may differ in length."""
    return way[index] if index < len(way) else way[-1] if way else None


def _meshed(before: list[str | None], behind: list[str | None]) -> list[tuple[int, int]]:
    """For each router of a TTL that is meshed with the next: how many branches it has shown to how many flows.

    Meshed: some router has several next ones, and some of these is also reached from another router.
    """
    following: dict[str, list[str]] = defaultdict(list)
    preceding: dict[str, set[str]] = defaultdict(set)
    for router, follower in zip(before, behind, strict=True):
        if router and follower and router != follower:
            following[router].append(follower)
            preceding[follower].add(router)
    forks = [set(met) for met in following.values() if len(set(met)) > 1]
    if not any(len(preceding[router]) > 1 for fork in forks for router in fork):
        return []
    return [(len(set(met)), len(met)) for met in following.values()]
