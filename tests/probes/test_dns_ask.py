"""One DNS question, one observation: real servers on loopback that answer well, badly, wrongly or not at all."""

import asyncio
import json
import socket
import struct
import subprocess
import sys

import dns.edns
import dns.flags
import dns.message
import dns.name
import pytest

from probes.dns import DnsQuestion, ask
from probes.failure_word import Failure


def test_answers_are_sorted_with_aliases_in_order_and_the_least_ttl(dns_ask, reply_with):
    """Rotation is no change; the alias chain is; the shortest lifetime counts."""
    answer = reply_with(
        "checkin.example. 300 CNAME edge.cdn.example.",
        "edge.cdn.example. 20 CNAME pop7.cdn.example.",
        "pop7.cdn.example. 60 A 203.0.113.20",
        "pop7.cdn.example. 60 A 203.0.113.10",
    )
    seen, _ = dns_ask(answer)

    assert (seen.failure, seen.rcode, seen.error) == (None, "NOERROR", None)
    assert seen.answers == ("203.0.113.10", "203.0.113.20")
    assert seen.cnames == ("edge.cdn.example.", "pop7.cdn.example.")
    assert seen.ttl_s == 20.0
    assert (seen.transport, seen.role, seen.rrtype) == ("udp", "recursive", "A")
    assert 0 < seen.elapsed_s < 5


def test_other_types_come_in_presentation_form(dns_ask, reply_with):
    """Strings of a TXT record are quoted and escaped."""
    seen, _ = dns_ask(reply_with(r'checkin.example. 60 TXT "a\"b" "\027[2J"'), rrtype="TXT")

    assert seen.answers == (r'"a\"b" "\027[2J"',)


def test_query_is_that_of_a_stub_resolver(dns_ask, reply_with):
    """Recursion desired, EDNS with the DO bit, a payload that is not fragmented."""
    _, server = dns_ask(reply_with("checkin.example. 60 A 203.0.113.10"))
    ((query, transport),) = server.queries

    assert transport == "udp"
    assert query.flags & dns.flags.RD
    assert query.ednsflags & dns.flags.DO
    assert query.payload == 1232


def test_authoritative_question_does_not_ask_for_recursion(dns_ask, reply_with):
    """The zone's own server is asked for what it knows itself."""
    seen, server = dns_ask(reply_with("checkin.example. 60 A 203.0.113.10", flags="AA"), role="authoritative")

    assert seen.failure is None
    assert not server.queries[0][0].flags & dns.flags.RD


def test_id_and_source_port_are_not_predictable(dns_server, reply_with):
    """Twenty questions use twenty ports and ids in no order (RFC 5452)."""

    async def main():
        server = dns_server(reply_with("checkin.example. 60 A 203.0.113.10"))
        async with server.listening() as address:
            question = DnsQuestion(server=address, name="checkin.example")
            for _ in range(20):
                await ask(question, vantage="here", target="it")
        return server

    server = asyncio.run(main())
    ids = [query.id for query, _ in server.queries]

    assert len(set(server.sources)) > 15
    assert len(set(ids)) > 15
    assert ids != sorted(ids)


@pytest.mark.parametrize(
    ("rcode", "failure"),
    [
        ("NXDOMAIN", Failure.DNS_NXDOMAIN),
        ("SERVFAIL", Failure.DNS_SERVFAIL),
        ("REFUSED", Failure.DNS_REFUSED),
        ("NOTIMP", Failure.DNS_ERROR),
        ("BADVERS", Failure.DNS_ERROR),
    ],
)
def test_rcode_is_kept_and_becomes_a_word(dns_ask, reply_with, rcode, failure):
    """Also one of the extended codes, whose upper bits travel in EDNS."""
    seen, _ = dns_ask(reply_with(rcode=rcode))

    assert (seen.rcode, seen.failure, seen.answers, seen.ttl_s) == (rcode, failure, (), None)
    assert rcode in seen.error


@pytest.mark.parametrize(
    ("records", "role", "failure"),
    [
        ((), "recursive", Failure.DNS_NO_ANSWER),
        (("checkin.example. 60 TXT text",), "recursive", Failure.DNS_NO_ANSWER),
        (("checkin.example. 60 CNAME edge.other.",), "recursive", Failure.DNS_NO_ANSWER),
        (("checkin.example. 60 CNAME edge.other.",), "authoritative", None),
        ((), "authoritative", Failure.DNS_NO_ANSWER),
    ],
)
def test_success_without_records_is_no_answer(dns_ask, reply_with, records, role, failure):
    """Except that an authoritative server which hands out an alias into another zone has said its all."""
    seen, _ = dns_ask(reply_with(*records), role=role)

    assert (seen.rcode, seen.failure, seen.answers) == ("NOERROR", failure, ())


def test_alias_loop_is_malformed(dns_ask, reply_with):
    """A chain of aliases that bites its tail ends in a word, not in a loop."""
    records = [f"{a}.example. 60 CNAME {b}.example." for a, b in (("checkin", "one"), ("one", "checkin"))]
    seen, _ = dns_ask(reply_with(*records))

    assert seen.failure is Failure.DNS_MALFORMED


@pytest.mark.parametrize(
    ("flags", "options", "rcode", "role", "dnssec"),
    [
        ("AD", (), "NOERROR", "recursive", "secure"),
        ("", (), "NOERROR", "recursive", None),
        ("AD", (), "NOERROR", "authoritative", None),
        ("", (dns.edns.EDEOption(dns.edns.EDECode.DNSSEC_BOGUS, "sig"),), "SERVFAIL", "recursive", "bogus"),
        ("", (dns.edns.EDEOption(dns.edns.EDECode.NETWORK_ERROR),), "SERVFAIL", "recursive", None),
    ],
)
def test_validation_is_what_the_resolver_says_of_it(dns_ask, reply_with, flags, options, rcode, role, dnssec):
    """AD is secure, an extended error of validation is bogus, silence is not measured."""
    records = ("checkin.example. 60 A 203.0.113.10",) if rcode == "NOERROR" else ()
    seen, _ = dns_ask(reply_with(*records, flags=flags, options=options, rcode=rcode), role=role)

    assert seen.dnssec == dnssec


def test_truncated_reply_is_asked_again_over_tcp(dns_ask, reply_with):
    """The answer comes by TCP and says so; UDP's part in it is not used."""
    full = reply_with("checkin.example. 60 A 203.0.113.10")
    cut = reply_with(flags="TC")
    seen, server = dns_ask(lambda query, transport: (full if transport == "tcp" else cut)(query, transport))

    assert (seen.failure, seen.transport, seen.answers) == (None, "tcp", ("203.0.113.10",))
    assert [transport for _, transport in server.queries] == ["udp", "tcp"]


@pytest.mark.parametrize("length", [33, 34, 44, 47])
def test_a_reply_that_was_cut_within_a_record_is_truncated(dns_ask, reply_with, length):
    """Servers stop at the octet that fits, not at a record; the rest is to be asked for, not read."""
    full = reply_with("checkin.example. 60 A 203.0.113.10")

    def answer(query, transport):
        (whole,) = full(query, transport)
        return [whole] if transport == "tcp" else [whole[:2] + b"\x83" + whole[3:length]]

    seen, _ = dns_ask(answer)

    assert (seen.failure, seen.transport, seen.answers) == (None, "tcp", ("203.0.113.10",))


def test_a_truncated_reply_to_another_question_is_passed_over(dns_ask, reply_with):
    """What is not read of it is no way in for somebody who guesses."""
    right = reply_with("checkin.example. 60 A 203.0.113.10")

    def answer(query, transport):
        other = dns.message.make_response(dns.message.make_query("other.example", "A", id=query.id))
        other.flags |= dns.flags.TC
        return [other.to_wire(), *right(query, transport)]

    seen, server = dns_ask(answer)

    assert (seen.failure, seen.transport) == (None, "udp")
    assert [transport for _, transport in server.queries] == ["udp"]


def test_a_way_over_tcp_that_is_closed_is_named(reply_with):
    """The reply over UDP is truncated, and TCP is filtered, as forgotten firewalls do: not UDP is to blame."""

    async def main():
        loop = asyncio.get_running_loop()
        cut = reply_with(flags="TC")
        udp, _ = await loop.create_datagram_endpoint(lambda: _Cutting(cut), ("127.0.0.1", 0))
        try:
            server = "{}:{}".format(*udp.get_extra_info("sockname"))
            return await ask(DnsQuestion(server=server, name="checkin.example"), vantage="here", target="it")
        finally:
            udp.close()
            await asyncio.sleep(0)

    seen = asyncio.run(main())

    assert seen.failure is Failure.DNS_UNREACHABLE
    assert "over tcp, as its reply over udp was truncated: ConnectionRefusedError" in seen.error


class _Cutting(asyncio.DatagramProtocol):
    """A server that answers over UDP alone."""

    def __init__(self, answer):
        self._answer = answer

    def connection_made(self, transport):
        self._transport = transport

    def datagram_received(self, data, source):
        for wire in self._answer(dns.message.from_wire(data), "udp"):
            self._transport.sendto(wire, source)


def test_question_over_tcp_sends_no_datagram(dns_ask, reply_with):
    """`transport="tcp"` is TCP from the start."""
    seen, server = dns_ask(reply_with("checkin.example. 60 A 203.0.113.10"), transport="tcp")

    assert (seen.failure, seen.transport) == (None, "tcp")
    assert [transport for _, transport in server.queries] == ["tcp"]


def test_guessed_replies_are_passed_over(dns_ask, reply_with):
    """Wrong id and wrong question before the right reply: what a blind attacker sends (RFC 5452 section 3)."""
    right = reply_with("checkin.example. 60 A 203.0.113.10")
    forged = reply_with("checkin.example. 60 A 198.51.100.66")

    def answer(query, transport):
        wrong_id = bytearray(forged(query, transport)[0])
        wrong_id[0] ^= 0xFF
        other = dns.message.make_query("checkin.examp1e", "A", id=query.id)
        wrong_question = dns.message.make_response(other).to_wire()
        own_query = query.to_wire()
        return [bytes(wrong_id), wrong_question, own_query, b"", b"\0", *right(query, transport)]

    seen, _ = dns_ask(answer)

    assert (seen.failure, seen.answers) == (None, ("203.0.113.10",))


def test_only_guessed_replies_is_a_time_out_that_tells_of_them(dns_ask, reply_with):
    """Somebody is guessing, or a middlebox is broken: the count is in the error."""

    def answer(query, transport):
        other = dns.message.make_query("other.example", "A", id=query.id)
        return [dns.message.make_response(other).to_wire()] * 3

    seen, _ = dns_ask(answer, timeout_s=0.3)

    assert seen.failure is Failure.DNS_TIMEOUT
    assert "3 replies did not match the question" in seen.error


def test_silence_is_a_time_out_within_the_deadline(dns_ask):
    """No reply comes: the observation does."""
    seen, _ = dns_ask(lambda query, transport: [], timeout_s=0.3)

    assert (seen.failure, seen.rcode) == (Failure.DNS_TIMEOUT, None)
    assert 0.3 <= seen.elapsed_s < 1.0


def test_reply_that_cannot_be_read_is_malformed(dns_ask):
    """The right id and then rubbish."""
    seen, _ = dns_ask(lambda query, transport: [query.to_wire()[:2] + b"\x81\x80" + b"\xff" * 40])

    assert seen.failure is Failure.DNS_MALFORMED


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (lambda query, transport: [], Failure.DNS_ERROR),
        (lambda query, transport: [b"\0\0" + query.to_wire()[2:]], Failure.DNS_MALFORMED),
        (lambda query, transport: [b""], Failure.DNS_MALFORMED),
    ],
    ids=["closed without a reply", "another id", "empty message"],
)
def test_bad_replies_over_tcp_have_words(dns_ask, answer, failure):
    """Over TCP nothing else can follow, so what does not match is wrong at once."""
    seen, _ = dns_ask(answer, transport="tcp")

    assert seen.failure is failure


def test_tcp_reply_cut_short_says_how_much_came():
    """A length of 500 and three bytes."""

    async def main():
        async def handler(reader, writer):
            await reader.read(2)
            writer.write(struct.pack("!H", 500) + b"abc")
            await writer.drain()
            await reader.read(500)
            writer.close()

        server = await asyncio.start_server(handler, "127.0.0.1", 0)
        async with server:
            address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            question = DnsQuestion(server=address, name="checkin.example", transport="tcp")
            return await ask(question, vantage="here", target="it")

    seen = asyncio.run(main())

    assert seen.failure is Failure.DNS_ERROR
    assert "closed after 3 of 500 bytes" in seen.error


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_closed_port_is_unreachable_at_once(transport):
    """ICMP port unreachable, or RST: nobody serves names there."""
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        if transport == "udp":
            held.close()  # a bound datagram socket would receive; a bound stream socket does not listen
        question = DnsQuestion(server=f"127.0.0.1:{port}", name="checkin.example", transport=transport)
        seen = asyncio.run(ask(question, vantage="here", target="it"))

    assert seen.failure is Failure.DNS_UNREACHABLE
    assert seen.elapsed_s < 2
    assert f"127.0.0.1:{port}" in seen.error


_LINK_LOCAL = """
import asyncio, socket
import dns.message
from probes.dns import DnsQuestion, ask
from probes.observation import encode

async def main():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as server:
        server.setblocking(False)
        server.bind(("fe80::53", 5353, 0, socket.if_nametoindex("v0")))

        async def answer():
            query, asker = await asyncio.get_running_loop().sock_recvfrom(server, 4096)
            reply = dns.message.make_response(dns.message.from_wire(query))
            reply.answer.append(dns.rrset.from_text("checkin.example.", 60, "IN", "A", "203.0.113.10"))
            server.sendto(reply.to_wire(), asker)

        question = DnsQuestion(server="[fe80::53%v0]:5353", name="checkin.example")
        serving = asyncio.create_task(answer())
        print(encode(await ask(question, vantage="here", target="it")).decode())
        serving.cancel()

asyncio.run(main())
"""


@pytest.mark.netns
def test_a_resolver_on_the_link_is_asked_there():
    """IPv6 routers name themselves as resolvers by their link-local address (RFC 8106), interface and all."""
    link = (
        "ip link set lo up && ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up"
        " && ip address add fe80::53/64 dev v0 nodad"
    )
    unshare = ["unshare", "-rn", "sh", "-c"]
    try:
        subprocess.run([*unshare, link], check=True, capture_output=True, timeout=20)
    except (OSError, subprocess.SubprocessError) as exc:
        pytest.skip(f"no network namespace with a link can be made here: {exc}")
    done = subprocess.run(
        [*unshare, f'{link} && exec "$0" -c "$1"', sys.executable, _LINK_LOCAL],
        check=True,
        capture_output=True,
        timeout=60,
    )
    seen = json.loads(done.stdout)

    assert (seen["failure"], seen["answers"], seen["server"]) == (None, ["203.0.113.10"], "[fe80::53%v0]:5353")


def test_record_flood_is_bounded(dns_ask, reply_with):
    """Of a thousand addresses a hundred are kept."""
    lines = [f"checkin.example. 60 A 203.0.{n // 250}.{n % 250}" for n in range(1000)]
    seen, _ = dns_ask(reply_with(*lines), transport="tcp")

    assert (seen.failure, len(seen.answers)) == (None, 100)


@pytest.mark.parametrize(
    "fields",
    [
        {"server": "resolver.example"},
        {"server": "system"},
        {"name": "a..b"},
        {"name": "a" * 64 + ".example"},
        {"name": "x" * 2000},
        {"rrtype": "NOSUCH"},
        {"rrtype": "AXFR"},
        {"role": "forwarder"},
        {"transport": "quic"},
        {"timeout_s": 0},
    ],
)
def test_question_that_cannot_be_asked_is_refused_when_it_is_written(fields):
    """A mistake in the question is a ValueError at once."""
    with pytest.raises(ValueError, match=r".+"):
        DnsQuestion(**{"server": "127.0.0.1", "name": "checkin.example", **fields})
