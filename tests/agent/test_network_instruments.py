"""The agent's real instruments on names: a private name space begins where the configuration says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset
import pytest

from monitor.agent import NetworkInstruments
from probes.dns import DnsQuestion

ZONE = "corp.example."
SOA = "ns.corp.example. mail.corp.example. 7 7200 900 1209600 300"
RECORDS = {
    (ZONE, "SOA"): SOA,
    (ZONE, "NS"): "ns.corp.example.",
    ("ns.corp.example.", "A"): "127.0.0.1",
    ("web.corp.example.", "A"): "10.1.2.3",
}


class Private(asyncio.DatagramProtocol):
    """The only server of one zone, which it answers for with authority; it refuses the rest."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        """Keep the socket."""
        self._transport = transport

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        """Answer."""
        query = dns.message.from_wire(data)
        name = query.question[0].name.to_text()
        rrtype = dns.rdatatype.to_text(query.question[0].rdtype)
        self.asked.append((name, rrtype))
        reply = dns.message.make_response(query)
        if name.endswith(ZONE):
            reply.flags |= dns.flags.AA
            owner, kind, section = (name, rrtype, reply.answer)
            if (name, rrtype) not in RECORDS:
                owner, kind, section = (ZONE, "SOA", reply.authority)
            section.append(dns.rrset.from_text(owner, 300, "IN", kind, RECORDS[owner, kind]))
        else:
            reply.set_rcode(5)
        self._transport.sendto(reply.to_wire(), source)


@pytest.fixture
def beside() -> Callable[[Callable[[NetworkInstruments, str], object]], tuple[object, Private]]:
    """`beside(scenario)`: what `scenario(instruments, server)` returns, and the server that it met."""

    def run(scenario: Callable[[NetworkInstruments, str], object]) -> tuple[object, Private]:
        async def main() -> tuple[object, Private]:
            transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
                Private, ("127.0.0.1", 0)
            )
            instruments = NetworkInstruments()
            try:
                port = transport.get_extra_info("sockname")[1]
                return await scenario(instruments, f"127.0.0.1:{port}"), server  # type: ignore[misc]
            finally:
                transport.close()
                await instruments.aclose()
                await asyncio.sleep(0)

        return asyncio.run(main())

    return run


def test_servers_of_a_private_zone_are_found_from_its_start(beside) -> None:  # type: ignore[no-untyped-def]
    """On the start's port; what was learned serves the next target too."""

    async def scenario(instruments: NetworkInstruments, start: str) -> list[Sequence[str]]:
        names = ("web.corp.example", "nosuch.corp.example", "web.other.example")
        found = [await instruments.zone_servers(name, (start,), 2.0) for name in names]
        return [[server.replace(start, "start") for server in servers] for servers in found]

    found, server = beside(scenario)

    assert found == [["start"], ["start"], []]
    assert server.asked[0] == ("web.corp.example.", "SOA")


def test_chain_is_looked_for_only_when_asked(beside) -> None:  # type: ignore[no-untyped-def]
    """Without `validate_from` one question is one packet; with it, what cannot be fetched is no verdict."""

    async def scenario(instruments: NetworkInstruments, start: str) -> list[tuple[object, ...]]:
        question = DnsQuestion(server=start, name="web.corp.example", role="authoritative", timeout_s=2.0)
        plain = await instruments.ask(question, vantage="v", target="t")
        checked = await instruments.ask(question, vantage="v", target="t", validate_from=(start,))
        reason = checked.dnssec_reason or ""
        return [
            (plain.answers, plain.dnssec, plain.dnssec_reason),
            (checked.answers, checked.dnssec, reason.startswith("not validated: ")),
        ]

    seen, server = beside(scenario)

    assert seen == [(("10.1.2.3",), None, None), (("10.1.2.3",), None, True)]
    assert server.asked[:2] == [("web.corp.example.", "A"), ("web.corp.example.", "A")]
