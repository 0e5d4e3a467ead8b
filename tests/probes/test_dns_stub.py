"""Names to addresses: hosts first, then the system's resolvers in order."""

import asyncio
import contextlib

import dns.rdatatype
import pytest

from probes.dns import StubResolver
from probes.dns.system import ResolvConf
from probes.failure import Failed
from probes.failure_word import Failure, Layer
from probes.http import HttpProber, HttpRequest


def by_type(reply_with, **lines):
    """An `answer` with the records of the asked type; NXDOMAIN for names that have none at all."""

    def answer(query, transport):
        (question,) = query.question
        name, rrtype = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        have = {kind: [line for line in records if line.startswith(f"{name} ")] for kind, records in lines.items()}
        if not any(have.values()):
            return reply_with(rcode="NXDOMAIN")(query, transport)
        return reply_with(*have.get(rrtype, []))(query, transport)

    return answer


@pytest.fixture
def resolve(dns_server):
    """`resolve(answers, host, family)`: through servers that answer so, in that order."""

    def run(answers, host, family=None, *, hosts=(), **conf):
        servers = [dns_server(answer) for answer in answers]

        async def main():
            async with contextlib.AsyncExitStack() as stack:
                addresses = [await stack.enter_async_context(server.listening()) for server in servers]
                settings = ResolvConf(nameservers=tuple(addresses), **{"timeout_s": 0.3, **conf})
                stub = StubResolver(conf=lambda: settings, hosts=lambda name: tuple(hosts))
                try:
                    return await stub(host, family)
                except Failed as failed:
                    return failed

        return asyncio.run(main()), [len(server.queries) for server in servers]

    return run


def silence(query, transport):
    """No reply at all."""
    return []


BOTH = {
    "A": ["web.example. 60 A 203.0.113.20", "web.example. 60 A 203.0.113.10"],
    "AAAA": ["web.example. 60 AAAA 2001:db8::1"],
}


@pytest.mark.parametrize(
    ("family", "address", "asked"), [(None, "203.0.113.20", 1), (4, "203.0.113.20", 1), (6, "2001:db8::1", 1)]
)
def test_first_address_of_the_wanted_family_is_taken(resolve, reply_with, family, address, asked):
    """In the server's order, and with no more questions than needed."""
    assert resolve([by_type(reply_with, **BOTH)], "web.example", family) == (address, [asked])


def test_all_addresses_of_a_family_are_there_to_choose_from(dns_server, reply_with):
    """In the server's order."""
    server = dns_server(by_type(reply_with, **BOTH))

    async def main():
        async with server.listening() as address:
            stub = StubResolver(conf=lambda: ResolvConf(nameservers=(address,)), hosts=lambda name: ())
            return await stub.addresses("web.example", 4), await stub.addresses("web.example", 6)

    assert asyncio.run(main()) == (("203.0.113.20", "203.0.113.10"), ("2001:db8::1",))


def test_name_with_ipv6_alone_is_found(resolve, reply_with):
    """Without a wanted family the other one is asked for when the first has nothing."""
    answer = by_type(reply_with, AAAA=BOTH["AAAA"])

    assert resolve([answer], "web.example") == ("2001:db8::1", [2])


def test_wanted_family_is_not_traded_for_the_other(resolve, reply_with):
    """An IPv4 probe of a name with IPv6 alone is a failure, not an IPv6 probe."""
    failed, _ = resolve([by_type(reply_with, AAAA=BOTH["AAAA"])], "web.example", 4)

    assert failed.word is Failure.DNS_NO_ANSWER


def test_missing_name_is_asked_for_once(resolve, reply_with):
    """NXDOMAIN is an answer: no other type and no other server is asked."""
    failed, asked = resolve([by_type(reply_with), by_type(reply_with, **BOTH)], "web.example")

    assert (failed.word, asked) == (Failure.DNS_NXDOMAIN, [1, 0])
    assert "resolve web.example. A at 127.0.0.1:" in failed.text


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", None])
def test_next_server_is_asked_when_one_cannot_tell(resolve, reply_with, rcode):
    """Failure, refusal or silence of the first is what the second is there for."""
    first = reply_with(rcode=rcode) if rcode else silence

    assert resolve([first, by_type(reply_with, **BOTH)], "web.example") == ("203.0.113.20", [1, 1])


@pytest.mark.parametrize(
    ("rcode", "word"),
    [("SERVFAIL", Failure.DNS_SERVFAIL), ("REFUSED", Failure.DNS_REFUSED), (None, Failure.DNS_TIMEOUT)],
)
def test_words_tell_apart_what_getaddrinfo_does_not(resolve, reply_with, rcode, word):
    """Three failures that the C library reports as one."""
    failed, _ = resolve([reply_with(rcode=rcode) if rcode else silence], "web.example")

    assert failed.word is word


def test_hosts_file_comes_first(resolve, reply_with):
    """What it lists is not asked for, unless the wanted family is not in it."""
    answers = [by_type(reply_with, **BOTH)]

    assert resolve(answers, "web.example", hosts=["203.0.113.99"]) == ("203.0.113.99", [0])
    assert resolve(answers, "web.example", hosts=["2001:db8::9", "203.0.113.99"]) == ("203.0.113.99", [0])
    assert resolve(answers, "web.example", 6, hosts=["203.0.113.99"]) == ("2001:db8::1", [1])


def test_short_name_is_completed_by_the_search_list(resolve, reply_with):
    """`web` is `web.example` where the list says so."""
    assert resolve([by_type(reply_with, **BOTH)], "web", search=("nosuch", "example")) == ("203.0.113.20", [2])


def test_name_that_cannot_be_asked_for_is_a_failure(resolve, reply_with):
    """A URL may hold a host that is no DNS name."""
    failed, asked = resolve([by_type(reply_with, **BOTH)], "a" * 70 + ".example")

    assert (failed.word, asked) == (Failure.DNS_ERROR, [0])


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (lambda reply_with: reply_with(rcode="NXDOMAIN"), Failure.DNS_NXDOMAIN),
        (lambda reply_with: reply_with(rcode="SERVFAIL"), Failure.DNS_SERVFAIL),
        (lambda reply_with: reply_with(), Failure.DNS_NO_ANSWER),
        (lambda reply_with: silence, Failure.DNS_TIMEOUT),
    ],
    ids=["nxdomain", "servfail", "no answer", "silence"],
)
def test_http_probe_of_a_name_that_does_not_resolve_is_an_observation(dns_server, reply_with, answer, failure):
    """The first layer that failed is the name's, nothing after it was measured, and the deadline holds."""

    async def main():
        async with dns_server(answer(reply_with)).listening() as address:
            stub = StubResolver(conf=lambda: ResolvConf(nameservers=(address,)), hosts=lambda name: ())
            request = HttpRequest(url="http://web.example/", timeout_s=0.5)
            return await HttpProber(resolve=stub).probe(request, vantage="here", target="it")

    seen = asyncio.run(main())

    assert (seen.failure, seen.failure.layer) == (failure, Layer.DNS)
    assert (seen.address, seen.dns_s, seen.connect_s) == (None, None, None)
    assert seen.total_s < 0.8 + seen.loop_lag_s
