"""One query to one server and its reply, over a socket of our own, timed close to the kernel.

dnspython builds and reads the messages; its asynchronous queries are not used, because they inflate 20 ms to
200 ms with 500 in flight. UDP sockets are connected, so the kernel checks the source address and port and
reports ICMP errors; the source port is the kernel's random choice and the id dnspython's (RFC 5452).
A datagram's arrival is the kernel's stamp, not the moment at which a busy loop came to read it.
What a reply means is not known here.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message

from probes import clock
from probes.dns.arrival import Arrivals, Moment
from probes.dns.edns import foreign_subnet
from probes.dns.question import DnsQuestion
from probes.dns.server_address import ServerAddress
from probes.endpoint import endpoint
from probes.failure import Failed, classify
from probes.failure_word import Failure, Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply that matches its query, the transport it came by, and seconds from first packet to reply."""

    message: dns.message.Message
    transport: str
    elapsed_s: float


async def exchange(question: DnsQuestion) -> Reply:
    """Ask, over UDP and again over TCP if the reply was truncated (RFC 7766 section 5), or over TCP alone.

    :raises Failed: no reply that matches came before the deadline, or none that can be read
    """
    server = question.address
    query = question.message()
    strays = _Strays()
    way = question.transport
    start = clock.monotonic()
    try:
        async with asyncio.timeout(question.timeout_s):
            if question.transport == "udp":
                reply, elapsed_s = await _udp(query, server, strays)
                if not reply.flags & dns.flags.TC:
                    return Reply(message=reply, transport="udp", elapsed_s=elapsed_s)
                way = "tcp, as its reply over udp was truncated"
            reply = await _tcp(query, server)
    except Exception as exc:
        failed = classify(exc, f"ask {server} over {way}", Layer.DNS)
        raise Failed(failed.word, failed.text + strays.text()) from exc
    return Reply(message=reply, transport="tcp", elapsed_s=clock.elapsed(start))


class _Strays:
    """Counts datagrams that did not answer the question: late, or somebody guessing (RFC 5452 section 3)."""

    def __init__(self) -> None:
        self.count = 0

    def text(self) -> str:
        return f" ({self.count} replies did not match the question)" if self.count else ""


async def _udp(
    query: dns.message.QueryMessage, server: ServerAddress, strays: _Strays
) -> tuple[dns.message.Message, float]:
    """The reply, and seconds from query sent to its arrival."""
    loop = asyncio.get_running_loop()
    wire = query.to_wire()
    with socket.socket(_family(server), socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect(endpoint(server.address, server.port))
        arrivals = Arrivals(sock)
        sent = Moment.now()
        await loop.sock_sendall(sock, wire)
        while True:
            datagram, arrived_ns = await arrivals.next()
            elapsed_s = sent.seconds_until(arrived_ns)
            reply = matching_reply(datagram, query, may_be_cut=True)
            if reply is not None:
                return reply, elapsed_s
            strays.count += 1
            await asyncio.sleep(0)  # a flood of strays must not keep the deadline from firing


async def _tcp(query: dns.message.QueryMessage, server: ServerAddress) -> dns.message.Message:
    loop = asyncio.get_running_loop()
    wire = query.to_wire()
    with socket.socket(_family(server), socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, endpoint(server.address, server.port))
        await loop.sock_sendall(sock, struct.pack("!H", len(wire)) + wire)
        (length,) = struct.unpack("!H", await _read_exactly(sock, 2))
        reply = matching_reply(await _read_exactly(sock, length), query)
    if reply is None:
        raise Failed(Failure.DNS_MALFORMED, f"ask {server} over tcp: the reply does not match the question")
    return reply


async def _read_exactly(sock: socket.socket, length: int) -> bytes:
    loop = asyncio.get_running_loop()
    data = b""
    while len(data) < length:
        part = await loop.sock_recv(sock, length - len(data))
        if not part:
            raise Failed(Failure.DNS_ERROR, f"read over tcp: closed after {len(data)} of {length} bytes")
        data += part
    return data


def matching_reply(
    wire: bytes, query: dns.message.QueryMessage, *, may_be_cut: bool = False
) -> dns.message.Message | None:
    """The reply in `wire`; None when it is not one to `query`, or one for another client subnet.

    `may_be_cut`: of a truncated reply only the question is read, since servers cut within a record too, and what
    is left must be ignored (RFC 2181 section 9).

    :raises dns.exception.DNSException: it carries the query's id, but cannot be read
    """
    if wire[:2] != struct.pack("!H", query.id):
        return None
    is_cut = may_be_cut and len(wire) > 3 and bool(wire[2] << 8 & dns.flags.TC)
    reply = dns.message.from_wire(wire, question_only=is_cut)
    return reply if query.is_response(reply) and not foreign_subnet(reply, query) else None


def _family(server: ServerAddress) -> socket.AddressFamily:
    return socket.AF_INET6 if server.family == 6 else socket.AF_INET
