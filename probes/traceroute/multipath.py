"""The set of paths to one address: traces with one flow after another, until the stop rule has enough.

Each trace stays an observation of its own. `stopping` decides when the set is known; this file keeps the order and
the bounds, and leaves it to its caller how one flow is traced.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import islice
from typing import Final

from probes.observation import TraceObservation
from probes.traceroute.flow import SOURCE_PORTS, flow_number
from probes.traceroute.stopping import coverage

__all__ = ["AT_ONCE", "MOST_FLOWS", "explore", "flows_towards"]

AT_ONCE: Final = 3
"""Flows traced at the same time: each asks the first routers, and Linux answers one asker six times, and then once
a second."""

MOST_FLOWS: Final = 64
"""More than the stop rule asks of ten branches; a set that is larger is not worth its packets."""


async def explore(
    trace: Callable[[int], Awaitable[TraceObservation]], flows: Iterable[int], most: int
) -> list[TraceObservation]:
    """Trace with each of `flows` in their order, until all branches are known or `most` traces were made.

    Ends early when no trace of a turn could be made at all (`failure` says why).
    """
    order = iter(flows)
    seen: list[TraceObservation] = []
    while len(seen) < most and not coverage(seen).is_complete:
        turn = list(islice(order, min(AT_ONCE, most - len(seen))))
        found = await asyncio.gather(*(trace(flow) for flow in turn))
        seen += found
        if all(one.failure is not None for one in found):
            break
    return seen


def flows_towards(address: str, known: Iterable[int] = ()) -> Iterator[int]:
    """Every flow number once: the `known` ones, then from the address' own on, which a lone trace uses."""
    first = list(dict.fromkeys(known))
    yield from first
    own = flow_number(address)
    for number in range(own, own + SOURCE_PORTS):
        if number % SOURCE_PORTS not in first:
            yield number % SOURCE_PORTS
