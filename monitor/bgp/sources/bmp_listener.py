"""BMP as a source: waits for one's own routers to connect and say what their peers announce.

Honest as the other feeds: a `FeedState` for the listener as a whole ("no router is connected") and one for
each router, `FEED/ROUTER`, which is blind from when its session ends. A router that cannot be read any more is
hung up on; it connects again by itself (within half a minute or so), and then sends its whole table.

A slow sink makes routers wait, and nothing is thrown away. What a message means is `bmp_router`'s business.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from monitor.bgp.bmp import HEADER_BYTES, BmpError, Initiation, Termination, message_size
from monitor.bgp.bmp_router import BmpRouter
from monitor.bgp.prefix_filter import PrefixFilter
from monitor.bgp.sources.sink import Sink
from monitor.model import FeedState, RouteFact
from monitor.model.settings import BgpSource
from probes import clock

MOST_ROUTERS = 256
"""Sessions at once; each may hold a message of a megabyte."""

FIRST_MESSAGE_S = 30.0
"""For a router to say its first word."""

MESSAGE_S = 60.0
"""For the rest of a message that was begun."""

_READ_BYTES = 256 * 1024
# Routers have nothing to say for hours, and BMP has no keepalive of its own: the kernel asks.
_KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)


class _HungUpError(Exception):
    """The session is over; says why."""


@dataclass(slots=True)
class _Session:
    """One router's connection. `reason`: why we end it, if we do."""

    address: str
    router: BmpRouter
    writer: asyncio.StreamWriter
    reason: str = ""
    is_live: bool = False


class BmpSource:
    """Listens for routers and gives their facts to a sink until it is cancelled.

    `wanted` is asked before each piece of a session which prefixes matter. A router is called by the name that
    it gives, or by its address; a second session of that name takes the place of the first.
    """

    def __init__(self, source: BgpSource, wanted: Callable[[], PrefixFilter | None] = lambda: None) -> None:
        self.addresses: tuple[tuple[str, int], ...] = ()
        """Where it listens, once it does."""
        self.listening = asyncio.Event()
        self._source = source
        self._wanted = wanted
        self._sessions: dict[str, _Session] = {}
        self._connected = 0
        self._log = structlog.get_logger("bmp")

    async def run(self, sink: Sink) -> None:
        """Serve routers; what `sink` raises ends it, and an address that cannot be listened on (in a group)."""
        host, _, port = self._source.listen.rpartition(":")
        async with asyncio.TaskGroup() as tasks:

            def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                tasks.create_task(self._serve(reader, writer, sink))

            server = await asyncio.start_server(accept, host.strip("[]"), int(port))
            self.addresses = tuple(bound.getsockname()[:2] for bound in server.sockets)
            self.listening.set()
            async with server:
                await server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sink: Sink) -> None:
        address = str(writer.get_extra_info("peername")[0])
        try:
            if refusal := self._refusal(address):
                self._log.warning("bmp_refused", feed=self._source.name, address=address, reason=refusal)
                return
            for option in _KEEPALIVE:
                writer.get_extra_info("socket").setsockopt(*option)
            self._connected += 1
            try:
                await self._follow(_Session(address, BmpRouter(address), writer), reader, sink)
            finally:
                self._connected -= 1
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def _refusal(self, address: str) -> str:
        """Why a connection is not wanted; empty: it is."""
        if self._connected >= MOST_ROUTERS:
            return f"{MOST_ROUTERS} routers are connected"
        plain = ipaddress.ip_address(address.partition("%")[0])
        mapped = plain.ipv4_mapped if isinstance(plain, ipaddress.IPv6Address) else None
        if not any((mapped or plain) in network for network in self._source.senders):
            return "not among those that may send"
        return ""

    async def _follow(self, session: _Session, reader: asyncio.StreamReader, sink: Sink) -> None:
        reason = "closed by the router"
        try:
            await self._read(session, reader, sink)
        except TimeoutError:
            reason = "stopped in the middle of a message" if session.is_live else "connected and said nothing"
        except (OSError, BmpError, _HungUpError) as error:
            reason = str(error) or type(error).__name__
        finally:
            facts = self._ended(session, session.reason or reason)
        await sink(facts)

    async def _read(self, session: _Session, reader: asyncio.StreamReader, sink: Sink) -> None:
        """Take messages until the router has no more to say."""
        begun = b""
        while True:
            limit = MESSAGE_S if begun else None if session.is_live else FIRST_MESSAGE_S
            async with asyncio.timeout(limit):
                data = await reader.read(_READ_BYTES)
            if not data:
                if begun:
                    raise _HungUpError(f"closed in the middle of a message, after {len(begun)} bytes")
                return
            session.router.wanted = self._wanted()
            facts, begun = self._messages(session, begun + data)
            if facts:
                await sink(facts)

    def _messages(self, session: _Session, data: bytes) -> tuple[list[RouteFact], bytes]:
        """The facts of all whole messages, and what is begun behind them.

        :raises BmpError: what comes is no BMP
        """
        facts: list[RouteFact] = []
        at, start = clock.wall(), 0
        while len(data) - start >= HEADER_BYTES:
            end = start + message_size(data[start : start + HEADER_BYTES])
            if end > len(data):
                break
            message, found = session.router.take(data[start:end], at)
            if isinstance(message, Initiation) and not session.is_live and _is_name(message.name):
                session.router.collector = message.name
            if not session.is_live:
                facts += self._begun(session, at)
            facts += found
            start = end
            if isinstance(message, Termination):
                session.reason = f"terminated by the router, reason {message.reason}"
        return facts, data[start:]

    def _begun(self, session: _Session, at: float) -> list[RouteFact]:
        """The router has said something: it is there."""
        session.is_live = True
        name = session.router.collector
        old = self._sessions.get(name)
        if old is not None:
            old.reason = "another session took its place"
            old.writer.close()
        self._sessions[name] = session
        facts: list[RouteFact] = old.router.end(at) if old is not None else []
        facts.append(FeedState(at=at, source=self._source.name, live=True))
        facts.append(FeedState(at=at, source=f"{self._source.name}/{name}", live=True))
        return facts

    def _ended(self, session: _Session, reason: str) -> list[RouteFact]:
        """What to say when a session is over; nothing of one that another has replaced."""
        counts, name = session.router.counts, session.router.collector
        self._log.info(
            "bmp_session_ended", feed=self._source.name, router=name, address=session.address, reason=reason,
            received=counts.received, bad=counts.bad, passed_over=counts.passed_over, elements=counts.elements,
            first_bad=counts.bad_messages[0][0] if counts.bad_messages else None,
        )  # fmt: skip
        if self._sessions.get(name) is not session:
            return []
        del self._sessions[name]
        at = clock.wall()
        facts = session.router.end(at)
        facts.append(FeedState(at=at, source=f"{self._source.name}/{name}", live=False, reason=reason))
        if not self._sessions:
            facts.append(FeedState(at=at, source=self._source.name, live=False, reason="no router is connected"))
        return facts


def _is_name(text: str) -> bool:
    """Whether a router's word for itself can stand in facts, on terminals and in mails."""
    return 0 < len(text) <= 64 and text.isprintable() and text == text.strip()
