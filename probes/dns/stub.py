"""A stub resolver: a name to its addresses, by /etc/hosts and the system's resolvers, over our own exchange.

Why not getaddrinfo: it blocks a thread for up to half a minute beyond a probe's deadline, and it says
"name or service not known" for NXDOMAIN and "temporary failure" for SERVFAIL, time-out and refusal alike.
Why not dnspython's asynchronous resolver: see `probes.dns.exchange`; it also leaves out /etc/hosts.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from probes.dns.answer import read_answer
from probes.dns.exchange import exchange
from probes.dns.question import DnsQuestion, parse_name
from probes.dns.system import ResolvConf, host_addresses, read_resolv_conf
from probes.failure import Failed
from probes.failure_word import Failure

_RRTYPES = {4: ("A",), 6: ("AAAA",), None: ("A", "AAAA")}

# What another server may know better; anything else is an answer.
_ASK_THE_NEXT = frozenset({
    Failure.DNS_TIMEOUT, Failure.DNS_UNREACHABLE, Failure.DNS_SERVFAIL, Failure.DNS_REFUSED,
    Failure.DNS_MALFORMED, Failure.DNS_ERROR,
})  # fmt: skip
_NO_SUCH = frozenset({Failure.DNS_NXDOMAIN, Failure.DNS_NO_ANSWER})


class StubResolver:
    """Resolves one name at a time. `conf` and `hosts` give the system's settings; tests give their own.

    With `family` None it is IPv4 where the name has it, else IPv6: always the same question first, so that
    rounds can be compared. The addresses are in the server's order.
    """

    def __init__(
        self,
        conf: Callable[[], ResolvConf] = read_resolv_conf,
        hosts: Callable[[str], tuple[str, ...]] = host_addresses,
    ) -> None:
        self._conf = conf
        self._hosts = hosts

    async def __call__(self, host: str, family: int | None) -> str:
        """The first address of `host`; the caller's deadline bounds it.

        :raises Failed: as `addresses`
        """
        return (await self.addresses(host, family))[0]

    async def addresses(self, host: str, family: int | None) -> tuple[str, ...]:
        """The addresses of `host`, at least one; the caller's deadline bounds it.

        :raises Failed: it has none, or no server said so in time
        """
        listed = [
            address for address in self._hosts(host) if family in (None, ipaddress.ip_address(address).version)
        ]
        if listed:
            return tuple(sorted(listed, key=lambda address: ipaddress.ip_address(address).version))
        conf = self._conf()
        failed = Failed(Failure.DNS_ERROR, f"resolve {host}: not a DNS name")
        for name in conf.candidates(host):
            for rrtype in _RRTYPES[family]:
                try:
                    return await _records(name, rrtype, conf)
                except Failed as exc:
                    failed = exc
                if failed.word not in _NO_SUCH:
                    raise failed
                if failed.word is Failure.DNS_NXDOMAIN:
                    break  # there is no such name, so it has no other type either
        raise failed


async def _records(name: str, rrtype: str, conf: ResolvConf) -> tuple[str, ...]:
    """The addresses of that type, from the first server that can tell."""
    try:
        parse_name(name)
    except ValueError as exc:
        raise Failed(Failure.DNS_ERROR, str(exc)) from exc
    failed = Failed(Failure.DNS_ERROR, "no name server is configured")
    for server in conf.nameservers:
        question = DnsQuestion(server=server, name=name, rrtype=rrtype, timeout_s=conf.timeout_s)
        try:
            reply = await exchange(question)
            answer = read_answer(reply.message, question.role)
            if answer.failed is None:
                return tuple(answer.records)
            failed = Failed(answer.failed.word, f"resolve {name} {rrtype} at {server}: {answer.failed.text}")
        except Failed as exc:
            failed = exc
        if failed.word not in _ASK_THE_NEXT:
            raise failed
    raise failed
