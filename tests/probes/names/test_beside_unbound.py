"""Our verdicts beside those of a validating resolver that others wrote, and questions put to it in every way."""

import asyncio

import pytest

from probes.dns import Delegations, DnsQuestion, Validator, ask
from probes.failure_word import Failure

NAMES = ("www", "alias", "away", "x.wild", "x.elsewhere", "www.old", "x.old", "old", "below.here", "no.such", "")
ZONES = (
    "plain.test", "unsigned.plain.test", "nsec3.test", "unsigned.nsec3.test", "rsa.test", "ed25519.test",
    "unsigned.test", "expired.test", "early.test", "soon.test", "wrongds.test", "unknown.test", "stripped.test",
    "neversigned.test", "iterated.test", "unsigned.optout", "signed.optout", "hoster.other", "glueless.test",
)  # fmt: skip


@pytest.mark.parametrize("zone", ZONES)
def test_verdicts_are_those_of_unbound(name_space, resolver, zone):
    """The chain from the zones' own servers here, Unbound's own there: secure is AD, bogus is SERVFAIL."""

    async def main():
        ours = Validator(Delegations([name_space.start]), name_space.anchors)
        compared = {}
        for name in (f"{label}.{zone}".lstrip(".") for label in NAMES):
            for rrtype in ("A", "TXT"):
                asked = {"name": name, "rrtype": rrtype, "timeout_s": 5.0}
                leaf = DnsQuestion(server=name_space.at("127.53.0.3"), role="authoritative", **asked)
                here = await ask(leaf, vantage="here", target="it", validator=ours)
                there = await ask(DnsQuestion(server=resolver.at("udp"), **asked), vantage="here", target="it")
                theirs = "bogus" if there.failure is Failure.DNS_SERVFAIL else there.dnssec or "insecure"
                compared[name, rrtype] = (here.dnssec, theirs)
        return compared

    compared = asyncio.run(main())

    assert len(compared) == 2 * len(NAMES)
    assert {question: pair for question, pair in compared.items() if pair[0] != pair[1]} == {}


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls", "https"])
@pytest.mark.parametrize(
    ("name", "failure", "dnssec", "reason"),
    [
        ("www.plain.test", None, "secure", "www.plain.test. A is signed by plain.test."),
        ("alias.nsec3.test", None, "secure", "www.plain.test. A is signed by plain.test."),
        (
            "no.such.plain.test",
            Failure.DNS_NXDOMAIN,
            "secure",
            "plain.test. proves that no.such.plain.test. does not",
        ),
        ("www.unsigned.optout", None, "insecure", "optout. delegates unsigned.optout. without DS records"),
        ("www.wrongds.test", Failure.DNS_SERVFAIL, "bogus", "no key of wrongds.test. matches the DS records"),
    ],
)
def test_resolver_is_asked_and_checked_over_each_transport(
    resolver, name_space, ca_file, transport, name, failure, dnssec, reason
):
    """The chain comes from the resolver itself; what it refuses as bogus it hands out with checking disabled."""

    async def main():
        question = DnsQuestion(
            server=resolver.at(transport), name=name, transport=transport, ca_file=ca_file, timeout_s=5.0
        )
        return await ask(question, vantage="here", target="it", validator=Validator(anchors=name_space.anchors))

    seen = asyncio.run(main())

    assert (seen.failure, seen.transport, seen.dnssec) == (failure, transport, dnssec)
    assert seen.dnssec_reason.startswith(reason)


def test_lookalike_of_the_resolver_is_refused(resolver, ca_file):
    """The certificate is for dns.example and the address, and for nobody else."""

    async def main(name):
        question = DnsQuestion(
            server=resolver.at("tls"), name="www.plain.test", transport="tls", ca_file=ca_file, server_name=name
        )
        return (await ask(question, vantage="here", target="it")).failure

    assert asyncio.run(main("dns.example")) is None
    assert asyncio.run(main("dns.examp1e")) is Failure.TLS_NAME_MISMATCH
