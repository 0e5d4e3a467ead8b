"""The addresses of the servers of a name's zone, looked up now and then and remembered between.

What is asked of them is its user's business. A search that finds nothing takes away nothing: while nobody can say
who serves the zone, the servers known from before are the ones to ask; that they answer, and the resolvers do not,
is what tells the two apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

MOST_ASKED = 4
"""Addresses of one zone; a zone has 2 to 13, and four show a disagreement."""

KEPT_S = 600.0
"""How long a zone's servers are used before they are looked up again."""

NOT_FOUND_KEPT_S = 300.0
"""How long no new search follows one in vain: in a network that lets nobody ask the root's servers each of
them costs its whole time-out."""

MOST_NAMES = 4096
"""Names remembered, the newest: who answers for a domain may name other mail hosts each time it is asked."""

Search = Callable[[str], Awaitable[Sequence[str]]]
"""Addresses of the servers of a name's zone, from the root down; may raise anything."""


class ZoneServers:
    """`of` a name. `monotonic`: the clock, seconds."""

    def __init__(self, search: Search, *, monotonic: Callable[[], float]) -> None:
        self._search = search
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._log = structlog.get_logger("agent")

    async def of(self, name: str, within_s: float) -> tuple[str, ...]:
        """At most `MOST_ASKED` addresses, none when they could not be found within the time; raises nothing."""
        until, servers = self._known.get(name, (float("-inf"), ()))
        if self._monotonic() < until:
            return servers
        found: Sequence[str] = ()
        try:
            async with asyncio.timeout(within_s):
                found = await self._search(name)
        except Exception as error:
            self._log.warning("authoritative_servers_not_found", name=name, error=repr(error)[:200])
        servers = asked_servers(found) or servers
        self._known.pop(name, None)
        self._known[name] = (self._monotonic() + (KEPT_S if found else NOT_FOUND_KEPT_S), servers)
        if len(self._known) > MOST_NAMES:
            del self._known[next(iter(self._known))]
        return servers


def asked_servers(found: Sequence[str]) -> tuple[str, ...]:
    """The addresses to ask among those of a zone's servers: IPv4 ones where there are any.

    Every zone with users has IPv4 servers, and from a vantage without IPv6 the others only fail.
    """
    four = [address for address in found if address.count(":") < 2]
    return tuple(dict.fromkeys(four or found))[:MOST_ASKED]
