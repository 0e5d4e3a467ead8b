"""One websocket connection to RIS Live: subscribes, receives, pings, until something ends it.

Knows nothing of what a line says beyond its outer type, of reconnecting, or of who takes the facts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from monitor.bgp.ris_live import MAX_LINE_BYTES, PING_MESSAGE, printable, subscribe_message, unsubscribe_message
from monitor.model import Prefix
from monitor.model.settings import BgpSource
from probes import clock


@dataclass(frozen=True, slots=True)
class FeedTimes:
    """Seconds. `ping_s`: between pings; `stale_s`: silence, pongs included, after which the feed is dead.

    `acknowledge_s`: for the server to confirm a subscription; `open_s`: for the connection to open;
    `backoff_s` to `max_backoff_s`: pause before connecting again, doubled each time, half of it random.
    """

    ping_s: float = 15.0
    stale_s: float = 45.0
    acknowledge_s: float = 20.0
    open_s: float = 15.0
    backoff_s: float = 1.0
    max_backoff_s: float = 60.0


class _LostError(Exception):
    """The connection is of no use any more; says why."""


class Session:
    """One connection. `was_live`: every subscription of the start was acknowledged.

    `wanted` gives the prefixes to follow, and is asked again whenever `watch_changed` is set; `take_line`
    gets each line and answers with its outer type; `on_live` is called once.
    """

    def __init__(
        self,
        source: BgpSource,
        times: FeedTimes,
        *,
        wanted: Callable[[], frozenset[Prefix]],
        watch_changed: asyncio.Event,
        take_line: Callable[[bytes], str],
        on_live: Callable[[], None],
    ) -> None:
        self.was_live = False
        self._source = source
        self._times = times
        self._wanted = wanted
        self._watch_changed = watch_changed
        self._take_line = take_line
        self._on_live = on_live
        self._subscribed: frozenset[Prefix] = frozenset()
        self._unacknowledged = 0
        self._asked_at = 0.0
        self._heard_at = 0.0

    async def run(self) -> str:
        """Stay connected as long as it goes; why it ended, in a few words."""
        reason = "closed"
        try:
            async with connect(
                self._source.url, open_timeout=self._times.open_s, max_size=MAX_LINE_BYTES, close_timeout=2
            ) as socket:
                self._heard_at = clock.monotonic()
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._subscribe(socket))
                    tasks.create_task(self._receive(socket))
                    tasks.create_task(self._watch_over(socket))
        except* (OSError, WebSocketException, _LostError) as group:
            error = _first(group)
            # Quotes the reason that the server gave for closing.
            reason = printable(str(error)) or type(error).__name__
        return reason

    async def _subscribe(self, socket: ClientConnection) -> None:
        """Bring the server's subscriptions in line with what is wanted, now and after each change."""
        while True:
            self._watch_changed.clear()
            wanted = self._wanted()
            for prefix in sorted(self._subscribed - wanted, key=str):
                await socket.send(unsubscribe_message(prefix, self._source.host))
            new = sorted(wanted - self._subscribed, key=str)
            self._subscribed = wanted
            self._unacknowledged += len(new)
            self._asked_at = clock.monotonic()
            for prefix in new:
                await socket.send(subscribe_message(prefix, self._source.host))
            await self._watch_changed.wait()

    async def _receive(self, socket: ClientConnection) -> None:
        while True:
            line = await socket.recv(decode=False)
            self._heard_at = clock.monotonic()
            if self._take_line(line) == "ris_subscribe_ok":
                self._acknowledged()

    def _acknowledged(self) -> None:
        self._unacknowledged = max(self._unacknowledged - 1, 0)
        if not self._unacknowledged and not self.was_live:
            self.was_live = True
            self._on_live()

    async def _watch_over(self, socket: ClientConnection) -> None:
        """Ping, and end a connection that is silent or does not acknowledge."""
        while True:
            await asyncio.sleep(self._times.ping_s)
            now = clock.monotonic()
            if now - self._heard_at > self._times.stale_s:
                raise _LostError(f"silent for {now - self._heard_at:.0f} s")
            if self._unacknowledged and now - self._asked_at > self._times.acknowledge_s:
                raise _LostError(f"{self._unacknowledged} subscriptions not acknowledged")
            await socket.send(PING_MESSAGE)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first exception that is no group, however deep."""
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
