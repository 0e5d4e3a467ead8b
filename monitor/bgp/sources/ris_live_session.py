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
    `backoff_s` to `max_backoff_s`: pause before connecting again, doubled each time, half of it random, until
    a connection was live for `steady_s`.
    """

    ping_s: float = 15.0
    stale_s: float = 45.0
    acknowledge_s: float = 20.0
    open_s: float = 15.0
    backoff_s: float = 1.0
    max_backoff_s: float = 60.0
    steady_s: float = 60.0


MOST_BAD_IN_A_ROW = 100
"""Lines that are no messages, one after another: then this is no RIS Live any more, though it talks."""


class _LostError(Exception):
    """The connection is of no use any more; says why."""


class Session:
    """One connection, live from when every subscription of the start was acknowledged.

    `wanted` gives the prefixes to follow, and is asked again whenever `watch_changed` is set; `take_line`
    gets each line and answers with its outer type, empty for a bad one; `on_live` is called once.
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
        self._source = source
        self._times = times
        self._wanted = wanted
        self._watch_changed = watch_changed
        self._take_line = take_line
        self._on_live = on_live
        self._live_at: float | None = None
        self._subscribed: frozenset[Prefix] = frozenset()
        self._unacknowledged = 0
        self._asked_at = 0.0
        self._heard_at = 0.0

    @property
    def is_steady(self) -> bool:
        """Whether it has been live for so long that what ended it was no part of a series."""
        return self._live_at is not None and clock.monotonic() - self._live_at >= self._times.steady_s

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
        bad = 0
        while True:
            line = await socket.recv(decode=False)
            self._heard_at = clock.monotonic()
            kind = self._take_line(line)
            bad = 0 if kind else bad + 1
            if bad == MOST_BAD_IN_A_ROW:
                raise _LostError(f"{bad} lines in a row that are no messages")
            if kind == "ris_subscribe_ok":
                self._acknowledged()

    def _acknowledged(self) -> None:
        self._unacknowledged = max(self._unacknowledged - 1, 0)
        if not self._unacknowledged and self._live_at is None:
            self._live_at = clock.monotonic()
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
            try:
                async with asyncio.timeout(self._times.stale_s):
                    await socket.send(PING_MESSAGE)
            except TimeoutError:
                raise _LostError("takes no requests") from None


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first exception that is no group, however deep."""
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
