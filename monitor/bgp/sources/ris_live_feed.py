"""RIS Live as a source: one connection, subscribed to the watched prefixes, kept alive and honest.

Honest means that every gap shows: a `FeedState` fact says since when the feed is blind (never connected,
lost, silent, our own backlog full) and when it was live again, which is when the server has confirmed what
was asked of it; and that every message is in a count, which `FeedTally` facts tell. What messages mean is
`ris_live`'s business, how they come that of the sessions: by websocket, or by HTTP where that is not to be had.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable

from monitor.bgp.prefix_filter import Wanted
from monitor.bgp.ris_live import Reader, RisLiveError, ServerError
from monitor.bgp.ris_live_requests import stream_url
from monitor.bgp.sources.feed_counts import FeedCounts
from monitor.bgp.sources.ris_live_session import Client, FeedTimes, Session
from monitor.bgp.sources.ris_live_stream import StreamSession
from monitor.bgp.sources.ris_live_websocket import WebsocketSession
from monitor.bgp.sources.sink import Sink
from monitor.model import FeedState, FeedTally, Prefix, RouteFact
from monitor.model.settings import BgpSource, RisLiveTransport
from probes import clock

LATE_S = 60.0
"""RIS Live is a few seconds behind its routers; a message this old speaks of a server or a network in trouble."""

WEBSOCKET_TRIES = 2
"""Attempts at a websocket in a row that never came to be live, after which the HTTP stream is tried."""

COMPLAINT_COUNTS_S = 30.0
"""How long before the end of a connection the server's complaint is taken for the reason of it."""


class RisLiveSource:
    """A client of RIS Live that gives facts to a sink until it is cancelled.

    `wants` says of which prefixes facts are made; None: of all that the server sends, which tells of a whole
    message if one of its prefixes is subscribed. `backlog` facts wait at most for a slow sink; the server would
    cut off a client that stops reading, so beyond that facts are dropped and the feed says it was blind.
    `jitter` gives 0..1; `wait` is how to pause between two connections.
    """

    def __init__(
        self,
        source: BgpSource,
        prefixes: Iterable[Prefix] = (),
        *,
        wants: Wanted | None = None,
        times: FeedTimes | None = None,
        backlog: int = 100_000,
        jitter: Callable[[], float] = random.random,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.counts = FeedCounts()
        self.last_error = ""
        """What was wrong with the last bad line."""
        self._source = source
        self._reader = Reader(wants)
        self._times = times or FeedTimes()
        self._backlog = backlog
        self._jitter = jitter
        self._wait = wait
        self._wanted = frozenset(prefixes)
        self._watch_changed = asyncio.Event()
        self._waiting: list[RouteFact] = []
        self._has_waiting = asyncio.Event()
        self._live: bool | None = None
        self._complaint = ("", float("-inf"))
        self._overflowed = False
        self._websockets_in_vain = 0

    def update_watch(self, prefixes: Iterable[Prefix]) -> None:
        """Follow exactly these prefixes from now on, without a gap; what `wants` says is asked anew."""
        self._reader.forget()
        wanted = frozenset(prefixes)
        if wanted != self._wanted:
            self._wanted = wanted
            self._watch_changed.set()

    async def run(self, sink: Sink) -> None:
        """Connect, and again after every loss; what `sink` raises ends it (in an exception group)."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._deliver(sink))
            tasks.create_task(self._stay_connected())
            tasks.create_task(self._tell_counts())

    async def _stay_connected(self) -> None:
        client = Client(
            self._source,
            self._times,
            wanted=lambda: self._wanted,
            watch_changed=self._watch_changed,
            take_line=self._take_line,
            on_live=self._on_live,
        )
        failures = 0
        while True:
            # Without a filter the server would send the routes of the whole world.
            while not self._wanted:
                self._watch_changed.clear()
                await self._watch_changed.wait()
            session = self._session(client)
            ended = await session.run()
            reason = ": ".join(filter(None, (ended.reason, self._last_words())))
            self._tell(live=False, reason=reason, at=clock.wall() - ended.deaf_s)
            self._learn_from(session)
            # A server that greets and hangs up each time must be left alone longer and longer, too.
            failures = 0 if session.is_steady else failures + 1
            pause = min(self._times.backoff_s * 2 ** min(failures, 16), self._times.max_backoff_s)
            await self._wait(pause * (0.5 + 0.5 * self._jitter()))

    def _session(self, client: Client) -> Session:
        """The next connection: by the configured transport, or the one that is likelier to work."""
        transport = self._source.transport
        in_vain = self._websockets_in_vain >= WEBSOCKET_TRIES and stream_url(self._source.url) is not None
        if transport is RisLiveTransport.HTTP or (transport is RisLiveTransport.AUTO and in_vain):
            return StreamSession(client)
        return WebsocketSession(client)

    def _learn_from(self, session: Session) -> None:
        if isinstance(session, WebsocketSession):
            self._websockets_in_vain = 0 if session.was_live else self._websockets_in_vain + 1
        else:
            # Where HTTP worked, one websocket in vain is enough to come back to it.
            self._websockets_in_vain = WEBSOCKET_TRIES - 1 if session.was_live else 0

    def _last_words(self) -> str:
        complaint, at = self._complaint
        return complaint if clock.monotonic() - at < COMPLAINT_COUNTS_S else ""

    async def _deliver(self, sink: Sink) -> None:
        while True:
            await self._has_waiting.wait()
            self._has_waiting.clear()
            batch, self._waiting = self._waiting, []
            if self._overflowed:
                self._overflowed = False
                if self._live:
                    batch.append(FeedState(at=clock.wall(), source=self._source.name, live=True))
            if batch:
                await sink(batch)

    async def _tell_counts(self) -> None:
        while True:
            await asyncio.sleep(self._times.tally_s)
            for tally in self.last_counts():
                self._append(tally)

    def last_counts(self) -> tuple[FeedTally, ...]:
        """What was counted since this was last told, if anything was: for who ends a run."""
        tally = self.counts.tally(self._source.name, clock.wall())
        return () if tally is None else (tally,)

    def _take_line(self, line: bytes) -> str:
        """Count a line and offer its facts; its outer type, empty for a bad one."""
        counts = self.counts
        counts.received += 1
        try:
            received = self._reader.receive(line)
        except ServerError as error:
            counts.parsed += 1
            self._complaint = (f"the server says {error}", clock.monotonic())
            return "ris_error"
        except RisLiveError as error:
            counts.bad += 1
            self.last_error = str(error)
            return ""
        counts.parsed += 1
        if received.at is not None and clock.wall() - received.at > LATE_S:
            counts.late += 1
        if received.facts:
            counts.relevant += 1
            self._offer(received.facts)
        return received.type

    def _offer(self, facts: tuple[RouteFact, ...]) -> None:
        if len(self._waiting) + len(facts) <= self._backlog:
            self.counts.facts += len(facts)
            self._waiting += facts
        else:
            self.counts.dropped += len(facts)
            if not self._overflowed:
                self._overflowed = True
                self._append_state(live=False, reason=f"backlog of {self._backlog} facts is full", at=clock.wall())
        self._has_waiting.set()

    def _on_live(self) -> None:
        self.counts.connections += 1
        self._tell(live=True, reason="", at=clock.wall())

    def _tell(self, *, live: bool, reason: str, at: float) -> None:
        """Say that the feed became live or blind, if it was not so already."""
        if self._live is not live:
            self._live = live
            self._append_state(live=live, reason=reason, at=at)

    def _append_state(self, *, live: bool, reason: str, at: float) -> None:
        self._append(FeedState(at=at, source=self._source.name, live=live, reason=reason))

    def _append(self, fact: RouteFact) -> None:
        self._waiting.append(fact)
        self._has_waiting.set()
