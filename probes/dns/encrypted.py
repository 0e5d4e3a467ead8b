"""One query over TLS (RFC 7858) or HTTPS (RFC 8484): a connection of its own, a certificate that is verified.

Built on the HTTP probe's sockets, handshake and transport, so a certificate fails for the same reasons and
with the same words as a web server's. Everything about the connection to a resolver before TLS, and about
its silence after it, is a failure of DNS. Nothing is looked up on the way: the server is an address, and
a name only says whom the certificate must be for.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import Awaitable, Callable

import dns.message
import httpcore

from probes import clock
from probes.dns.exchange import Reply, matching_reply
from probes.dns.question import DnsQuestion
from probes.failure import Failed, classify
from probes.failure_word import Failure, Layer
from probes.http.backend import MeasuringBackend
from probes.http.exchange import exchanged
from probes.http.message import Incoming, Outgoing
from probes.http.request import HttpRequest
from probes.http.timeline import Phase, Timeline
from probes.http.tls import TlsContexts
from probes.http.url import read_url

_MEDIA_TYPE = b"application/dns-message"
_MAX_MESSAGE = 65535  # octets (RFC 8484 section 6)

# Making a context costs 48 ms, and it belongs to no event loop, so all questions share them. Two sets,
# because the protocols offered by ALPN are set on the context.
_TLS_CONTEXTS, _HTTPS_CONTEXTS = TlsContexts(), TlsContexts()

Exchange = Callable[[DnsQuestion, bytes, ssl.SSLContext, MeasuringBackend, Timeline], Awaitable[bytes]]


async def over_tls(question: DnsQuestion) -> Reply:
    """Ask over DNS over TLS. `elapsed_s` of the reply contains connecting and the handshake.

    :raises Failed: no connection to the right server, or no reply that matches before the deadline
    """
    context = _context(_TLS_CONTEXTS, question)
    context.set_alpn_protocols(["dot"])
    return await _ask(question, question.message(), context, _tls)


async def over_https(question: DnsQuestion) -> Reply:
    """Ask over DNS over HTTPS by POST, offering HTTP/2; `elapsed_s` as with `over_tls`.

    :raises Failed: as `over_tls`, and when the HTTP status is not 200 or the content is not a DNS message
    """
    query = question.message()
    query.id = 0  # RFC 8484 section 4.1: the same bytes for the same question
    return await _ask(question, query, _context(_HTTPS_CONTEXTS, question), _https)


async def _ask(
    question: DnsQuestion, query: dns.message.QueryMessage, context: ssl.SSLContext, exchange: Exchange
) -> Reply:
    timeline = Timeline()
    address = question.address
    backend = MeasuringBackend(timeline, _look_nothing_up, None, (question.certificate_name, address.address))
    start = clock.monotonic()
    try:
        async with asyncio.timeout(question.timeout_s):
            wire = await exchange(question, query.to_wire(), context, backend, timeline)
        reply = matching_reply(wire, query)
    except Exception as exc:
        layer = Layer.TLS if timeline.phase is Phase.TLS else Layer.DNS
        operation = f"ask {address} over {question.transport}, {timeline.operation}"
        raise classify(exc, operation, layer, ended=timeline.ended) from exc
    if reply is None:
        raise Failed(Failure.DNS_MALFORMED, f"ask {address} over {question.transport}: the reply does not match")
    return Reply(message=reply, transport=question.transport, elapsed_s=clock.elapsed(start))


async def _tls(
    question: DnsQuestion, query: bytes, context: ssl.SSLContext, backend: MeasuringBackend, timeline: Timeline
) -> bytes:
    plain = await backend.connect_tcp(question.certificate_name, question.address.port)
    stream = await plain.start_tls(context, question.certificate_name)
    try:
        await stream.write(struct.pack("!H", len(query)) + query)
        timeline.sent()
        (length,) = struct.unpack("!H", await _read_exactly(stream, 2))
        return await _read_exactly(stream, length)
    finally:
        await stream.aclose()


async def _read_exactly(stream: httpcore.AsyncNetworkStream, length: int) -> bytes:
    data = b""
    while len(data) < length:
        part = await stream.read(length - len(data))
        if not part:
            raise Failed(Failure.DNS_ERROR, f"read over tls: closed after {len(data)} of {length} bytes")
        data += part
    return data


async def _https(
    question: DnsQuestion, query: bytes, context: ssl.SSLContext, backend: MeasuringBackend, timeline: Timeline
) -> bytes:
    url = read_url(_url(question))
    request = Outgoing(
        method="POST",
        url=url,
        fields=(
            (b"host", url.authority),
            (b"accept", _MEDIA_TYPE),
            (b"content-type", _MEDIA_TYPE),
            (b"content-length", b"%d" % len(query)),
            (b"user-agent", b"whydown"),
        ),
        content=query,
    )
    async with exchanged(request, backend, context, timeline) as response:
        if response.status != 200:
            raise Failed(Failure.STATUS_UNEXPECTED, f"DNS over HTTPS: status {response.status}, expected 200")
        media_type = response.field("content-type").partition(";")[0].strip().lower()
        if media_type != _MEDIA_TYPE.decode():
            raise Failed(
                Failure.DNS_MALFORMED, f"DNS over HTTPS: content is {media_type[:60]!r}, not a DNS message"
            )
        return await _read_content(response)


async def _read_content(response: Incoming) -> bytes:
    """The content as it was sent; no content coding was asked for."""
    content = bytearray()
    async for part in response.content:
        content += part
        if len(content) > _MAX_MESSAGE:
            raise Failed(Failure.DNS_MALFORMED, f"DNS over HTTPS: content is longer than {_MAX_MESSAGE} octets")
    return bytes(content)


def _url(question: DnsQuestion) -> str:
    host = question.certificate_name
    bracketed = f"[{host}]" if ":" in host else host
    return f"https://{bracketed}:{question.address.port}{question.path}"


def _context(contexts: TlsContexts, question: DnsQuestion) -> ssl.SSLContext:
    try:
        return contexts.context(HttpRequest(url=_url(question), ca_file=question.ca_file))
    except OSError as exc:
        raise Failed(Failure.MONITOR_FAULT, f"load CA file {question.ca_file}: {exc}") from exc


async def _look_nothing_up(host: str, family: int | None) -> str:
    raise Failed(Failure.MONITOR_FAULT, f"{host} is not the server's name")
