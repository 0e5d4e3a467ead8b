"""A small real HTTPS server: HTTP/1.1 over TLS with keep-alive, for the demo's service, impostor and control.

It reads a request's head, asks an `Answerer`, writes the answer. It knows nothing of what is answered and why.
Only GET is understood; a request body is not read, the connection is closed after it (RFC 9112 section 9.3).
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from http import HTTPStatus

_MAX_HEAD_BYTES = 16 * 1024
_IDLE_S = 30.0
# The kernel's queue of connections not yet accepted: long enough that a crowd's SYNs are never dropped, so that
# an overload of the workers shows as think time and 503, and not as lost SYNs.
_BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer: status, body, and headers beyond the ones every answer has."""

    status: HTTPStatus
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    def encode(self, *, keep_alive: bool) -> bytes:
        """The answer as bytes of HTTP/1.1."""
        lines = [
            f"HTTP/1.1 {self.status.value} {self.status.phrase}",
            f"content-length: {len(self.body)}",
            f"connection: {'keep-alive' if keep_alive else 'close'}",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        return "\r\n".join([*lines, "", ""]).encode("ascii") + self.body


Answerer = Callable[[str], Awaitable[Answer]]
"""Takes the request's path, gives the answer."""

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]


def tls_context(certificate: str, key: str) -> ssl.SSLContext:
    """What a server shows; `certificate` and `key` are PEM files.

    :raises ssl.SSLError: certificate and key cannot be used
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["http/1.1"])
    return context


def handler(answer: Answerer) -> Handler:
    """What to do with a connection: answer its requests one by one, then close it."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _converse(answer, reader, writer)
        except (OSError, ssl.SSLError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client left, or spoke something else: nothing to answer
        finally:
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
                await writer.wait_closed()

    return connected


async def serve(answer: Answerer, *, address: str, port: int, certificate: str, key: str) -> asyncio.Server:
    """Listen on `address`:`port` (0: any free one); `certificate` and `key` are PEM files.

    :raises OSError: the address cannot be bound
    :raises ssl.SSLError: certificate and key cannot be used
    """
    return await asyncio.start_server(
        handler(answer), address, port, ssl=tls_context(certificate, key), backlog=_BACKLOG,
        limit=_MAX_HEAD_BYTES, ssl_shutdown_timeout=1.0,
    )  # fmt: skip


async def _converse(answer: Answerer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        async with asyncio.timeout(_IDLE_S):
            head = await reader.readuntil(b"\r\n\r\n")
        path, keep_alive = _request(head)
        if path is None:
            reply, keep_alive = Answer(HTTPStatus.BAD_REQUEST, b"only GET is understood\n"), False
        else:
            reply = await answer(path)
        writer.write(reply.encode(keep_alive=keep_alive))
        async with asyncio.timeout(_IDLE_S):
            await writer.drain()
        if not keep_alive:
            return


def _request(head: bytes) -> tuple[str | None, bool]:
    """The path of a GET, None for anything else; and whether the connection stays open."""
    line, *fields = head.decode("latin-1").split("\r\n")
    words = line.split(" ")
    if len(words) != 3 or words[0] != "GET" or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
        return None, False
    close = words[2] == "HTTP/1.0"
    for field in fields:
        name, _, value = field.partition(":")
        match name.strip().lower():
            case "connection":
                close = close or "close" in value.lower()
            case "content-length" | "transfer-encoding":
                close = True
    return words[1], not close
