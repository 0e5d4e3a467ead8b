"""Questions over TLS and HTTPS: real servers on loopback, right and wrong certificates, bad HTTP."""

import asyncio
import struct

import dns.message
import dns.rrset
import h2.config
import h2.connection
import h2.events
import pytest

from probes.dns import DnsQuestion, ask
from probes.failure_word import Failure

RECORDS = ("checkin.example. 60 A 203.0.113.10",)
TYPE = b"application/dns-message"


def replying(wire):
    """The reply to the query in `wire`."""
    reply = dns.message.make_response(dns.message.from_wire(wire))
    reply.answer.append(dns.rrset.from_text("checkin.example.", 60, "IN", "A", "203.0.113.10"))
    return reply.to_wire()


def over_tls(respond=replying):
    """A DNS over TLS server's side of one connection."""

    async def handler(reader, writer):
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        wire = respond(await reader.readexactly(length))
        writer.write(struct.pack("!H", len(wire)) + wire)
        await writer.drain()
        await reader.read()

    return handler


def over_http1(seen, status=b"200 OK", content_type=TYPE, respond=replying):
    """A DNS over HTTPS server that speaks HTTP/1.1; heads go to `seen`."""

    async def handler(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        content = await reader.readexactly(length)
        seen.append((head, content))
        body = respond(content)
        writer.write(b"HTTP/1.1 %s\r\ncontent-type: %s\r\n" % (status, content_type))
        writer.write(b"content-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        await reader.read()

    return handler


def over_http2():
    """A DNS over HTTPS server that speaks HTTP/2."""

    async def handler(reader, writer):
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        content = b""
        while data := await reader.read(65536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.DataReceived):
                    content += event.data
                elif isinstance(event, h2.events.StreamEnded):
                    connection.send_headers(event.stream_id, [(b":status", b"200"), (b"content-type", TYPE)])
                    connection.send_data(event.stream_id, replying(content), end_stream=True)
            writer.write(connection.data_to_send())

    return handler


@pytest.fixture
def put(serving, tls_for, ca_file):
    """`put(handler, transport, certificate=names, **fields)`: the observation of one question."""

    def run(handler, transport, *, certificate=("127.0.0.1",), issuer=None, alpn=("http/1.1",), **fields):
        async def main():
            async with serving(handler, tls_for(*certificate, issuer=issuer, alpn=alpn)) as port:
                given = {"timeout_s": 5.0, "ca_file": ca_file, **fields}
                question = DnsQuestion(
                    server=f"127.0.0.1:{port}", name="checkin.example", transport=transport, **given
                )
                return await ask(question, vantage="here", target="it")

        return asyncio.run(main())

    return run


def test_answer_comes_over_tls(put):
    """The certificate is for the server's address when no name is given."""
    seen = put(over_tls(), "tls", alpn=("dot",))

    assert (seen.failure, seen.transport, seen.answers) == (None, "tls", ("203.0.113.10",))
    assert 0 < seen.elapsed_s < 5


def test_certificate_is_checked_against_the_given_name(put):
    """In any case and with or without the final dot."""
    seen = put(over_tls(), "tls", certificate=("dns.example",), server_name="DNS.Example.")

    assert seen.failure is None


@pytest.mark.parametrize("transport", ["tls", "https"])
@pytest.mark.parametrize(
    ("certificate", "fields", "failure"),
    [
        (("dns.example",), {}, Failure.TLS_NAME_MISMATCH),
        (("dns.example",), {"server_name": "dns.examp1e"}, Failure.TLS_NAME_MISMATCH),
        (("127.0.0.1",), {"ca_file": None}, Failure.TLS_UNTRUSTED),
    ],
    ids=["not for the address", "not for the name", "unknown authority"],
)
def test_wrong_certificate_has_the_words_of_http(put, transport, certificate, fields, failure):
    """Nothing is asked of a server that cannot prove who it is."""
    asked = []

    def respond(wire):
        asked.append(wire)
        return wire

    handler = over_tls(respond) if transport == "tls" else over_http1([], respond=respond)
    seen = put(handler, transport, certificate=certificate, **fields)

    assert (seen.failure, seen.rcode, asked) == (failure, None, [])


def test_answer_comes_over_https_with_http1(put):
    """POST to the resource, an id of 0, the media type both ways (RFC 8484 section 4.1)."""
    requests = []
    seen = put(over_http1(requests), "https")
    ((head, content),) = requests

    assert (seen.failure, seen.transport, seen.answers) == (None, "https", ("203.0.113.10",))
    assert head.startswith(b"POST /dns-query HTTP/1.1\r\n")
    assert b"content-type: application/dns-message" in head.lower()
    assert content[:2] == b"\0\0"


def test_answer_comes_over_https_with_http2(put):
    """Where ALPN agrees on it."""
    seen = put(over_http2(), "https", alpn=("h2",), certificate=("dns.example",), server_name="dns.example")

    assert (seen.failure, seen.answers) == (None, ("203.0.113.10",))


@pytest.mark.parametrize(
    ("bad", "failure", "says"),
    [
        ({"status": b"503 Busy"}, Failure.STATUS_UNEXPECTED, "status 503"),
        ({"content_type": b"text/html; charset=utf-8"}, Failure.DNS_MALFORMED, "'text/html'"),
        ({"respond": lambda wire: b"<html>"}, Failure.DNS_MALFORMED, "does not match"),
        ({"respond": lambda wire: wire}, Failure.DNS_MALFORMED, "does not match"),
        ({"respond": lambda wire: wire[:2] + b"\x81\x80" + b"\xff" * 40}, Failure.DNS_MALFORMED, "ask 127.0.0.1"),
        ({"respond": lambda wire: b"\0" * 70_000}, Failure.DNS_MALFORMED, "longer than 65535"),
    ],
)
def test_what_is_no_dns_over_https_has_a_word(put, bad, failure, says):
    """A captive portal, an overloaded front, somebody else's bytes."""
    seen = put(over_http1([], **bad), "https")

    assert (seen.failure, seen.rcode) == (failure, None)
    assert says in seen.error


def test_tls_reply_cut_short_says_how_much_came(put):
    """A length of 500 and three bytes."""

    async def handler(reader, writer):
        await reader.read(2)
        writer.write(struct.pack("!H", 500) + b"abc")
        writer.close()

    seen = put(handler, "tls")

    assert seen.failure is Failure.DNS_ERROR
    assert "after 3 of 500 bytes" in seen.error


@pytest.mark.parametrize("transport", ["tls", "https"])
def test_silence_after_the_handshake_is_a_time_out_of_dns(put, transport):
    """The deadline is the question's own."""

    async def handler(reader, writer):
        await reader.read()

    seen = put(handler, transport, timeout_s=0.4)

    assert seen.failure is Failure.DNS_TIMEOUT
    assert seen.elapsed_s < 2


@pytest.mark.parametrize("transport", ["tls", "https"])
def test_closed_port_is_an_unreachable_resolver(transport):
    """As over plain TCP: the way to the resolver is one kind of trouble."""
    question = DnsQuestion(server="127.0.0.1:1", name="checkin.example", transport=transport)
    seen = asyncio.run(ask(question, vantage="here", target="it"))

    assert seen.failure is Failure.DNS_UNREACHABLE


def test_handshake_that_does_not_end_is_a_time_out_of_tls(serving, ca_file):
    """A server that takes the connection and says nothing."""

    async def handler(reader, writer):
        await reader.read()
        await reader.read()

    async def main():
        async with serving(handler, None) as port:
            question = DnsQuestion(
                server=f"127.0.0.1:{port}", name="a.example", transport="tls", ca_file=ca_file, timeout_s=0.4
            )
            return await ask(question, vantage="here", target="it")

    assert asyncio.run(main()).failure is Failure.TLS_HANDSHAKE_TIMEOUT


@pytest.mark.parametrize(("transport", "port"), [("udp", 53), ("tcp", 53), ("tls", 853), ("https", 443)])
def test_each_transport_has_its_port(transport, port):
    """Unless the server is written with one."""
    assert DnsQuestion(server="9.9.9.9", name="a", transport=transport).address.port == port
    assert DnsQuestion(server="9.9.9.9:8053", name="a", transport=transport).address.port == 8053


@pytest.mark.parametrize(
    "fields", [{"transport": "quic"}, {"path": "dns-query"}, {"path": "/a\r\nb: c"}, {"server_name": "a..b"}]
)
def test_question_that_cannot_be_asked_is_refused_when_written(fields):
    """Before anything is sent."""
    with pytest.raises(ValueError, match=r"transport|path|DNS name"):
        DnsQuestion(server="9.9.9.9", name="checkin.example", **fields)
