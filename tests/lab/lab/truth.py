"""What is really so: where the kernels' forwarding tables send packets, now and in peace, and whom that hits.

Read with the same question as the kernel asks itself for each packet, never from what was meant to be done. It
knows nothing of the monitor.
"""

from __future__ import annotations

import asyncio
from itertools import pairwise

from lab.internet import Internet, Way
from lab.scenario import Expectation, Whom


class Truth:
    """The ways of the vantages' packets; `remember` how they are in peace before asking who is hit."""

    def __init__(self, internet: Internet) -> None:
        self._internet = internet
        self._topology = internet.topology
        self._peace: dict[tuple[str, str], Way] = {}

    async def remember(self) -> None:
        """This is peace."""
        self._peace = await self._ways()

    async def is_peace(self) -> bool:
        """Whether all ways are again as they were."""
        return await self._ways() == self._peace

    async def hit(self, wanted: Expectation) -> tuple[str, ...]:
        """The vantages that an expected trouble really hits now."""
        names = self._topology.vantages
        if wanted.affected is Whom.ALL:
            return names
        if wanted.affected is Whom.DIVERTED:
            ways, there = await self._ways(), wanted.towards
            return tuple(name for name in names if ways[name, there] != self._peace[name, there])
        if wanted.affected is Whom.CROSSING:
            return await asyncio.to_thread(self._crossing, wanted.over, wanted.towards)
        return () if wanted.affected is Whom.ANY else tuple(wanted.affected)

    async def _ways(self) -> dict[tuple[str, str], Way]:
        """Where each vantage's packets to the service and to its name servers go."""
        hosts, way = self._topology.hosts, self._internet.way
        return {
            (name, there): await asyncio.to_thread(way, name, hosts[there].address)
            for name in self._topology.vantages
            for there in ("service", "names")
        }

    def _crossing(self, over: str, there: str) -> tuple[str, ...]:
        """The vantages whose packets to a host, or its answers, cross a link."""
        hosts, way, link = self._topology.hosts, self._internet.way, self._topology.link(over)
        either = {(link.one.asn, link.other.asn), (link.other.asn, link.one.asn)}

        def crosses(name: str) -> bool:
            both = way(name, hosts[there].address), way(there, hosts[name].address)
            return any(either & set(pairwise(one.networks)) for one in both)

        return tuple(name for name in self._topology.vantages if crosses(name))
