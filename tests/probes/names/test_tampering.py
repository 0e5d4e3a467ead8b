"""Real signed responses with something changed: whatever an attacker does to them, they do not become secure."""

import asyncio
import time

import dns.dnssec
import dns.exception
import dns.message
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.dns import Delegations, DnsQuestion
from probes.dns.exchange import exchange
from probes.dnssec import Response, Status, Wanted, validate

QUESTIONS = (
    ("www.plain.test", "A"),
    ("www.plain.test", "TXT"),
    ("no.such.plain.test", "A"),
    ("x.wild.plain.test", "A"),
    ("www.nsec3.test", "A"),
    ("no.such.nsec3.test", "A"),
    ("x.wild.nsec3.test", "A"),
    ("alias.nsec3.test", "A"),
    ("unsigned.plain.test", "DS"),
    ("unsigned.nsec3.test", "DS"),
)


class Recording:
    """The genuine messages of a name space: answers to `QUESTIONS`, and all that their chains want."""

    def __init__(self, anchors):
        self.anchors = anchors
        self.answers = {}
        self.links = {}

    def judge(self, name, rrtype, message, links=None):
        """The verdict on `message` as the answer, with the links recorded or those given."""
        given_links = self.links if links is None else links
        name, rdtype = dns.name.from_text(name), dns.rdatatype.from_text(rrtype)
        checking = validate(name, rdtype, Response.of(message), now=time.time(), anchors=self.anchors)
        try:
            wanted = next(checking)
            for _ in range(50):
                message = given_links.get(wanted)
                # Of names that nobody recorded the answer is empty: the worst that a server can say.
                wanted = checking.send(Response((), (), True) if message is None else Response.of(message))
        except StopIteration as done:
            return done.value
        raise AssertionError("validation wants more than 50 records")


@pytest.fixture(scope="module")
def recording(name_space):
    """Everything asked once, of the real servers."""
    made = Recording(name_space.anchors)

    async def put(server, name, rrtype):
        question = DnsQuestion(server=server, name=name, rrtype=rrtype, role="authoritative")
        return (await exchange(question)).message

    async def main():
        delegations = Delegations([name_space.start])
        for name, rrtype in QUESTIONS:
            made.answers[name, rrtype] = await put(name_space.at("127.53.0.3"), name, rrtype)
        for zone in (".", "test.", "plain.test.", "nsec3.test."):
            servers = (await delegations.zone_of(zone, 5.0)).addresses
            made.links[Wanted(dns.name.from_text(zone), dns.rdatatype.DNSKEY)] = await put(
                name_space.at(servers[0]), zone, "DNSKEY"
            )
            if zone != ".":
                parent = dns.name.from_text(zone).parent().to_text()
                servers = (await delegations.zone_of(parent, 5.0)).addresses
                made.links[Wanted(dns.name.from_text(zone), dns.rdatatype.DS)] = await put(
                    name_space.at(servers[0]), zone, "DS"
                )

    asyncio.run(main())
    target = dns.name.from_text("www.plain.test")
    made.links[Wanted(target, dns.rdatatype.A)] = made.answers["www.plain.test", "A"]
    return made


def test_genuine_messages_are_secure(recording):
    """The other tests would pass on rubbish."""
    verdicts = {question: recording.judge(*question, recording.answers[question]) for question in QUESTIONS}

    assert {question: verdict.status for question, verdict in verdicts.items()} == dict.fromkeys(
        QUESTIONS, Status.SECURE
    )


@pytest.mark.parametrize(
    ("name", "rrtype", "shown"),
    [
        ("www.plain.test", "A", ("no.such.plain.test", "A")),
        ("www.nsec3.test", "A", ("no.such.nsec3.test", "A")),
        ("www.plain.test", "A", ("www.plain.test", "TXT")),
        ("www.plain.test", "AAAA", ("www.plain.test", "TXT")),
        ("other.plain.test", "A", ("www.plain.test", "TXT")),
        ("unsigned.plain.test", "A", ("unsigned.plain.test", "DS")),
        ("below.unsigned.plain.test", "A", ("unsigned.plain.test", "DS")),
        ("unsigned.nsec3.test", "A", ("unsigned.nsec3.test", "DS")),
        ("below.unsigned.nsec3.test", "A", ("unsigned.nsec3.test", "DS")),
    ],
    ids=lambda value: value if isinstance(value, str) else f"by {value[0]}/{value[1]}",
)
@pytest.mark.parametrize("rcode", [0, 3])
def test_proof_of_something_else_proves_nothing(recording, name, rrtype, shown, rcode):
    """Replayed denials: of other names, of other types, and the parent's view of what is the child's to say."""
    message = dns.message.from_wire(recording.answers[shown].to_wire())
    message.set_rcode(rcode)

    assert recording.judge(name, rrtype, message).status is Status.BOGUS


@pytest.mark.parametrize("question", [("x.wild.plain.test", "A"), ("x.wild.nsec3.test", "A")])
def test_wildcard_without_its_proof_is_bogus(recording, question):
    """Else the wildcard's records could be put in the place of any name's own."""
    message = dns.message.from_wire(recording.answers[question].to_wire())
    message.authority = []
    verdict = recording.judge(*question, message)

    assert (verdict.status, "comes from a wildcard" in verdict.reason) == (Status.BOGUS, True)


def test_answer_of_another_name_is_bogus(recording):
    """The signature is over the owner's name."""
    message = dns.message.from_wire(recording.answers["www.plain.test", "A"].to_wire())
    for rrset in message.answer:
        rrset.name = dns.name.from_text("mail.plain.test")

    assert recording.judge("mail.plain.test", "A", message).status is Status.BOGUS


@pytest.mark.parametrize(("address", "status"), [("203.0.113.10", "secure"), ("198.51.100.66", "bogus")])
def test_target_without_signature_counts_where_it_says_the_same_when_asked_alone(recording, address, status):
    """Servers bring half of the proofs along with an alias; other records than the target's own stay bogus."""
    message = dns.message.from_wire(recording.answers["alias.nsec3.test", "A"].to_wire())
    target = dns.name.from_text("www.plain.test")
    message.answer = [one for one in message.answer if one.name != target]
    message.answer.append(dns.rrset.from_text(target, 300, "IN", "A", address))

    assert recording.judge("alias.nsec3.test", "A", message).status == status


def test_flood_of_keys_and_signatures_costs_little(recording):
    """Sixty keys of one tag, sixty signatures by it: 3,600 checks for who tries them all (CVE-2023-50387)."""
    zone = dns.name.from_text("plain.test")
    wanted = Wanted(zone, dns.rdatatype.DNSKEY)
    message = dns.message.from_wire(recording.links[wanted].to_wire())
    keys = next(rrset for rrset in message.answer if rrset.rdtype == dns.rdatatype.DNSKEY)
    signed = next(rrset for rrset in message.answer if rrset.rdtype == dns.rdatatype.RRSIG)
    key, signature = keys[0], signed[0]
    for n in range(2, 62, 2):
        # The tag is a sum of words (RFC 4034 appendix B), so words that change places do not change it.
        words = key.key[n : n + 2] + key.key[2:n] + key.key[:2] + key.key[n + 2 :]
        keys.add(key.replace(key=words))
    for n in range(60):
        signed.add(signature.replace(signature=bytes([n]) + signature.signature[1:]))
    tags = {dns.dnssec.key_id(one) for one in keys}
    start = time.process_time()
    verdict = recording.judge(
        "www.plain.test", "A", recording.answers["www.plain.test", "A"], {**recording.links, wanted: message}
    )

    assert (len(keys), len(signed) >= 60, len(tags)) == (31, True, 1)
    assert verdict.status is Status.BOGUS
    assert time.process_time() - start < 1.0


def _genuine(message, name, rrtype):
    """The records at the end of the aliases."""
    name = "www.plain.test" if name == "alias.nsec3.test" else name
    found = [one for one in message.answer if one.name.to_text() == f"{name}." and one.rdtype == rrtype]
    return sorted(rdata.to_text() for rrset in found for rdata in rrset)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(
    which=st.sampled_from(QUESTIONS),
    link=st.integers(-1, 8),
    position=st.integers(0, 2000),
    change=st.binary(min_size=1, max_size=4),
)
def test_changed_octets_are_never_secure_with_other_records(recording, which, link, position, change):
    """Any octets of any message of the chain: a verdict, and secure only with the genuine records."""
    message, links = recording.answers[which], dict(recording.links)
    chosen = list(links)[link] if 0 <= link < len(links) else None
    wire = bytearray((message if chosen is None else links[chosen]).to_wire())
    at = position % len(wire)
    wire[at : at + len(change)] = change
    try:
        changed = dns.message.from_wire(bytes(wire))
    except dns.exception.DNSException:
        return
    if not isinstance(changed, dns.message.QueryMessage):
        return
    if chosen is None:
        message = changed
    else:
        links[chosen] = changed
    verdict = recording.judge(*which, message, links)

    assert verdict.status in Status
    if verdict.status is Status.SECURE:
        rrtype = dns.rdatatype.from_text(which[1])
        assert _genuine(message, which[0], rrtype) == _genuine(recording.answers[which], which[0], rrtype)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(which=st.sampled_from(QUESTIONS), dropped=st.sets(st.integers(0, 12), min_size=1, max_size=4))
def test_dropped_records_are_never_secure_with_less(recording, which, dropped):
    """Without some of the sets of records in answer and authority: secure only if all that was asked is there."""
    message = dns.message.from_wire(recording.answers[which].to_wire())
    everything = [*message.answer, *message.authority]
    kept = [one for n, one in enumerate(everything) if n not in dropped]
    message.answer = [one for one in message.answer if one in kept]
    message.authority = [one for one in message.authority if one in kept]
    verdict = recording.judge(*which, message)
    rrtype = dns.rdatatype.from_text(which[1])

    if verdict.status is Status.SECURE:
        assert _genuine(message, which[0], rrtype) == _genuine(recording.answers[which], which[0], rrtype)
