"""DNS replies, what they lead to in a search for a zone, and the records that a chain of trust is made of."""

from __future__ import annotations

import struct
from collections.abc import Generator
from datetime import UTC, datetime

import dns.dnssec
import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdata
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fuzzed.target import Target

from probes.dns.answer import MAX_RECORDS, read_answer
from probes.dns.edns import answered_subnet, instance
from probes.dns.exchange import matching_reply
from probes.dns.referral import MAX_ADDRESSES, MAX_SERVERS, Referral, addresses_in, read_servers, read_step
from probes.dnssec import Response, Status, Verdict, Wanted, validate

_NOW = 1_800_000_000
_ROOT = dns.name.root
_NAME = dns.name.from_text("www.example.")
_MOST_WANTED = 60
_QUERY = dns.message.make_query(
    _NAME, "A", use_edns=0, options=[dns.edns.ECSOption("203.0.113.0", 24, 0)], id=4711
)


def _reply(data: bytes) -> dns.message.Message | None:
    """The message in `data`, whatever id it carries: a fuzzer need not guess that."""
    return matching_reply(struct.pack("!H", _QUERY.id) + data[2:], _QUERY)


def _answer(data: bytes) -> None:
    reply = _reply(data)
    if reply is None:
        return
    answer = read_answer(reply, "recursive")
    assert len(answer.records) <= MAX_RECORDS
    assert all(text.isprintable() and text.isascii() for text in (*answer.records, *answer.cnames))
    assert answer.failed is None or answer.failed.text.isprintable()
    assert all((text or "").isprintable() for text in (instance(reply), answered_subnet(reply)))


def _step(data: bytes) -> None:
    reply = _reply(data)
    if reply is None:
        return
    zone = dns.name.from_text("example.")
    step = read_step(reply, _NAME, zone)
    if isinstance(step, Referral):
        # Nobody is sent outside of what the server was asked for, and not in circles.
        assert _NAME.is_subdomain(step.zone)
        assert step.zone != zone
        assert step.zone.is_subdomain(zone)
    servers = read_servers(reply, zone, reply.answer)
    assert len(servers) <= MAX_SERVERS
    assert all(len(addresses) <= MAX_ADDRESSES for addresses in servers.values())
    assert len(addresses_in(reply.additional)) <= MAX_ADDRESSES


def _chain(data: bytes) -> None:
    """Validate the first message, and answer what is wanted with the others in turn; each after its length."""
    messages = []
    while len(data) > 2 and len(messages) < 8:
        size = int.from_bytes(data[:2], "big")
        messages.append(Response.of(dns.message.from_wire(data[2 : 2 + size])))
        data = data[2 + size :]
    if not messages:
        return
    checking = validate(_NAME, dns.rdatatype.A, messages[0], now=_NOW, anchors=(_ANCHOR,))
    verdict = _verdict(checking, messages)
    assert verdict.status in tuple(Status)


def _verdict(checking: Generator[Wanted, Response, Verdict], messages: list[Response]) -> Verdict:
    wanted = set()
    try:
        want = next(checking)
        for turn in range(1, _MOST_WANTED):
            assert want not in wanted, f"{want} is wanted twice"
            wanted.add(want)
            want = checking.send(messages[turn % len(messages)])
    except StopIteration as done:
        verdict: Verdict = done.value
        return verdict
    raise AssertionError(f"more than {_MOST_WANTED} records wanted")


# Seeds: a root that signs everything itself, with a key that is always the same.

_KEY = Ed25519PrivateKey.from_private_bytes(b"\x42" * 32)
_DNSKEY = dns.dnssec.make_dnskey(_KEY.public_key(), dns.dnssec.Algorithm.ED25519, flags=257)
_ANCHOR = dns.dnssec.make_ds(_ROOT, _DNSKEY, "SHA256")


def _message(*rrsets: dns.rrset.RRset, section: str = "answer", rcode: int = 0) -> bytes:
    message = dns.message.make_response(_QUERY, recursion_available=True)
    message.flags |= dns.flags.AA
    message.set_rcode(rcode)
    getattr(message, section).extend(rrsets)
    return message.to_wire()


def _signed(rrset: dns.rrset.RRset) -> tuple[dns.rrset.RRset, dns.rrset.RRset]:
    begin, end = (datetime.fromtimestamp(_NOW + offset, UTC) for offset in (-86400, 86400))
    signature = dns.dnssec.sign(rrset, _KEY, _ROOT, _DNSKEY, inception=begin, expiration=end)
    return rrset, dns.rrset.from_rdata(rrset.name, rrset.ttl, signature)


def _framed(*messages: bytes) -> bytes:
    return b"".join(struct.pack("!H", len(message)) + message for message in messages)


def _records(owner: str, rrtype: str, *texts: str) -> dns.rrset.RRset:
    return dns.rrset.from_text(owner, 300, "IN", rrtype, *texts)


_ADDRESS = _records("www.example.", "A", "203.0.113.10", "203.0.113.11")
_KEYS = _message(*_signed(dns.rrset.from_rdata(_ROOT, 300, _DNSKEY)))
_NOTHING = (
    *_signed(_records(".", "SOA", "a. b. 7 3600 900 86400 300")),
    *_signed(_records("example.", "NSEC", "org. NS RRSIG NSEC")),
)
_SECURE = _framed(_message(*_signed(_ADDRESS)), _KEYS)
_DENIED = _framed(_message(*_NOTHING, section="authority", rcode=3), _KEYS)
_RANGE = "1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG"
_HASH = _records("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.", "NSEC3", _RANGE)
_HASHED = _framed(_message(*_signed(_HASH), section="authority"), _KEYS)
_ALIAS = _message(
    _records("www.example.", "CNAME", "cdn.example.net."), _records("cdn.example.net.", "A", "203.0.113.5")
)
_REFERRAL = _message(_records("www.example.", "NS", "ns1.www.example."), section="authority")

TARGETS = (
    Target("dns_answer", _answer, (dns.exception.DNSException,), (_message(_ADDRESS), _ALIAS, _message(rcode=2))),
    Target("dns_referral", _step, (dns.exception.DNSException,), (_REFERRAL, _message(_ADDRESS))),
    Target("dnssec_chain", _chain, (dns.exception.DNSException,), (_SECURE, _DENIED, _HASHED)),
)
