"""Which servers speak for a name: the NS records of the zone that encloses it, and their addresses.

The delegation is found through the given resolvers, from the name upwards; nothing is asked of the root.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import dns.name

from probes.dns.answer import Answer, read_answer
from probes.dns.exchange import exchange
from probes.dns.question import DnsQuestion, parse_name
from probes.failure import Failed

_MAX_SERVERS = 13  # name servers of one zone; the root has 13, and nobody needs more to compare answers
_MAX_LABELS = 10  # zone cuts tried; longer names have no cut that deep


async def authoritative_servers(name: str, resolvers: Sequence[str], timeout_s: float) -> tuple[str, ...]:
    """The addresses of the authoritative servers of the zone that `name` is in, sorted, each as
    `DnsQuestion.server` takes it; empty when they cannot be found within `timeout_s`.

    `resolvers` are written as in `DnsQuestion.server` and asked in order until one answers.

    :raises ValueError: `name` is not a DNS name, or a resolver not an address
    """
    search = _Search(resolvers, timeout_s)
    try:
        async with asyncio.timeout(timeout_s):
            servers = await search.servers_of(parse_name(name))
            found = await asyncio.gather(*(search.addresses_of(server) for server in servers))
    except TimeoutError:
        return ()
    return tuple(sorted({address for addresses in found for address in addresses}))


class _Search:
    """Questions to whichever resolver answered last: a dead one is waited for once, not with every question."""

    def __init__(self, resolvers: Sequence[str], timeout_s: float) -> None:
        self._resolvers = list(resolvers)
        self._question_s = timeout_s / (len(resolvers) + 1)  # so that all but one may be dead

    async def servers_of(self, name: dns.name.Name) -> tuple[str, ...]:
        """The names of the servers of the nearest zone at or above `name`."""
        candidate = name
        for _ in range(_MAX_LABELS):
            if candidate == dns.name.root:
                break
            answer = await self._query(candidate.to_text(), "NS")
            # Records behind an alias are those of the alias's zone, not of this one.
            if answer is not None and answer.records and not answer.cnames:
                return answer.records[:_MAX_SERVERS]
            candidate = candidate.parent()
        return ()

    async def addresses_of(self, server: str) -> tuple[str, ...]:
        """All addresses of one server, of both families."""
        answers = await asyncio.gather(*(self._query(server, rrtype) for rrtype in ("A", "AAAA")))
        return tuple(record for answer in answers if answer is not None for record in answer.records)

    async def _query(self, name: str, rrtype: str) -> Answer | None:
        """The first reply that comes; None when none did."""
        for server in tuple(self._resolvers):
            question = DnsQuestion(server=server, name=name, rrtype=rrtype, timeout_s=self._question_s)
            try:
                reply = await exchange(question)
            except Failed:
                self._resolvers.remove(server)
                self._resolvers.append(server)
                continue
            return read_answer(reply.message, question.role)
        return None
