"""httpx's way to the measuring network: an httpcore pool that keeps no connection, and httpcore's own events.

httpx.AsyncHTTPTransport offers no place for a network backend, so this is the same bridge, smaller: errors
are left as httpcore raised them, because `probes.failure` reads both.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from typing import Any

import httpcore
import httpx

from probes.http.timeline import Timeline


class MeasuringTransport(httpx.AsyncBaseTransport):
    """Sends requests over fresh connections of `backend` and tells `timeline` when they are out and answered."""

    def __init__(
        self,
        timeline: Timeline,
        backend: httpcore.AsyncNetworkBackend,
        context: ssl.SSLContext | None,
        *,
        http2: bool,
    ) -> None:
        self._timeline = timeline
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_keepalive_connections=0,
            http2=http2,
            retries=0,
            network_backend=backend,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the response's body is read by the caller."""
        response = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions={**request.extensions, "trace": self._trace},
            )
        )
        return httpx.Response(
            response.status, headers=response.headers, stream=_Stream(response), extensions=response.extensions
        )

    async def aclose(self) -> None:
        """Close what is still open."""
        await self._pool.aclose()

    async def _trace(self, event: str, info: dict[str, Any]) -> None:
        version, _, step = event.partition(".")
        if step == "receive_response_headers.started":
            self._timeline.sent()
        elif step == "receive_response_headers.complete":
            self._timeline.headers_complete(first_byte_was_theirs=version == "http11")


class _Stream(httpx.AsyncByteStream):
    """A response's body on its way."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.aiter_stream():
            yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()
