"""One TCP connection, plain or under TLS, as httpcore wants it, with the moments noted as they pass.

The socket is read directly (no asyncio transport in between), so the moment noted for a byte is the moment
it was taken from the kernel, and TLS runs over memory buffers, so the connection object is at hand when a
handshake fails. httpcore's per-operation time-outs are not used: the probe's deadline cancels.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

import httpcore

from probes.http import tcp_info
from probes.http.identity import identify
from probes.http.timeline import Phase, Timeline
from probes.http.tls import server_chain

T = TypeVar("T")
_CHUNK = 16384  # bytes of one read: a full TLS record, and little enough to parse without holding up the loop


class TcpStream(httpcore.AsyncNetworkStream):
    """Bytes to and from a connected, non-blocking socket that it owns."""

    def __init__(self, sock: socket.socket, timeline: Timeline) -> None:
        self._sock = sock
        self._timeline = timeline
        self._has_waited = True

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Up to `max_bytes`; empty at the end."""
        return self._noted(await self._receive(min(max_bytes, _CHUNK)))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Hand all of `buffer` to the kernel.

        :raises httpcore.WriteError: it was refused; httpcore then still reads, as servers may answer early
        """
        try:
            await asyncio.get_running_loop().sock_sendall(self._sock, buffer)
        except OSError as exc:
            raise httpcore.WriteError(exc) from exc

    async def aclose(self) -> None:
        """Close at once, keeping the kernel's last figures where none were read before."""
        if self._timeline.kernel is None:
            self._timeline.kernel = tcp_info.read(self._sock)
        self._sock.close()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> TcpStream:
        """Shake hands; the socket is closed when that fails.

        :raises ssl.SSLError: the handshake failed; the timeline has the certificate, if there was one
        """
        try:
            stream = _TlsStream(self._sock, self._timeline, ssl_context, server_hostname)
            with self._timeline.during(Phase.TLS, f"tls handshake with {server_hostname}"):
                await stream.handshake()
        except BaseException:
            await self.aclose()
            raise
        self._timeline.sending("send the request")
        return stream

    async def _receive(self, max_bytes: int) -> bytes:
        """What the kernel has, or else what comes next.

        Between two reads that need not wait, the loop runs: a peer that always has more must not keep the
        deadline from firing. Before the second one, not after the first, whose moment is still to be noted.
        """
        if not self._has_waited:
            await asyncio.sleep(0)
        try:
            data = self._sock.recv(max_bytes)
            self._has_waited = False
        except (BlockingIOError, InterruptedError):
            data = await asyncio.get_running_loop().sock_recv(self._sock, max_bytes)
            self._has_waited = True
        return data

    def _noted(self, data: bytes) -> bytes:
        """Note the moment."""
        if not data:
            self._timeline.ended = True
        elif self._timeline.bytes_arrived():
            self._timeline.kernel = tcp_info.read(self._sock)
        return data

    def get_extra_info(self, info: str) -> Any:
        """The socket; other things are not offered."""
        return self._sock if info == "socket" else None


class _TlsStream(TcpStream):
    """TLS over the same socket."""

    def __init__(
        self, sock: socket.socket, timeline: Timeline, context: ssl.SSLContext, server_hostname: str | None
    ) -> None:
        super().__init__(sock, timeline)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)
        self._closed = False

    async def handshake(self) -> None:
        """Shake hands. The last flight stays in the buffer and leaves in one packet with what is written next."""
        try:
            await self._drive(self._tls.do_handshake, flush_last=False)
        finally:
            chain = server_chain(self._tls)
            self._timeline.identity = identify(chain) if chain else None
            self._timeline.tls_version = self._tls.version()
            self._timeline.alpn = self._tls.selected_alpn_protocol()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            data = await self._drive(partial(self._tls.read, min(max_bytes, _CHUNK)))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            data = b""  # an end without close_notify is common; the HTTP framing tells whether bytes are missing
        return self._noted(data)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        view = memoryview(buffer)
        while view:
            written = await self._drive(partial(self._tls.write, view))
            view = view[written:]

    async def aclose(self) -> None:
        """Close the connection; may be called twice."""
        if self._closed:
            return
        self._closed = True
        # One close_notify, if the kernel takes it at once; nobody waits for the server's.
        with contextlib.suppress(OSError, ValueError):
            self._tls.unwrap()
        with contextlib.suppress(OSError):
            self._sock.send(self._outgoing.read())
        await super().aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._tls if info == "ssl_object" else super().get_extra_info(info)

    async def _drive(self, step: Callable[[], T], *, flush_last: bool = True) -> T:
        """Repeat `step` with bytes from and to the socket until it needs no more of them."""
        while True:
            finished, result = self._try(step)
            if self._outgoing.pending and (flush_last or not finished):
                await super().write(self._outgoing.read())
            if finished:
                return cast("T", result)
            data = await self._receive(_CHUNK)
            if data:
                self._incoming.write(data)
            else:
                self._timeline.ended = True
                self._incoming.write_eof()

    def _try(self, step: Callable[[], T]) -> tuple[bool, T | None]:
        """Whether `step` finished, and with what. Apart from the waiting: a cancellation that came while
        "want read" is being handled would have it for its cause."""
        try:
            return True, step()
        except ssl.SSLWantReadError:
            return False, None
        except ssl.SSLError:
            self._send_alert()
            raise

    def _send_alert(self) -> None:
        """Tell the server why, if the kernel takes it at once."""
        with contextlib.suppress(OSError):
            self._sock.send(self._outgoing.read())
