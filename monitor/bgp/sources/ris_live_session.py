"""What the two ways to RIS Live have in common: one connection, from its opening until something ends it.

It counts bad lines in a row, knows when it heard the server last and since when it is live. Knows nothing of
what a line says beyond its outer type, of reconnecting, or of who takes the facts.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import httpx
from websockets.exceptions import WebSocketException

from monitor.bgp.ris_live import printable
from monitor.model import Prefix
from monitor.model.settings import BgpSource
from probes import clock


@dataclass(frozen=True, slots=True)
class FeedTimes:
    """Seconds. `ping_s`: between pings; `stale_s`: silence, pongs included, after which the feed is dead.

    `acknowledge_s`: for the server to confirm a subscription; `open_s`: for the connection to open;
    `backoff_s` to `max_backoff_s`: pause before connecting again, doubled each time, half of it random, until
    a connection was live for `steady_s`. `renew_s`: silence of an HTTP stream, which knows no ping, after which
    another one must prove that the server is there; `overlap_s`: how long both are read then.
    `tally_s`: between two counts that are told.
    """

    ping_s: float = 15.0
    stale_s: float = 45.0
    acknowledge_s: float = 20.0
    open_s: float = 15.0
    backoff_s: float = 1.0
    max_backoff_s: float = 60.0
    steady_s: float = 60.0
    renew_s: float = 300.0
    overlap_s: float = 2.0
    tally_s: float = 60.0


MOST_BAD_IN_A_ROW = 100
"""Lines that are no messages, one after another: then this is no RIS Live any more, though it talks."""


class LostError(Exception):
    """The connection is of no use any more; says why. `since_s`: for how long it already was of none."""

    def __init__(self, reason: str, since_s: float = 0.0) -> None:
        super().__init__(reason)
        self.since_s = since_s


@dataclass(frozen=True, slots=True)
class Client:
    """Whom a session works for.

    `wanted` gives the prefixes to follow, and is asked again whenever `watch_changed` is set; `take_line` gets
    each line and answers with its outer type, empty for a bad one; `on_live` is called once.
    """

    source: BgpSource
    times: FeedTimes
    wanted: Callable[[], frozenset[Prefix]]
    watch_changed: asyncio.Event
    take_line: Callable[[bytes], str]
    on_live: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Ended:
    """Why a session ended, in a few words, and for how many seconds it had been deaf by then."""

    reason: str
    deaf_s: float = 0.0


class Session(ABC):
    """One connection. Not live before the server has confirmed what is asked of it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._times = client.times
        self._heard_at = clock.monotonic()
        self._live_at: float | None = None
        self._bad_in_a_row = 0
        self._hopeless: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def was_live(self) -> bool:
        """Whether it came to be live."""
        return self._live_at is not None

    @property
    def is_steady(self) -> bool:
        """Whether it has been live for so long that what ended it was no part of a series."""
        return self._live_at is not None and clock.monotonic() - self._live_at >= self._times.steady_s

    async def run(self) -> Ended:
        """Stay connected as long as it goes."""
        ended = Ended("closed")
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._raise_when_hopeless())
                await self._stay(tasks)
        except* (OSError, WebSocketException, httpx.HTTPError, LostError) as group:
            error = _first(group)
            # Quotes the reason that the server gave for closing.
            reason = printable(str(error)) or type(error).__name__
            ended = Ended(reason, error.since_s if isinstance(error, LostError) else 0.0)
        # A task group with an error to raise forgets that its task was cancelled meanwhile (until Python 3.13).
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError
        return ended

    @abstractmethod
    async def _stay(self, tasks: asyncio.TaskGroup) -> None:
        """Connect and receive; what ends it raises one of the errors above."""

    def _hear(self, line: bytes) -> str:
        """Hand a line on; its outer type. Never raises, since it is called from the depths of a socket."""
        self._heard_at = clock.monotonic()
        kind = self._client.take_line(line)
        self._bad_in_a_row = 0 if kind else self._bad_in_a_row + 1
        if self._bad_in_a_row == MOST_BAD_IN_A_ROW and not self._hopeless.done():
            self._hopeless.set_exception(LostError(f"{MOST_BAD_IN_A_ROW} lines in a row that are no messages"))
        return kind

    def _become_live(self) -> None:
        if self._live_at is None:
            self._live_at = clock.monotonic()
            self._client.on_live()

    @property
    def _silent_s(self) -> float:
        return clock.monotonic() - self._heard_at

    async def _raise_when_hopeless(self) -> None:
        await self._hopeless


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first exception that is no group, however deep."""
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
