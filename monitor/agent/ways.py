"""The ways to one address of a target: which flows are traced in a round, and when a trace asks for another.

Theory of operation. Load balancers hold several ways open, by flow. All flows in each round would cost a target
with two ways a dozen traces; one and the same flow for ever would know one way. So

- at first sight an address is explored: flow after flow until the stop rule is met, `most` at the utmost;
- from then on a round is one trace, whose flow goes round the fewest that between them show every known router;
- a trace that shows an unknown router, or ends early, is asked again at once, with its own flow and with the next
  one, so that whoever judges need not believe a single trace; and when that is odd too, the address is explored
  anew, because what was known of it is no longer true.

A path that does not reach its end has no branches to find. Explorations are put off to the next round when their
places are taken: a thousand targets that are first seen, or re-routed, together must not flood the first routers.
The agent knows addresses, no networks: most of what is odd here is a change inside of one network, and means
nothing to those who judge.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from probes import TraceObservation
from probes.traceroute import explore, flow_number, flows_towards

Trace = Callable[[int, int | None], Awaitable[TraceObservation]]
"""Traces once with a flow; the second argument is the path's last known length."""

KEPT_ROUTERS: Final = 16
"""Routers remembered at one TTL, the newest; the widest load balancers in use have 16 ways."""


class Ways:
    """What is known of the ways to one address."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._flows: tuple[int, ...] = (flow_number(address),)
        self._turn = 0
        self._routers: dict[int, dict[str, None]] = {}
        self._length: int | None = None
        self._is_explored = False

    async def round(self, trace: Trace, most: int, places: asyncio.Semaphore) -> list[TraceObservation]:
        """One round's traces: mostly one. `most`: flows of an exploration; 1: there are none."""
        seen = [await self._trace(trace, self._next_flow())]
        is_odd = self._is_odd(seen[0])
        if is_odd:
            again = dict.fromkeys((seen[0].flow, self._next_flow()))
            seen += [await self._trace(trace, flow) for flow in again if flow is not None]
            is_odd = any(self._is_odd(one) for one in seen[1:])
        for one in seen:
            self._learn(one)
        if most > 1 and (is_odd or not self._is_explored) and seen[-1].reached and not places.locked():
            async with places:
                seen += await self._explore(trace, most)
        return seen

    async def _explore(self, trace: Trace, most: int) -> list[TraceObservation]:
        async def one(flow: int) -> TraceObservation:
            return await self._trace(trace, flow)

        found = await explore(one, flows_towards(self._address, self._flows), most)
        traced = [one for one in found if one.failure is None]
        if traced:
            self._routers.clear()
            for one_trace in traced:
                self._learn(one_trace)
            self._flows, self._turn, self._is_explored = fewest(traced) or self._flows, 0, True
        return found

    async def _trace(self, trace: Trace, flow: int) -> TraceObservation:
        return await trace(flow, self._length)

    def _next_flow(self) -> int:
        flow = self._flows[self._turn % len(self._flows)]
        self._turn += 1
        return flow

    def _is_odd(self, seen: TraceObservation) -> bool:
        """Whether a trace shows a router that is new where others are known, or no end where there was one."""
        if seen.failure is not None or not self._routers:
            return False
        unknown = any(
            hop.address is not None and hop.ttl in self._routers and hop.address not in self._routers[hop.ttl]
            for hop in seen.hops
        )
        return unknown or (self._length is not None and not seen.reached)

    def _learn(self, seen: TraceObservation) -> None:
        for hop in seen.hops:
            for router in (hop.address, *hop.others):
                if router is None:
                    continue
                known = self._routers.setdefault(hop.ttl, {})
                known.pop(router, None)
                known[router] = None
                if len(known) > KEPT_ROUTERS:
                    del known[next(iter(known))]
        if seen.failure is None:
            self._length = seen.hops[-1].ttl if seen.reached and seen.hops else None


def fewest(traces: Sequence[TraceObservation]) -> tuple[int, ...]:
    """Flows of `traces` that between them show every router that all of them do; the one that shows most first."""
    left = {flow: _met(one) for one in traces if (flow := one.flow) is not None}
    chosen: list[int] = []
    while left:
        flow = max(left, key=lambda number: len(left[number]))
        shown = left.pop(flow)
        if chosen and not shown:
            break
        chosen.append(flow)
        left = {number: met - shown for number, met in left.items()}
    return tuple(chosen)


def _met(seen: TraceObservation) -> set[tuple[int, str]]:
    return {(hop.ttl, hop.address) for hop in seen.hops if hop.address is not None}
