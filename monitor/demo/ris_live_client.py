"""One client of the RIS Live server: its connection, by websocket or as an HTTP stream, and what it asked for.

It speaks the protocol of the wire and knows nothing of messages: lines go out, requests come in. Lines are
written without waiting; who lets too many bytes pile up is told so and cut off, as RIS Live does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal, Protocol, cast
from urllib.parse import urlsplit

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from monitor.demo.ris_live_filter import Subscription

MAX_REQUEST_BYTES = 256 * 1024
LINGER_S = 5.0
"""How long a client that is cut off may take to read its last messages."""

WEBSOCKET_PATH, STREAM_PATH = "/v1/ws/", "/v1/stream/"
_STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"

Wire = Literal["frame", "chunk"]


def on_wire(line: bytes, wire: Wire) -> bytes:
    """A line as bytes of a connection: a websocket's text frame, or a chunk of HTTP (RFC 9112 section 7.1)."""
    if wire == "frame":
        return Frame(Opcode.TEXT, line).serialize(mask=False)
    return b"%x\r\n%s\n\r\n" % (len(line) + 1, line)


class Host(Protocol):
    """What a connection needs of its server."""

    most_waiting_bytes: int

    def came(self, client: Client) -> None:
        """A client is there and may ask."""
        ...

    def asked(self, client: Client, request: str) -> None:
        """A websocket's client sent a message."""
        ...

    def streams(self, client: Client, filters: str | None) -> str | None:
        """A client wants the HTTP stream; a complaint if it cannot have it."""
        ...

    def left(self, client: Client) -> None:
        """A connection is gone, also one that never came to be a client's."""
        ...

    def refuses(self, path: str) -> bool:
        """Whether this way in is closed."""
        ...


class Client(asyncio.Protocol):
    """A connection. `wire` is how lines are written to it; `subscriptions` by their text."""

    def __init__(self, host: Host, complain: Callable[[str], str]) -> None:
        self.wire: Wire = "frame"
        self.subscriptions: dict[str, Subscription] = {}
        self.include_raw = False
        self._host = host
        self._complain = complain
        self._websocket = ServerProtocol(max_size=MAX_REQUEST_BYTES)
        self._is_ending = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody connected."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        self._transport = None
        self._host.left(self)

    def data_received(self, data: bytes) -> None:
        """Bytes from the client: a request to upgrade or to stream, then a websocket's frames."""
        if self.wire == "chunk":
            return
        self._websocket.receive_data(data)
        for event in self._websocket.events_received():
            if isinstance(event, Request):
                self._open(event)
            elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._host.asked(self, bytes(event.data).decode("utf-8", "replace"))
        self._flush()

    @property
    def waiting_bytes(self) -> int:
        """Bytes that the client has not taken yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def say(self, line: str) -> None:
        """Write a line."""
        self.write(on_wire(line.encode(), self.wire))

    def write(self, data: bytes) -> None:
        """Write lines that are in the form of `wire` already."""
        if self._transport is None or self._is_ending:
            return
        if self.waiting_bytes > self._host.most_waiting_bytes:
            self.end(1008, "client is too slow", self._complain("client is too slow"))
            return
        self._transport.write(data)

    def end(self, code: int, reason: str, last_line: str | None = None) -> None:
        """Close the connection, after a last line if there is one; a client that does not read it is cut off."""
        transport = self._transport
        if transport is None or self._is_ending:
            return
        self._is_ending = True
        if last_line is not None:
            transport.write(on_wire(last_line.encode(), self.wire))
        if self.wire == "chunk":
            transport.write(b"0\r\n\r\n")
            transport.close()
        elif self._websocket.state is State.OPEN:
            self._websocket.send_close(code, reason)
            self._flush()
        else:
            transport.abort()
        asyncio.get_running_loop().call_later(LINGER_S, transport.abort)

    def _open(self, request: Request) -> None:
        path = urlsplit(request.path).path
        if self._host.refuses(path):
            self._websocket.send_response(self._websocket.reject(503, "not here\n"))
        elif path == STREAM_PATH:
            complaint = self._host.streams(self, request.headers.get("X-RIS-Subscribe"))
            if complaint is not None:
                self._websocket.send_response(self._websocket.reject(400, complaint + "\n"))
                return
            self.wire = "chunk"
            self.write(_STREAM_HEAD)
            self._host.came(self)
        else:
            self._websocket.send_response(self._websocket.accept(request))
            if self._websocket.state is State.OPEN:
                self._host.came(self)

    def _flush(self) -> None:
        if self._transport is None or self.wire == "chunk":
            return
        for data in self._websocket.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()
