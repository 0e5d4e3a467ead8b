"""HTTP/2 over one stream of bytes (RFC 9113): one request, one response, and no second one.

h2 knows the frames, the header compression and their limits; this module carries its bytes and tells the timeline
when the request is out and when the header section is read. A GOAWAY that leaves us without a response ends the
exchange; one that only announces the connection's end does not (`probes.http.goaway`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import httpcore

from probes.failure import Failed
from probes.failure_word import Failure
from probes.http.goaway import GoodbyeFilter
from probes.http.message import Field, Incoming, Outgoing, read_fields
from probes.http.timeline import Timeline

_MAX_HEAD = 64 * 1024  # bytes of a header section, uncompressed; Go takes 10 MiB, nginx sends some KiB
_READ = 65536
_WINDOW = 2**20
"""Bytes that come without our leave, so that a body's time is the wire's; browsers give 6 MiB and more."""

# RFC 9113 section 8.2.2: fields of a connection of HTTP/1.1; Host becomes :authority.
_NOT_SENT = frozenset({
    b"host", b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade",
})  # fmt: skip
_CONFIGURATION = h2.config.H2Configuration(client_side=True, header_encoding=None, validate_inbound_headers=False)
_SETTINGS = {
    h2.settings.SettingCodes.ENABLE_PUSH: 0,
    h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW,
    h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: _MAX_HEAD,
}


async def exchange(stream: httpcore.AsyncNetworkStream, request: Outgoing, timeline: Timeline) -> Incoming:
    """Send `request` and read the header section of its response.

    :raises h2.exceptions.ProtocolError: the server breaks the protocol, or goes before it has answered
    :raises Failed: connection_reset, connection_closed: it refuses the request (RST_STREAM) or hangs up (GOAWAY)
    """
    conversation = _Conversation(stream, timeline)
    await conversation.send(request)
    timeline.sent()
    head = await conversation.next_event()
    if not isinstance(head, h2.events.ResponseReceived):
        raise h2.exceptions.ProtocolError(f"{type(head).__name__} instead of a response")
    timeline.headers_complete(first_byte_was_theirs=False)
    raw = [(bytes(name), bytes(value)) for name, value in head.headers or ()]
    return Incoming(
        status=_status(raw),
        version="HTTP/2",
        fields=read_fields([field for field in raw if not field[0].startswith(b":")]),
        content=conversation.content(),
    )


class _Conversation:
    """A connection with one stream on it."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, timeline: Timeline) -> None:
        self._stream = stream
        self._timeline = timeline
        self._h2 = h2.connection.H2Connection(_CONFIGURATION)
        self._h2.local_settings = h2.settings.Settings(client=True, initial_values=_SETTINGS)
        self._events: deque[h2.events.Event] = deque()
        self._id = 1
        self._incoming = GoodbyeFilter(self._id)

    async def send(self, request: Outgoing) -> None:
        """Send the request, its head in one piece with the connection's own; its content as the server lets it."""
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(_WINDOW)
        self._h2.send_headers(self._id, _head(request), end_stream=not request.content)
        left = memoryview(request.content)
        while left and not self._events:  # a server may answer, or refuse, before it has read it all
            room = min(self._h2.local_flow_control_window(self._id), self._h2.max_outbound_frame_size, len(left))
            if room:
                self._h2.send_data(self._id, left[:room].tobytes(), end_stream=room == len(left))
                left = left[room:]
                await self._flush()
            else:
                await self._flush()
                await self._receive()
        await self._flush()

    async def next_event(self) -> h2.events.Event:
        """The next part of the response, or its end.

        :raises Failed: the server refused the request or hung up instead
        """
        while not self._events:
            await self._receive()
        event = self._events.popleft()
        if isinstance(event, h2.events.StreamReset):
            raise self._failed(Failure.CONNECTION_RESET, "the server reset the stream", event.error_code)
        if isinstance(event, h2.events.ConnectionTerminated):
            raise self._failed(Failure.CONNECTION_CLOSED, "the server ended the connection", event.error_code)
        return event

    async def content(self) -> AsyncGenerator[bytes, None]:
        """The content as it arrives; the server is given leave for as much again."""
        while isinstance(event := await self.next_event(), h2.events.DataReceived):
            if event.data:
                yield event.data
            # After the reader has come back: who stops reading here gives no more leave.
            self._h2.acknowledge_received_data(event.flow_controlled_length or 0, self._id)
            await self._flush()

    async def _receive(self) -> None:
        data = await self._stream.read(_READ)
        if not data:
            raise h2.exceptions.ProtocolError("the server closed the connection within its response")
        events = self._h2.receive_data(self._incoming.pass_on(data))
        self._events.extend(event for event in events if isinstance(event, _PARTS))
        await self._flush()

    async def _flush(self) -> None:
        if data := self._h2.data_to_send():
            await self._stream.write(data)

    def _failed(self, word: Failure, text: str, code: int | None) -> Failed:
        named = h2.errors.ErrorCodes(code).name if code in list(h2.errors.ErrorCodes) else code
        return Failed(word, f"{self._timeline.operation}: {text}, error {named}")


_PARTS = (
    h2.events.ResponseReceived,
    h2.events.DataReceived,
    h2.events.StreamEnded,
    h2.events.StreamReset,
    h2.events.ConnectionTerminated,
)
"""What is looked at; interim responses, trailers, settings, pings are h2's business or nobody's."""


def _head(request: Outgoing) -> list[Field]:
    authority = next((value for name, value in request.fields if name == b"host"), request.url.authority)
    return [
        (b":method", request.method.encode()),
        (b":authority", authority),
        (b":scheme", request.url.origin.scheme.encode()),
        (b":path", request.url.target),
        *(field for field in request.fields if field[0] not in _NOT_SENT),
    ]


def _status(fields: list[Field]) -> int:
    text = next((value for name, value in fields if name == b":status"), b"")
    if len(text) != 3 or not text.isdigit():
        raise h2.exceptions.ProtocolError(f":status is no number of three digits: {text[:20]!r}")
    return int(text)
