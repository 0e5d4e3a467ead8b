"""HTTP/1.1 over one stream (RFC 9112): one request, one response, and no second one.

h11 knows the grammar and its limits; this module carries its bytes and tells the timeline when the request is
out and when the header section is read.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import suppress

import h11
import httpcore

from probes.http.message import Incoming, Outgoing, read_fields
from probes.http.timeline import Timeline

_MAX_HEAD = 100 * 1024  # bytes of a header section; Chrome takes 256 KiB, curl 300, Go 1 MiB
_READ = 65536


async def exchange(stream: httpcore.AsyncNetworkStream, request: Outgoing, timeline: Timeline) -> Incoming:
    """Send `request` and read the header section of its response.

    :raises h11.ProtocolError: the server does not speak HTTP/1 (RemoteProtocolError), or our request is none
    """
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD)
    # A server may refuse a large request with a status and stop reading: then there is an answer to read.
    with suppress(httpcore.WriteError):
        await stream.write(_wire(connection, request))
    timeline.sent()
    head = await _next_event(connection, stream)
    while isinstance(head, h11.InformationalResponse):
        head = await _next_event(connection, stream)
    if not isinstance(head, h11.Response):
        raise h11.RemoteProtocolError(f"{type(head).__name__} instead of a response")
    timeline.headers_complete(first_byte_was_theirs=True)
    return Incoming(
        status=head.status_code,
        version=f"HTTP/{head.http_version.decode('ascii')}",
        fields=read_fields(list(head.headers)),
        content=_content(connection, stream),
    )


def _wire(connection: h11.Connection, request: Outgoing) -> bytes:
    """The whole request in one piece, so that it leaves in as few packets as it can."""
    head = h11.Request(method=request.method, target=request.url.target, headers=list(request.fields))
    wire = connection.send(head) or b""
    if request.content:
        wire += connection.send(h11.Data(data=request.content)) or b""
    return wire + (connection.send(h11.EndOfMessage()) or b"")


async def _content(connection: h11.Connection, stream: httpcore.AsyncNetworkStream) -> AsyncGenerator[bytes, None]:
    while isinstance(event := await _next_event(connection, stream), h11.Data):
        yield bytes(event.data)


async def _next_event(connection: h11.Connection, stream: httpcore.AsyncNetworkStream) -> object:
    while (event := connection.next_event()) is h11.NEED_DATA:
        data = await stream.read(_READ)
        if not data and connection.their_state is h11.SEND_RESPONSE:
            raise h11.RemoteProtocolError("the server closed the connection without a response")
        connection.receive_data(data)
    return event
