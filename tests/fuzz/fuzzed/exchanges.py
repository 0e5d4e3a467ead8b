"""HTTP responses as the exchange reads them from a real socket: bytes in, a body or a failure word out."""

from __future__ import annotations

import asyncio
import socket
from contextlib import aclosing
from types import ModuleType

import h2.config
import h2.connection
from fuzzed.target import Target

from probes.failure import classify
from probes.failure_word import Failure, Layer
from probes.http import http1, http2
from probes.http.body import read_body
from probes.http.message import Outgoing
from probes.http.stream import TcpStream
from probes.http.timeline import Timeline
from probes.http.url import read_url

_LIMIT = 65536
_URL = read_url("http://checkin.example/health")
_REQUEST = Outgoing(method="GET", url=_URL, fields=((b"host", _URL.authority), (b"accept", b"*/*")))
_RUNNER = asyncio.Runner()
_OURS = (Failure.UNKNOWN, Failure.MONITOR_FAULT, Failure.PERMISSION_DENIED)


def _exchanged(version: ModuleType, data: bytes) -> None:
    """Let a server say `data` and hang up; whatever it is, it ends in a body or in a word of the server's."""
    timeline = Timeline()
    ours, theirs = socket.socketpair()
    with theirs:
        ours.setblocking(False)
        theirs.sendall(data[:_LIMIT])
        theirs.shutdown(socket.SHUT_WR)
        try:
            _RUNNER.run(_read(version, TcpStream(ours, timeline), timeline))
        except Exception as exc:
            failed = classify(exc, timeline.operation, Layer.EXCHANGE, ended=timeline.ended)
            if failed.word in _OURS:
                raise


async def _read(version: ModuleType, stream: TcpStream, timeline: Timeline) -> None:
    try:
        async with asyncio.timeout(5):
            response = await version.exchange(stream, _REQUEST, timeline)
            async with aclosing(response.content):
                body = await read_body(response, _LIMIT)
        assert body.size <= _LIMIT
        assert 100 <= response.status <= 999
        assert response.version.isprintable()
    finally:
        await stream.aclose()


def _answer2(*, gzip: bool) -> bytes:
    """What an HTTP/2 server sends to our first stream."""
    server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    client = h2.connection.H2Connection()
    client.initiate_connection()
    client.send_headers(1, [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", "a")], True)
    server.initiate_connection()
    server.receive_data(client.data_to_send())
    coding = [("content-encoding", "gzip")] if gzip else []
    server.send_headers(1, [(":status", "200"), ("content-type", "text/plain"), *coding])
    server.send_data(1, b"all of it", end_stream=True)
    return server.data_to_send()


_CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nT: x\r\n\r\n"
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"

TARGETS = (
    Target("http1", lambda data: _exchanged(http1, data), (), (
        _HEAD + b"Content-Length: 2\r\n\r\nok",
        b"HTTP/1.1 100 Continue\r\n\r\n" + _HEAD + _CHUNKED,
        _HEAD + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03\x4b\xcc\xc9\x51\0\0",
    )),
    Target("http2", lambda data: _exchanged(http2, data), (), (
        _answer2(gzip=False), _answer2(gzip=True), b"\0\0\0\4\0\0\0\0\0" + b"\0\0\x04\x03\0\0\0\0\1\0\0\0\2",
    )),
)  # fmt: skip
