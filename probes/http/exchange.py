"""One exchange over a connection of its own: connect, shake hands, send, read the head; HTTP/1.1 or HTTP/2."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from probes.http import http1, http2
from probes.http.backend import MeasuringBackend
from probes.http.message import Incoming, Outgoing
from probes.http.timeline import Timeline


@asynccontextmanager
async def exchanged(
    request: Outgoing, backend: MeasuringBackend, context: ssl.SSLContext | None, timeline: Timeline
) -> AsyncIterator[Incoming]:
    """The response to `request`, with its content unread; the connection ends with the block.

    The server chooses HTTP/2 if `context` offers it (ALPN). `context` may be None for http:// only.

    :raises Exception: anything that the libraries raise; `probes.failure.classify` has the words
    """
    origin = request.url.origin
    stream = await backend.connect_tcp(origin.host, origin.port)
    try:
        version = http1
        if origin.scheme == "https":
            if context is None:
                raise ValueError(f"no TLS context for {request.url.without_query}")
            stream = await stream.start_tls(context, origin.host)
            chosen = stream.get_extra_info("ssl_object").selected_alpn_protocol()
            version = http2 if chosen == "h2" else http1
        response = await version.exchange(stream, request, timeline)
        async with aclosing(response.content):
            yield response
    finally:
        await stream.aclose()
