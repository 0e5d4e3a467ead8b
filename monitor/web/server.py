"""An HTTP server that strangers cannot tie up: uvicorn's protocol behind limits of our own.

Theory of operation. uvicorn parses HTTP (h11) and runs the application; it has no deadline for a request's head
and none for its body, and takes any number of connections. Here each connection must have brought a whole head
within `HEAD_S` of being opened or of its last answer, which ends slow senders of headers and silent ones alike
(slow-loris); reading a body is the application's to limit. TLS handshakes have their own deadline. At most
`MOST_CONNECTIONS` are open, `MOST_OF_ONE` from one address; when all are taken, the oldest that has never proved
who it is makes room, so a flood of strangers does not keep agents out.

It knows nothing of what is served.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

HEAD_S = 10.0
"""nginx gives 60 s (client_header_timeout), Apache 20 to 40 (mod_reqtimeout); an agent sends its head at once."""

HANDSHAKE_S = 10.0
IDLE_S = 75.0
"""How long a connection that has proved who it is may rest between two requests; as nginx's keepalive_timeout."""

MOST_HEAD_BYTES = 16_384

MOST_CONNECTIONS = 1_000
MOST_OF_ONE = 512
"""From one address: a hundred agents behind one translator need up to three each."""

GRACE_S = 5.0
"""How long an end waits for answers that are under way."""

Application = Any
"""An ASGI application; Starlette's types and uvicorn's name the same thing differently."""

_log = structlog.get_logger("web")


@dataclass(slots=True)
class Standing:
    """What is known of a connection's other end. The application sets `proved` when it has seen who it is."""

    proved: bool = False


class _Connection(H11Protocol):
    """One connection, with a deadline for each head."""

    def __init__(self, server: Server) -> None:
        self.standing = Standing()
        self._server = server
        self._deadline: asyncio.TimerHandle | None = None
        super().__init__(
            config=server.config,
            server_state=server.state,
            app_state={"standing": self.standing},
            _loop=server.loop,
        )

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        if self._server.admits(self):
            self._expect_head(HEAD_S)
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._clear()
        self._server.forget(self)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._clear()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # Pipelined requests may have begun already.
        if not self.transport.is_closing() and self.cycle.response_complete:
            self._expect_head(IDLE_S if self.standing.proved else HEAD_S)

    def _expect_head(self, within_s: float) -> None:
        self._clear()
        self._deadline = self._server.loop.call_later(within_s, self._too_slow)

    def _too_slow(self) -> None:
        _log.debug("connection_too_slow", address=self.address)
        self.transport.abort()

    def _clear(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class Server:
    """Serves an application over TLS from `start` to `stop`. Make it inside a running loop."""

    def __init__(self, application: Application, context: ssl.SSLContext | None) -> None:
        self.loop = asyncio.get_running_loop()
        self.state = ServerState()
        self.config = Config(
            application,
            http=_Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            # Our own deadline is the one that counts; uvicorn's would cut an agent's connection after 5 s.
            timeout_keep_alive=int(IDLE_S) + 1,
            h11_max_incomplete_event_size=MOST_HEAD_BYTES,
        )
        self.config.load()
        self._context = context
        self._open: dict[_Connection, None] = {}
        self._of_one: Counter[str] = Counter()
        self._listening: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; the port that was taken, for `port` 0.

        :raises OSError: the address cannot be had
        """
        tls: dict[str, Any] = {}
        if self._context is not None:
            tls = {"ssl": self._context, "ssl_handshake_timeout": HANDSHAKE_S, "ssl_shutdown_timeout": GRACE_S}
        self._listening = await self.loop.create_server(
            lambda: _Connection(self), host, port, backlog=512, reuse_address=True, **tls
        )
        return int(self._listening.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Listen no more, let answers that are under way be sent, and close all connections."""
        if self._listening is None:
            return
        self._listening.close()
        for connection in tuple(self._open):
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                while self.state.tasks:
                    await asyncio.wait(set(self.state.tasks))
        for connection in tuple(self._open):
            connection.transport.abort()
        self._listening = None

    def admits(self, connection: _Connection) -> bool:
        """Whether there is room for this connection; an older stranger's may be made."""
        if self._of_one[connection.address] >= MOST_OF_ONE or not (
            len(self._open) < MOST_CONNECTIONS or self._make_room()
        ):
            return False
        self._open[connection] = None
        self._of_one[connection.address] += 1
        return True

    def forget(self, connection: _Connection) -> None:
        """A connection has ended."""
        if connection in self._open:
            del self._open[connection]
            self._of_one[connection.address] -= 1
            if not self._of_one[connection.address]:
                del self._of_one[connection.address]

    def _make_room(self) -> bool:
        stranger = next((one for one in self._open if not one.standing.proved), None)
        if stranger is None:
            return False
        stranger.transport.abort()
        self.forget(stranger)
        return True


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or later with this certificate (PEM, its chain after it).

    :raises OSError: the files cannot be read, or do not belong together (ssl.SSLError)
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["http/1.1"])
    return context


def split_listen(listen: str) -> tuple[str, int]:
    """`HOST:PORT` or `[IPV6]:PORT` apart."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)
