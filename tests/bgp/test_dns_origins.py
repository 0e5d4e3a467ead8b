"""Questions and answers about whose an address is, in the form of Team Cymru's DNS service."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bgp.address_owners import AddressOwners
from monitor.bgp.dns_origins import Origin, place_of, question_name, read_origin
from monitor.bgp.ip_to_as import PrefixTable
from monitor.model.prefix import contains
from probes import DnsObservation

ZONE = "origin.asn.cymru.com"
QUIET = settings(derandomize=True, max_examples=150, deadline=None)
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


def told(address: str, *answers: str, at: float = 1.0, rcode: str | None = "NOERROR", **fields) -> DnsObservation:
    """What the service said of an address."""
    return DnsObservation(
        at=at, vantage="v", target="prefix_to_as", server="192.0.2.53", rrtype="TXT", rcode=rcode,
        name=question_name(place_of(ip_address(address)), ZONE), answers=answers, **fields,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("203.0.113.77", "0.113.0.203.origin.asn.cymru.com"),
        ("2001:db8:1:2::3", "0." * 20 + "1.0.0.0.8.b.d.0.1.0.0.2.origin6.asn.cymru.com"),
    ],
)
def test_the_question_is_about_the_place_and_not_the_address(address, name):
    """The last octet, and what is behind the first 48 bits of IPv6, stay at home."""
    assert question_name(place_of(ip_address(address)), ZONE) == name


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "100.64.0.1",
        "192.168.1.1",
        "169.254.3.4",
        "127.0.0.1",
        "224.0.0.5",
        "0.0.0.0",
        "fd00::1",
        "::1",
    ],
)
def test_internal_addresses_are_nobody_elses_business(address):
    """They mean something inside of one network only, and would tell a stranger how it is built."""
    assert place_of(ip_address(address)) is None


@pytest.mark.parametrize(
    ("address", "answers", "prefix", "asns"),
    [
        ("203.0.113.9", ['"64500 | 203.0.113.0/24 | NL | ripencc | 2010-07-14"'], "203.0.113.0/24", {64500}),
        ("203.0.113.9", ['"64500 64501 | 203.0.112.0/22 | US | arin |"'], "203.0.112.0/22", {64500, 64501}),
        (
            "203.0.113.9",
            ['"64501 | 203.0.0.0/16 | US | arin | "', '"64500 | 203.0.113.0/24 | US | arin | "'],
            "203.0.113.0/24",
            {64500},
        ),
        (
            "203.0.113.9",
            ['"64500 | 203.0.113.0/24 | US | arin | "', '"64502 | 203.0.113.0/24 | US | arin | "'],
            "203.0.113.0/24",
            {64500, 64502},
        ),
        ("2001:db8:1::1", ['"4200000001 | 2001:db8::/32 | DE | ripencc | "'], "2001:db8::/32", {4200000001}),
    ],
)
def test_answers_are_read(address, answers, prefix, asns):
    """Several origins in one record or in several; of several prefixes the longest, which carries the traffic."""
    found = read_origin(told(address, *answers), ZONE)

    assert found == Origin(place_of(ip_address(address)), ip_network(prefix), frozenset(asns))


@pytest.mark.parametrize(
    "answer",
    [
        '"64666 | 198.51.100.0/24 | XX | evil | "',
        '"64666 | 0.0.0.0/0 | XX | evil | "',
        '"64666 | 203.0.0.0/7 | XX | evil | "',
        '"64666 | 203.0.113.1/24 | XX | evil | "',
        '"NA | 203.0.113.0/24 | XX | none | "',
        '"0 | 203.0.113.0/24 | XX | AS 0 | "',
        '"4294967296 | 203.0.113.0/24 | XX | too large | "',
        '"' + " ".join(map(str, range(1, 34))) + ' | 203.0.113.0/24 | XX | too many | "',
        '"64666 | ::/16 | XX | other family | "',
        '"64666"',
        '""',
        "|" * 500,
    ],
)
def test_what_is_no_word_about_the_place_says_nothing(answer):
    """Other space, half the Internet, nobody, or rubbish: the place stays as unknown as if nobody had answered."""
    assert read_origin(told("203.0.113.9", answer), ZONE) == Origin(place_of(ip_address("203.0.113.9")))


@pytest.mark.parametrize(
    "changed",
    [
        {"target": "shop"},
        {"rrtype": "A"},
        {"name": "0.113.0.203.origin.example.net"},
        {"name": "0.113.0.origin.asn.cymru.com"},
        {"name": "0.113.0.300.origin.asn.cymru.com"},
        {"name": "00.113.0.203.origin.asn.cymru.com"},
        {"name": "origin.asn.cymru.com"},
        {"name": "f." + "ff." * 40 + "origin6.asn.cymru.com"},
        {"name": ""},
    ],
)
def test_other_questions_are_none_of_ours(changed):
    """A target's own TXT record, or another service's, is not taken for an origin."""
    fields = {"target": "prefix_to_as", "rrtype": "TXT", "name": "0.113.0.203.origin.asn.cymru.com"} | changed
    seen = DnsObservation(
        at=1.0, vantage="v", server="192.0.2.53", answers=('"64500 | 203.0.113.0/24 | NL | x | "',), **fields
    )

    assert read_origin(seen, ZONE) is None


@QUIET
@given(ADDRESSES, st.lists(st.text(max_size=60), max_size=4), st.text('0123456789 .|/:"NA', max_size=60))
def test_any_answer_is_about_the_place_or_nothing(address, answers, near):
    """Whatever a server makes up: a prefix around the place that was asked about, or none."""
    place = place_of(address)
    if place is None:
        return
    found = read_origin(told(str(address), *answers, near), ZONE)

    assert found is not None
    assert found.place == place
    assert found.prefix is None or (contains(found.prefix, address) and found.asns)


def test_the_table_comes_first_and_exchanges_stay_exchanges():
    """Only what no table maps is looked up among the answers, or asked about at all."""
    table = PrefixTable.parse(["203.0.113.0/24 64500"], [ip_network("198.51.100.0/24")])
    owners = AddressOwners(table, ZONE)
    owners.take(told("203.0.113.9", '"64666 | 203.0.113.0/24 | x | x | "'))
    owners.take(told("198.51.100.9", '"64666 | 198.51.100.0/24 | x | x | "'))
    owners.take(told("203.0.114.9", '"64501 | 203.0.114.0/23 | x | x | "'))
    known = [owners.lookup(f"{net}.9") for net in ("203.0.113", "198.51.100", "203.0.114", "203.0.115")]
    unasked = [owners.unasked(ip_address(f"{net}.9")) for net in ("203.0.113", "198.51.100", "203.0.114")]

    assert known == [{64500}, None, {64501}, None]
    assert owners.is_exchange("198.51.100.9")
    assert unasked == [None, None, None]
    assert owners.unasked(ip_address("203.0.115.9")) == place_of(ip_address("203.0.115.1"))


def test_a_newer_answer_holds_and_silence_takes_nothing_back():
    """A prefix that was sold has a new owner; a service that cannot be reached has not taken it from him."""
    owners = AddressOwners(None, ZONE)
    first = owners.take(told("203.0.113.9", '"64500 | 203.0.113.0/24 | x | x | "'))
    again = owners.take(told("203.0.113.10", '"64500 | 203.0.113.0/24 | x | x | "'))
    silent = owners.take(told("203.0.113.9", rcode=None, failure="dns_timeout"))
    before = owners.lookup("203.0.113.9")
    sold = owners.take(told("203.0.113.9", '"64509 | 203.0.113.0/24 | x | x | "'))

    assert first is not None
    assert (again, silent, before) == (None, None, {64500})
    assert sold is not None
    assert owners.lookup("203.0.113.200") == {64509}
