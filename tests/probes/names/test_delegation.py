"""Zones found from the root downwards, through real servers; and what hostile servers cannot make us do."""

import asyncio

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset
import pytest

from probes.dns import Delegations
from probes.failure import Failed
from probes.failure_word import Failure

LEAF, TOP, ROOT = "127.53.0.3", "127.53.0.2", "127.53.0.1"


@pytest.fixture
def find(name_space):
    """`find(*names)`: the zones of these names, found one after the other by one searcher."""

    def run(*names, timeout_s=5.0):
        async def main():
            delegations = Delegations([name_space.start])
            return [await delegations.zone_of(name, timeout_s) for name in names]

        found = asyncio.run(main())
        return found if len(names) > 1 else found[0]

    return run


@pytest.mark.parametrize(
    ("name", "apex", "address"),
    [
        ("www.plain.test", "plain.test.", LEAF),
        ("plain.test", "plain.test.", LEAF),
        ("no.such.name.plain.test.", "plain.test.", LEAF),
        ("alias.plain.test", "plain.test.", LEAF),
        ("WWW.Plain.TEST", "plain.test.", LEAF),
        ("www.unsigned.plain.test", "unsigned.plain.test.", LEAF),
        ("test", "test.", TOP),
        ("nosuch.test", "test.", TOP),
        ("nosuch", ".", ROOT),
        (".", ".", ROOT),
    ],
)
def test_the_enclosing_zone_and_its_servers_are_found(find, name, apex, address):
    """Existing names, missing ones, aliases (of their own zone, not the target's), a child beside its parent."""
    zone = find(name)

    assert (zone.apex.to_text(), zone.addresses, zone.lame) == (apex, (address,), ())


def test_server_named_in_another_zone_is_looked_for(find):
    """Without glue, and below another top-level domain."""
    zone = find("www.glueless.test")

    assert zone.apex.to_text() == "glueless.test."
    assert {server.to_text(): addresses for server, addresses in zone.servers.items()} == {
        "ns.hoster.other.": (LEAF,)
    }


def test_lame_server_is_passed_over_and_told(find):
    """One of the two does not speak for the zone: it refers to where the question came from."""
    zone = find("www.half.test")

    assert zone.addresses == (TOP, LEAF)
    assert [line.partition(":")[0] for line in zone.lame] == [TOP]


def test_zone_that_nobody_speaks_for_is_a_failure_that_says_who_was_asked(find):
    """All of its servers refuse."""
    with pytest.raises(Failed, match=r"find the servers of www.lame.test.*127.53.0.3: says REFUSED") as caught:
        find("www.lame.test")
    assert caught.value.word is Failure.DNS_SERVFAIL


def test_servers_that_wait_for_each_other_end_the_search(find):
    """loop-a's only server is in loop-b, and loop-b's in loop-a."""
    with pytest.raises(Failed, match=r"no server of loop-a.test. could be used"):
        find("www.loop-a.test")


def answering(rule):
    """A server's `answer`: `rule` maps a query's name to authority lines and additional lines."""

    def answer(query, transport):
        reply = dns.message.make_response(query)
        found = rule(query.question[0].name)
        for section, lines in zip((reply.authority, reply.additional), found, strict=True):
            for line in lines:
                owner, ttl, rrtype, rdata = line.split(maxsplit=3)
                section.append(dns.rrset.from_text(owner, int(ttl), "IN", rrtype, rdata))
        return [reply.to_wire(max_size=65535)]

    return answer


@pytest.fixture
def misled(dns_server):
    """`misled(answer, name)`: how a search ends below a root server that answers so, and the questions it got."""

    def run(answer, name, timeout_s=5.0):
        async def main():
            server = dns_server(answer)
            async with server.listening() as address:
                try:
                    found = await Delegations([address]).zone_of(name, timeout_s)
                except Failed as failed:
                    found = failed
            return found, [query.question[0].name.to_text() for query, _ in server.queries]

        return asyncio.run(main())

    return run


def one_label_down(name):
    """A referral to the name itself, whatever it is."""
    return [f"{name} 300 NS ns.{name}"], [f"ns.{name} 300 A 127.0.0.1"]


def test_referral_that_does_not_lead_downwards_is_lame(misled):
    """Upwards, sideways, or to the same zone again: otherwise a search would never end."""
    for owner in (".", "other."):
        found, asked = misled(answering(lambda name, owner=owner: ([f"{owner} 300 NS a."], [])), "www.shop.test")

        assert found.word is Failure.DNS_SERVFAIL
        assert "refers to" in found.text
        assert len(asked) == 1


def test_referrals_from_level_to_level_are_bounded_by_the_name(misled):
    """Each label may be a zone; then there is no more, and a server that refers to the same again is lame."""
    found, asked = misled(answering(one_label_down), "a.b.c.d")

    assert found.word is Failure.DNS_SERVFAIL
    assert len(asked) == 2


def test_name_servers_by_the_dozen_without_addresses_are_bounded(misled):
    """Each of thirteen servers is in a zone of its own with thirteen others: NXNSAttack, CVE-2020-8616."""

    def many(name):
        top = name.split(2)[1]
        return [f"{top} 300 NS ns{n}.{top.labels[0].decode()}x{n}." for n in range(13)], []

    found, asked = misled(answering(many), "www.shop")

    assert found.word in (Failure.DNS_SERVFAIL, Failure.DNS_ERROR)
    assert len(asked) <= 100


@pytest.mark.parametrize("address", ["0.0.0.0", "224.0.0.251", "255.255.255.255"])
def test_address_that_is_no_machine_is_not_asked(misled, address):
    """Glue may say anything."""
    found, asked = misled(
        answering(lambda name: (["shop. 300 NS ns.shop."], [f"ns.shop. 300 A {address}"])), "www.shop"
    )

    assert found.word is Failure.DNS_SERVFAIL
    assert address not in found.text
    assert len(asked) <= 3


def test_silence_ends_at_the_deadline(misled):
    """No server answers."""
    found, _ = misled(lambda query, transport: [], "www.shop", timeout_s=0.5)

    assert found.word in (Failure.DNS_TIMEOUT, Failure.DNS_SERVFAIL)


def test_cuts_are_remembered_for_their_time_only(dns_server):
    """The root is asked once while the cut is good, and again when its hour is over."""
    now = [0.0]

    def answer(query, transport):
        name = query.question[0].name
        reply = dns.message.make_response(query)
        if answer.asked_at_root(query):
            reply.authority.append(dns.rrset.from_text("shop.", 300, "IN", "NS", "ns.shop."))
            reply.additional.append(dns.rrset.from_text("ns.shop.", 300, "IN", "A", "127.0.0.1"))
        else:
            reply.flags |= dns.flags.AA
            section = reply.answer if name.to_text() == "shop." else reply.authority
            rrtype = dns.rdatatype.to_text(query.question[0].rdtype)
            rdata = "ns.shop." if rrtype == "NS" else "ns.shop. m.shop. 1 2 3 4 5"
            section.append(dns.rrset.from_text("shop.", 300, "IN", rrtype, rdata))
            if rrtype == "NS":
                reply.additional.append(dns.rrset.from_text("ns.shop.", 300, "IN", "A", "127.0.0.1"))
        return [reply.to_wire()]

    # The same machine is root and shop: the first question of a search that begins at the root is the root's.
    steps = iter([True, False, False, False, False, True, False, False])
    answer.asked_at_root = lambda query: next(steps)

    async def main():
        server = dns_server(answer)
        async with server.listening() as address:
            delegations = Delegations([address], now=lambda: now[0])
            counts = []
            for moment in (0.0, 299.0, 301.0):
                now[0] = moment
                zone = await delegations.zone_of("www.shop", 5.0)
                counts.append(len(server.queries))
                assert zone.addresses == ("127.0.0.1",)
            return counts

    assert asyncio.run(main()) == [3, 5, 8]
