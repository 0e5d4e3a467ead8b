"""Which instance answered, for which clients, and from which version of the zone."""

import ipaddress

import dns.edns
import dns.message
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.dns import DnsQuestion
from probes.dns.edns import answered_subnet, asked_options, foreign_subnet, instance
from probes.failure_word import Failure

A = "checkin.example. 60 A 203.0.113.10"
SOA = "checkin.example. 300 SOA ns.example. mail.example. 2022020301 7200 900 1209600 300"


def test_instance_and_subnet_are_asked_for_and_kept(dns_ask, reply_with):
    """NSID empty and the subnet with scope 0 in the query; both of the reply in the observation."""
    options = (dns.edns.NSIDOption(b"res1.ams"), dns.edns.ECSOption("203.0.113.0", 24, 20))
    seen, server = dns_ask(reply_with(A, options=options), nsid=True, subnet="203.0.113.0/24")
    sent = {option.otype: option for option in server.queries[0][0].options}

    assert (seen.nsid, seen.subnet, seen.ecs) == ("res1.ams", "203.0.113.0/24", "203.0.113.0/24/20")
    assert sent[dns.edns.NSID].nsid == b""
    assert (sent[dns.edns.ECS].address, sent[dns.edns.ECS].srclen, sent[dns.edns.ECS].scopelen) == (
        "203.0.113.0",
        24,
        0,
    )


def test_plain_question_has_no_options(dns_ask, reply_with):
    """Nothing is asked for, nothing is kept."""
    seen, server = dns_ask(reply_with(A))

    assert (seen.nsid, seen.subnet, seen.ecs) == (None, None, None)
    assert list(server.queries[0][0].options) == []


def test_reply_for_other_clients_is_passed_over(dns_ask, reply_with):
    """A subnet that was not asked for is somebody's guess (RFC 7871 section 7.3); silence about it is not."""
    foreign = dns.edns.ECSOption("198.51.100.0", 24, 24)
    seen, _ = dns_ask(reply_with(A, options=(foreign,)), subnet="203.0.113.0/24", timeout_s=0.3)
    silent, _ = dns_ask(reply_with(A), subnet="203.0.113.0/24")

    assert seen.failure is Failure.DNS_TIMEOUT
    assert "1 replies did not match" in seen.error
    assert (silent.failure, silent.ecs) == (None, None)


def test_instance_that_is_not_text_is_hex():
    """Octets of no printable name."""
    reply = dns.message.make_response(dns.message.make_query("a.", "A", use_edns=0))
    reply.use_edns(0, options=[dns.edns.NSIDOption(b"\x1b[2J")])

    assert instance(reply) == "0x1b5b324a"


@pytest.mark.parametrize("negative", [False, True])
def test_zone_serial_is_kept(dns_ask, negative):
    """From the answer to a question for it, and from a negative answer's authority section."""

    def answer(query, transport):
        reply = dns.message.make_response(query)
        owner, ttl, rrtype, rdata = SOA.split(maxsplit=3)
        section = reply.authority if negative else reply.answer
        section.append(dns.rrset.from_text(owner, int(ttl), "IN", rrtype, rdata))
        return [reply.to_wire()]

    seen, _ = dns_ask(answer, rrtype="A" if negative else "SOA", role="authoritative")

    assert seen.soa_serial == 2022020301
    assert seen.failure is (Failure.DNS_NO_ANSWER if negative else None)


def test_https_records_come_in_presentation_form(dns_ask, reply_with):
    """RFC 9460: priority, target, parameters."""
    seen, _ = dns_ask(reply_with('checkin.example. 60 HTTPS 1 . alpn="h2,h3" port=8443'), rrtype="HTTPS")

    assert seen.answers == ('1 . alpn="h2,h3" port="8443"',)


@pytest.mark.parametrize("subnet", ["203.0.113.7/24", "203.0.113.0/33", "here", ""])
def test_subnet_that_is_no_prefix_is_refused(subnet):
    """Host bits are refused too: they would tell the server a client."""
    with pytest.raises(ValueError, match=r"host bits|not appear|Address cannot be empty"):
        DnsQuestion(server="9.9.9.9", name="checkin.example", subnet=subnet)


networks = st.ip_addresses().flatmap(
    lambda address: st.integers(0, address.max_prefixlen).map(lambda length: (address, length))
)


@settings(derandomize=True, max_examples=80, deadline=None)
@given(networks, st.binary(max_size=40), st.integers(0, 32))
def test_any_options_give_values(network, nsid, scope):
    """A subnet survives the wire, is its own reply's, and any instance's name comes out printable and bounded."""
    prefix = ipaddress.ip_network(network, strict=False)
    query = dns.message.make_query("a.", "A", use_edns=0, options=asked_options(nsid=True, subnet=str(prefix)))
    reply = dns.message.make_response(query)
    reply.use_edns(
        0,
        options=[
            dns.edns.NSIDOption(nsid),
            dns.edns.ECSOption(str(prefix.network_address), prefix.prefixlen, scope),
        ],
    )
    read = dns.message.from_wire(reply.to_wire())
    name = instance(read)

    assert answered_subnet(read) == f"{prefix.network_address}/{prefix.prefixlen}/{scope}"
    assert not foreign_subnet(read, query)
    assert name is None or (name.isascii() and name.isprintable())
