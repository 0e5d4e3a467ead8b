"""What a reply means to somebody on the way down: every message is a step, and none leads out of bounds."""

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.dns.referral import Alias, Apex, Lame, Referral, read_step, usable_address

NAME, ZONE = dns.name.from_text("www.shop.test"), dns.name.from_text("test")
SOA = "SOA ns. mail. 1 2 3 4 5"


def reply(*, answer=(), authority=(), additional=(), flags="QR", rcode="NOERROR"):
    """A reply with records as `owner TYPE rdata`."""
    message = dns.message.make_query(NAME, "SOA")
    message.flags = dns.flags.from_text(flags)
    message.set_rcode(dns.rcode.from_text(rcode))
    for section, lines in (
        (message.answer, answer),
        (message.authority, authority),
        (message.additional, additional),
    ):
        for line in lines:
            owner, rrtype, rdata = line.split(maxsplit=2)
            section.append(dns.rrset.from_text(owner, 300, "IN", rrtype, rdata))
    return dns.message.from_wire(message.to_wire())


def test_referral_has_the_servers_and_the_glue_that_the_zone_may_give():
    """Addresses of names inside the asked zone count; those of others are somebody else's to state."""
    step = read_step(
        reply(
            authority=("shop.test. NS ns.shop.test.", "shop.test. NS ns.bank.other."),
            additional=(
                "ns.shop.test. A 203.0.113.53",
                "ns.shop.test. AAAA 2001:db8::53",
                "ns.bank.other. A 198.51.100.66",
                "ns.unnamed.test. A 198.51.100.67",
            ),
        ),
        NAME,
        ZONE,
    )
    shop, bank = dns.name.from_text("ns.shop.test"), dns.name.from_text("ns.bank.other")

    assert step == Referral(
        zone=dns.name.from_text("shop.test"),
        servers={shop: ("203.0.113.53", "2001:db8::53"), bank: ()},
        ttl_s=300.0,
    )


@pytest.mark.parametrize(
    ("parts", "step"),
    [
        ({"answer": (f"www.shop.test. {SOA}",), "flags": "QR AA"}, Apex(NAME)),
        ({"authority": (f"shop.test. {SOA}",), "flags": "QR AA"}, Apex(dns.name.from_text("shop.test"))),
        (
            {"authority": (f"shop.test. {SOA}",), "flags": "QR AA", "rcode": "NXDOMAIN"},
            Apex(dns.name.from_text("shop.test")),
        ),
        ({"answer": ("www.shop.test. CNAME a.other.",), "flags": "QR AA"}, Alias()),
        ({"answer": ("shop.test. DNAME other.",), "flags": "QR AA"}, Alias()),
        ({"answer": (f"www.shop.test. {SOA}",)}, Lame("answers without authority")),
        ({"authority": (f"other. {SOA}",), "flags": "QR AA"}, Lame("speaks of another zone")),
        ({"authority": (f". {SOA}",), "flags": "QR AA"}, Lame("speaks of another zone")),
        ({"rcode": "REFUSED"}, Lame("says REFUSED")),
        ({"flags": "QR AA"}, Lame("neither answers nor refers")),
        ({"authority": (". NS a.root.",)}, Lame("refers to ., which is not below test.")),
        ({"authority": ("test. NS a.test.",)}, Lame("refers to test., which is not below test.")),
        ({"authority": ("bank.test. NS a.test.",)}, Lame("refers to bank.test., which is not below test.")),
    ],
)
def test_each_kind_of_reply_is_one_step(parts, step):
    """Near-misses beside the real ones."""
    assert read_step(reply(**parts), NAME, ZONE) == step


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "224.0.0.1", "ff02::fb", "255.255.255.255"])
def test_addresses_that_are_no_machine_are_not_used(address):
    """Multicast, unspecified, broadcast."""
    assert not usable_address(address)
    assert usable_address("203.0.113.53")


owners = st.sampled_from([".", "test.", "shop.test.", "www.shop.test.", "ns.shop.test.", "other.", "*.test."])
rdatas = st.sampled_from([
    f"{SOA}", "NS ns.shop.test.", "NS .", "CNAME test.", "DNAME other.", "A 203.0.113.1", "AAAA ::", "TXT x",
])  # fmt: skip
lines = st.lists(st.builds("{} {}".format, owners, rdatas), max_size=5)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(lines, lines, lines, st.sampled_from(["QR", "QR AA", "QR AA TC"]), st.sampled_from(["NOERROR", "NXDOMAIN"]))
def test_any_records_give_a_step_that_leads_downwards(answer, authority, additional, flags, rcode):
    """Whatever the sections hold: strictly below the zone, towards the name, to machines only."""
    step = read_step(
        reply(answer=answer, authority=authority, additional=additional, flags=flags, rcode=rcode), NAME, ZONE
    )

    assert isinstance(step, Referral | Apex | Alias | Lame)
    if isinstance(step, Referral):
        assert step.zone.is_subdomain(ZONE)
        assert step.zone != ZONE
        assert NAME.is_subdomain(step.zone)
        assert all(usable_address(address) for found in step.servers.values() for address in found)
    if isinstance(step, Apex):
        assert NAME.is_subdomain(step.zone)
        assert step.zone.is_subdomain(ZONE)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=6))
def test_any_bytes_give_a_step_or_no_message(position, change):
    """A real referral with some octets changed is read, or is no DNS message."""
    wire = bytearray(
        reply(
            authority=("shop.test. NS ns.shop.test.", "shop.test. NS ns.other."),
            additional=("ns.shop.test. A 203.0.113.53",),
        ).to_wire()
    )
    at = position % len(wire)
    wire[at : at + len(change)] = change
    try:
        message = dns.message.from_wire(bytes(wire))
    except dns.exception.DNSException:
        return

    assert isinstance(read_step(message, NAME, ZONE), Referral | Apex | Alias | Lame)
