"""HTTP/2 over one stream (RFC 9113): one request, one response, by httpcore's connection.

Its errors are left as they are raised, because `probes.failure` reads them.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

import httpcore

from probes.http.message import Incoming, Outgoing, read_fields
from probes.http.timeline import Timeline

# httpcore tries `import sniffio` for each of its locks, and a failing import searches the whole path: 0.25 ms,
# several times a probe. None in sys.modules is Python's own way to say that a module is not there.
if importlib.util.find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]


async def exchange(stream: httpcore.AsyncNetworkStream, request: Outgoing, timeline: Timeline) -> Incoming:
    """Send `request` and read the header section of its response.

    :raises httpcore.RemoteProtocolError: the server breaks the protocol or refuses the stream
    """

    async def note(event: str, info: dict[str, Any]) -> None:
        if event == "http2.receive_response_headers.started":
            timeline.sent()
        elif event == "http2.receive_response_headers.complete":
            timeline.headers_complete(first_byte_was_theirs=False)

    origin = request.url.origin
    connection = httpcore.AsyncHTTP2Connection(
        httpcore.Origin(origin.scheme.encode(), origin.host.encode(), origin.port), stream
    )
    url = httpcore.URL(
        scheme=origin.scheme.encode(), host=origin.host.encode(), port=origin.port, target=request.url.target
    )
    response = await connection.handle_async_request(
        httpcore.Request(
            request.method,
            url,
            headers=list(request.fields),
            content=request.content,
            extensions={"trace": note},
        )
    )
    return Incoming(
        status=response.status, version="HTTP/2", fields=read_fields(response.headers), content=_content(response)
    )


async def _content(response: httpcore.Response) -> AsyncGenerator[bytes, None]:
    # An async generator, though httpcore declares the wider type.
    chunks = cast("AsyncGenerator[bytes, None]", response.aiter_stream())
    async with aclosing(chunks):
        async for chunk in chunks:
            yield chunk
