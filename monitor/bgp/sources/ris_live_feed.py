"""RIS Live as a source: one websocket, subscribed to the watched prefixes, kept alive and honest.

Honest means that every gap shows: a `FeedState` fact says when the feed became blind (never connected,
lost, silent, our own backlog full) and when it was live again, which is when the server has acknowledged
every subscription. What messages mean is `ris_live`'s business.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from monitor.bgp.ris_live import RisLiveError, ServerError, receive
from monitor.bgp.sources.ris_live_session import FeedTimes, Session
from monitor.bgp.sources.sink import Sink
from monitor.model import FeedState, Prefix, RouteFact
from monitor.model.settings import BgpSource
from probes import clock


@dataclass(slots=True)
class FeedCounts:
    """`received` lines, `facts` made of them, `bad` lines, facts `dropped` because the sink was
    too slow; `connections` that came to be live."""

    received: int = 0
    facts: int = 0
    bad: int = 0
    dropped: int = 0
    connections: int = 0


class RisLiveSource:
    """A client of RIS Live that gives facts to a sink until it is cancelled.

    `backlog` facts wait at most for a slow sink; the server would cut off a client that stops reading, so
    beyond that facts are dropped and the feed says it was blind. `jitter` gives 0..1; `wait` is how to pause
    between two connections.
    """

    def __init__(
        self,
        source: BgpSource,
        prefixes: Iterable[Prefix] = (),
        *,
        times: FeedTimes | None = None,
        backlog: int = 100_000,
        jitter: Callable[[], float] = random.random,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.counts = FeedCounts()
        self.last_error = ""
        """What was wrong with the last bad line."""
        self._source = source
        self._times = times or FeedTimes()
        self._backlog = backlog
        self._jitter = jitter
        self._wait = wait
        self._wanted = frozenset(prefixes)
        self._watch_changed = asyncio.Event()
        self._waiting: list[RouteFact] = []
        self._has_waiting = asyncio.Event()
        self._live: bool | None = None
        self._complaint = ""
        self._overflowed = False

    def update_watch(self, prefixes: Iterable[Prefix]) -> None:
        """Follow exactly these prefixes from now on, over the same connection."""
        self._wanted = frozenset(prefixes)
        self._watch_changed.set()

    async def run(self, sink: Sink) -> None:
        """Connect, and again after every loss; what `sink` raises ends it (in an exception group)."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._deliver(sink))
            tasks.create_task(self._stay_connected())

    async def _stay_connected(self) -> None:
        failures = 0
        while True:
            # Without a filter the server would send the routes of the whole world.
            while not self._wanted:
                self._watch_changed.clear()
                await self._watch_changed.wait()
            session = Session(
                self._source,
                self._times,
                wanted=lambda: self._wanted,
                watch_changed=self._watch_changed,
                take_line=self._take_line,
                on_live=self._on_live,
            )
            self._complaint = ""
            reason = await session.run()
            self._tell(live=False, reason=": ".join(filter(None, (reason, self._complaint))))
            # A server that greets and hangs up each time must be left alone longer and longer, too.
            failures = 0 if session.is_steady else failures + 1
            pause = min(self._times.backoff_s * 2 ** min(failures, 16), self._times.max_backoff_s)
            await self._wait(pause * (0.5 + 0.5 * self._jitter()))

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

    def _take_line(self, line: bytes) -> str:
        """Count a line and offer its facts; its outer type, empty for a bad one."""
        self.counts.received += 1
        try:
            received = receive(line)
        except ServerError as error:
            self._complaint = f"the server says {error}"
            return ""
        except RisLiveError as error:
            self.counts.bad += 1
            self.last_error = str(error)
            return ""
        if received.facts:
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
                self._append_state(live=False, reason=f"backlog of {self._backlog} facts is full")
        self._has_waiting.set()

    def _on_live(self) -> None:
        self.counts.connections += 1
        self._tell(live=True)

    def _tell(self, *, live: bool, reason: str = "") -> None:
        """Say that the feed became live or blind, if it was not so already."""
        if self._live is not live:
            self._live = live
            self._append_state(live=live, reason=reason)

    def _append_state(self, *, live: bool, reason: str) -> None:
        self._waiting.append(FeedState(at=clock.wall(), source=self._source.name, live=live, reason=reason))
        self._has_waiting.set()
