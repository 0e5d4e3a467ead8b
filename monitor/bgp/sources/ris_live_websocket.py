"""RIS Live's websocket: subscribes to the wanted prefixes, and follows their changes; pings; receives."""

from __future__ import annotations

import asyncio

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import WebSocketException

from monitor.bgp.ris_live import MAX_LINE_BYTES
from monitor.bgp.ris_live_requests import PING_MESSAGE, subscribe_message, unsubscribe_message, with_client
from monitor.bgp.sources.ris_live_session import Client, LostError, Session
from monitor.bgp.sources.websocket_lines import open_lines
from monitor.model import Prefix
from probes import clock

_CLOSE_S = 2.0


class WebsocketSession(Session):
    """Live from when every subscription of the start was acknowledged."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._subscribed: frozenset[Prefix] = frozenset()
        self._unacknowledged = 0
        self._asked_at = 0.0

    async def _stay(self, tasks: asyncio.TaskGroup) -> None:
        connection = open_lines(
            with_client(self._client.source.url),
            self._take,
            most_bytes=MAX_LINE_BYTES,
            open_s=self._times.open_s,
            close_s=_CLOSE_S,
        )
        async with connection as socket:
            tasks.create_task(self._subscribe(socket))
            tasks.create_task(self._watch_over(socket))
            await socket.wait_closed()
            raise LostError(str(socket.protocol.close_exc))

    def _take(self, line: bytes) -> None:
        if self._hear(line) == "ris_subscribe_ok":
            self._unacknowledged = max(self._unacknowledged - 1, 0)
            if not self._unacknowledged:
                self._become_live()

    async def _subscribe(self, socket: ClientConnection) -> None:
        """Bring the server's subscriptions in line with what is wanted, now and after each change."""
        changed, host = self._client.watch_changed, self._client.source.host
        while True:
            changed.clear()
            wanted = self._client.wanted()
            # First what is new: a prefix that another one replaces must not be unheard in between.
            new = sorted(wanted - self._subscribed, key=str)
            gone = sorted(self._subscribed - wanted, key=str)
            self._subscribed = wanted
            self._unacknowledged += len(new)
            self._asked_at = clock.monotonic()
            for prefix in new:
                await socket.send(subscribe_message(prefix, host))
            for prefix in gone:
                await socket.send(unsubscribe_message(prefix, host))
            await changed.wait()

    async def _watch_over(self, socket: ClientConnection) -> None:
        """Ping, and end a connection that is silent or does not acknowledge."""
        while True:
            await asyncio.sleep(self._times.ping_s)
            if self._silent_s > self._times.stale_s:
                raise LostError(f"silent for {self._silent_s:.0f} s", self._silent_s)
            if self._unacknowledged and clock.monotonic() - self._asked_at > self._times.acknowledge_s:
                raise LostError(f"{self._unacknowledged} subscriptions not acknowledged")
            try:
                async with asyncio.timeout(self._times.stale_s):
                    await socket.send(PING_MESSAGE)
            except TimeoutError:
                raise LostError("takes no requests", self._silent_s) from None


async def can_open(url: str, within_s: float) -> str | None:
    """Open the websocket and close it again; None when that went well, else why not."""
    connection = open_lines(
        with_client(url), lambda line: None, most_bytes=MAX_LINE_BYTES, open_s=within_s, close_s=_CLOSE_S
    )
    try:
        async with connection:
            return None
    except (OSError, TimeoutError, WebSocketException) as error:
        return str(error) or type(error).__name__
