"""Where the mail of a domain goes: its MX hosts and their addresses, as the zones' own servers have them (RFC 5321
section 5.1).

Only whose space is watched follows from it, so it asks no resolver, which could be lied to, and few servers. What
it knows is how one round of questions follows from another; how a question is asked is its maker's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from probes import DnsObservation
from probes.dns import DnsQuestion

MOST_HOSTS = 8
"""Those that are tried first. Large providers name five; a zone of strangers could name a hundred."""

MOST_SERVERS = 2
"""Servers of a zone that are asked the same: where one is silent the other tells."""

_NULL_MX = ""
"""The host of a domain that takes no mail (RFC 7505), without its dot."""

ServersOf = Callable[[str], Awaitable[Sequence[str]]]
Ask = Callable[[str, DnsQuestion], Awaitable[DnsObservation]]


class MailHosts:
    """Looks domains up. `servers_of` gives the addresses of a name's zone's servers, `ask` puts a question for a
    target's observations."""

    def __init__(self, servers_of: ServersOf, ask: Ask) -> None:
        self._servers_of = servers_of
        self._ask = ask

    async def look(self, target: str, domain: str, timeout_s: float) -> list[DnsObservation]:
        """The answers for MX of the domain, and for A and AAAA of its hosts; empty where no zone was found."""
        told = await self._questions(target, domain, ("MX",), timeout_s)
        hosts = mail_hosts(domain, told)
        addressed = await asyncio.gather(
            *(self._questions(target, host, ("A", "AAAA"), timeout_s) for host in hosts)
        )
        return [*told, *(seen for one in addressed for seen in one)]

    async def _questions(
        self, target: str, name: str, rrtypes: Iterable[str], timeout_s: float
    ) -> Sequence[DnsObservation]:
        servers = (await self._servers_of(name))[:MOST_SERVERS]
        return await asyncio.gather(
            *(
                self._ask(target, DnsQuestion(
                    server=server, name=name, rrtype=rrtype, role="authoritative", timeout_s=timeout_s
                ))
                for server in servers
                for rrtype in rrtypes
            )
        )  # fmt: skip


def mail_hosts(domain: str, told: Iterable[DnsObservation]) -> tuple[str, ...]:
    """The hosts that answers for MX name, by preference, at most `MOST_HOSTS`; the domain itself where there is no
    MX.
    """
    answered = [seen for seen in told if seen.rcode == "NOERROR"]
    records = {record for seen in answered for record in seen.answers}
    if not records:
        return (domain,) if answered else ()
    found = sorted(filter(None, map(_exchange, records)))
    return tuple(dict.fromkeys(host for _, host in found if host != _NULL_MX))[:MOST_HOSTS]


def _exchange(record: str) -> tuple[int, str] | None:
    """Preference and host of a record as text, `10 mx.example.`; None where it is none."""
    preference, space, host = record.partition(" ")
    if not space or not preference.isdecimal() or not preference.isascii():
        return None
    return int(preference), host.removesuffix(".").lower()
