"""httpx's way to the measuring network: one httpcore connection for each request, closed with its response.

httpx.AsyncHTTPTransport offers no place for a network backend and brings a pool, which a probe has no use
for. Errors are left as httpcore raised them, because `probes.failure` reads both libraries'.
"""

from __future__ import annotations

import importlib.util
import ssl
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpcore
import httpx

from probes.http.timeline import Timeline

# httpcore tries `import sniffio` for each of its locks, and a failing import searches the whole path: 0.25 ms,
# several times a probe. None in sys.modules is Python's own way to say that a module is not there.
if importlib.util.find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]


class MeasuringTransport(httpx.AsyncBaseTransport):
    """Sends each request over a fresh connection of `backend` and tells `timeline` when it is out and answered."""

    def __init__(
        self,
        timeline: Timeline,
        backend: httpcore.AsyncNetworkBackend,
        context: ssl.SSLContext | None,
        *,
        http2: bool,
    ) -> None:
        self._timeline = timeline
        self._backend = backend
        self._context = context
        self._http2 = http2

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the response's body is read, and the response closed, by the caller."""
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        if url.scheme not in (b"http", b"https"):
            raise httpx.UnsupportedProtocol(f"redirect to another protocol: {request.url.scheme!r}")
        connection = httpcore.AsyncHTTPConnection(
            origin=url.origin, ssl_context=self._context, http2=self._http2, network_backend=self._backend
        )
        extensions = {**request.extensions, "trace": self._trace}
        try:
            response = await connection.handle_async_request(
                httpcore.Request(
                    request.method,
                    url,
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=extensions,
                )
            )
        except BaseException:
            await connection.aclose()
            raise
        stream = _Stream(connection, response)
        return httpx.Response(
            response.status, headers=response.headers, stream=stream, extensions=response.extensions
        )

    async def _trace(self, event: str, info: dict[str, Any]) -> None:
        version, _, step = event.partition(".")
        if step == "receive_response_headers.started":
            self._timeline.sent()
        elif step == "receive_response_headers.complete":
            self._timeline.headers_complete(first_byte_was_theirs=version == "http11")


class _Stream(httpx.AsyncByteStream):
    """A response's body on its way; closing it closes the connection."""

    def __init__(self, connection: httpcore.AsyncHTTPConnection, response: httpcore.Response) -> None:
        self._connection = connection
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.aiter_stream():
            yield chunk

    async def aclose(self) -> None:
        try:
            await self._response.aclose()
        finally:
            await self._connection.aclose()
