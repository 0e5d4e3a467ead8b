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
    labels = parse_name(name)
    try:
        async with asyncio.timeout(timeout_s):
            servers = await _servers_of(labels, resolvers, timeout_s)
            found = await asyncio.gather(*(_addresses(server, resolvers, timeout_s) for server in servers))
    except TimeoutError:
        return ()
    return tuple(sorted({address for addresses in found for address in addresses}))


async def _servers_of(name: dns.name.Name, resolvers: Sequence[str], timeout_s: float) -> tuple[str, ...]:
    """The names of the servers of the nearest zone above or at `name`."""
    candidate = name
    for _ in range(_MAX_LABELS):
        if candidate == dns.name.root:
            break
        answer = await _query(candidate.to_text(), "NS", resolvers, timeout_s)
        # Records behind an alias are those of the alias's zone, not of this one.
        if answer is not None and answer.records and not answer.cnames:
            return answer.records[:_MAX_SERVERS]
        candidate = candidate.parent()
    return ()


async def _addresses(server: str, resolvers: Sequence[str], timeout_s: float) -> tuple[str, ...]:
    answers = await asyncio.gather(*(_query(server, rrtype, resolvers, timeout_s) for rrtype in ("A", "AAAA")))
    return tuple(record for answer in answers if answer is not None for record in answer.records)


async def _query(name: str, rrtype: str, resolvers: Sequence[str], timeout_s: float) -> Answer | None:
    """The first resolver's reply; None when none replied."""
    for server in resolvers:
        question = DnsQuestion(server=server, name=name, rrtype=rrtype, timeout_s=timeout_s)
        try:
            reply = await exchange(question)
        except Failed:
            continue
        return read_answer(reply.message, question.role)
    return None
