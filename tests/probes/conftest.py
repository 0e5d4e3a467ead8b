"""Real far ends for the probes: TCP, TLS, HTTP/2 and DNS servers on loopback that do as each test says."""

import asyncio
import contextlib
import ssl
import struct

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import h2.config
import h2.connection
import h2.events
import pytest
import trustme
from pocket.place import pocket_internet as pocket_internet
from pocket.vantage import plain_pocket as plain_pocket
from pocket.vantage import root_pocket as root_pocket

from probes.dns import DnsQuestion, ask
from probes.http import HttpProber, HttpRequest


@pytest.fixture(scope="session")
def ca():
    """A certificate authority of the tests' own."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(ca, tmp_path_factory):
    """Its root certificate as a PEM file."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture(scope="session")
def tls_for(ca):
    """A server's TLS context with a certificate for `names`, from `issuer` or the tests' authority."""

    def make(*names, issuer=None, alpn=("http/1.1",), **validity):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        (issuer or ca).issue_cert(*names, **validity).configure_cert(context)
        context.set_alpn_protocols(list(alpn))
        return context

    return make


@contextlib.asynccontextmanager
async def _serving(handler, tls):
    """A TCP server on a free loopback port; a connection's failure is the test's subject, not an error here."""
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    connections = set()

    async def one(reader, writer):
        connections.add(asyncio.current_task())
        with contextlib.suppress(OSError, EOFError, asyncio.CancelledError, ssl.SSLError):
            await handler(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(one, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        # One turn of the loop, in which the aborted transports close their sockets.
        await asyncio.sleep(0)
        await server.wait_closed()


@pytest.fixture
def serving():
    """`async with serving(handler, tls) as port`."""
    return _serving


@pytest.fixture
def observe():
    """Probe a server once: `observe(handler, tls=context, path="/", **fields of HttpRequest)`."""

    def run(handler, *, tls=None, host="127.0.0.1", path="/", times=1, prober=None, **fields):
        async def main():
            async with _serving(handler, tls) as port:
                scheme = "https" if tls else fields.pop("scheme", "http")
                fields.setdefault("address", None if host[0].isdigit() else "127.0.0.1")
                fields.setdefault("timeout_s", 5.0)
                request = HttpRequest(url=f"{scheme}://{host}:{port}{path}", **fields)
                one = prober or HttpProber()
                seen = [await one.probe(request, vantage="here", target="it") for _ in range(times)]
                await one.aclose()
            return seen if times > 1 else seen[0]

        return asyncio.run(main())

    return run


@pytest.fixture
def responding():
    """A handler that reads the request's head and sends fixed bytes; it then waits for the client to leave."""

    def make(*parts, then_close=True):
        async def handler(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            for part in parts:
                writer.write(part)
                await writer.drain()
            if then_close:
                writer.close()
                await writer.wait_closed()
            else:
                await reader.read()

        return handler

    return make


@pytest.fixture
def http2():
    """A handler that speaks HTTP/2 and calls `answer(connection, stream_id)` on each request."""

    def make(answer):
        async def handler(reader, writer):
            connection = h2.connection.H2Connection(
                h2.config.H2Configuration(client_side=False, validate_outbound_headers=False)
            )
            connection.initiate_connection()
            writer.write(connection.data_to_send())
            while data := await reader.read(65536):
                for event in connection.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        extra = answer(connection, event.stream_id)
                        writer.write(connection.data_to_send() + (extra or b""))
                    else:
                        writer.write(connection.data_to_send())

        return handler

    return make


class DnsServer:
    """Answers over UDP and TCP on one loopback port with what `answer(query, transport)` returns: bytes each."""

    def __init__(self, answer):
        self.queries = []
        self.sources = set()
        self._answer = answer

    def reply(self, wire, transport, source):
        """What to send back, once the query is noted."""
        query = dns.message.from_wire(wire)
        self.queries.append((query, transport))
        self.sources.add(source)
        return self._answer(query, transport)

    @contextlib.asynccontextmanager
    async def listening(self):
        """The server's address, as `DnsQuestion.server` takes it."""
        loop = asyncio.get_running_loop()
        tcp = await asyncio.start_server(self._tcp, "127.0.0.1", 0)
        port = tcp.sockets[0].getsockname()[1]
        transport, _ = await loop.create_datagram_endpoint(lambda: _DnsOverUdp(self), ("127.0.0.1", port))
        try:
            yield f"127.0.0.1:{port}"
        finally:
            transport.close()
            tcp.close()
            await tcp.wait_closed()
            await asyncio.sleep(0)

    async def _tcp(self, reader, writer):
        with contextlib.suppress(OSError, EOFError):
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            for wire in self.reply(await reader.readexactly(length), "tcp", writer.get_extra_info("peername")):
                writer.write(struct.pack("!H", len(wire)) + wire)
            await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


class _DnsOverUdp(asyncio.DatagramProtocol):
    def __init__(self, server):
        self._server = server

    def connection_made(self, transport):
        self._transport = transport

    def datagram_received(self, data, source):
        for wire in self._server.reply(data, "udp", source):
            self._transport.sendto(wire, source)


@pytest.fixture
def dns_server():
    """`dns_server(answer)` makes a server; `async with it.listening() as address`."""
    return DnsServer


@pytest.fixture
def dns_ask():
    """Ask a server that answers with `answer(query, transport)` and return (observation, server)."""

    def run(answer, *, name="checkin.example", **fields):
        async def main():
            server = DnsServer(answer)
            fields.setdefault("timeout_s", 5.0)
            async with server.listening() as address:
                question = DnsQuestion(server=address, name=name, **fields)
                return await ask(question, vantage="here", target="it"), server

        return asyncio.run(main())

    return run


@pytest.fixture
def reply_with():
    """An `answer` for DNS servers: records as zone lines, `rcode` and `flags` on top of QR."""

    def make(*lines, rcode="NOERROR", flags="", options=()):
        def answer(query, transport):
            reply = dns.message.make_response(query, recursion_available=True)
            reply.flags |= dns.flags.from_text(flags)
            reply.set_rcode(dns.rcode.from_text(rcode))
            if options:
                reply.use_edns(0, options=list(options))
            for line in lines:
                owner, ttl, rrtype, *rdata = line.split(maxsplit=3)
                # One RRset a record: dnspython shuffles the records of a set when it writes them.
                reply.answer.append(dns.rrset.from_text(owner, int(ttl), "IN", rrtype, *rdata))
            return [reply.to_wire(max_size=65535)]

        return answer

    return make
