"""The outbox: every notice is delivered once, however often servers and processes fail on the way.

Theory of operation. A notice stands in the store before anything is sent. Just before the byte that makes
the server responsible (the final dot, RFC 5321 section 4.2.5) the store is told `handed_over`, durably.
From then on three things can happen:

- the server answers: `sent`, or back to `pending` (4xx), or `failed` (5xx);
- the answer never comes, and this process lives: back to `pending`, as mail servers do (section 4.5.4.1).
  The Message-ID stays, so that a reader's program can tell the twin if the first did arrive;
- this process dies: nobody can know. The next process finds it `handed_over`, and it becomes `unknown`,
  is logged, and is never sent again.

Deliveries block, so each has a thread; up to four at a time, and one at a time for the same incident and
recipient, later ones waiting for those before, so that people read "opened" before "closed". This module
knows no SMTP and no SQL.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable
from typing import Protocol

import structlog

from monitor.alert.delivery import Deliver, DeliveryError, PermanentError, TemporaryError
from monitor.alert.retry import delay_s, is_over
from monitor.alert.worker_thread import in_own_thread
from monitor.history import Notice, NoticeState
from probes import clock

_log = structlog.get_logger()

_MOST_AT_ONCE = 4
_BATCH = 50
_POLL_S = 1.0
# The monitor has to stop within 5 s; a delivery that takes longer is left to the next process.
STOP_GRACE_S = 3.0

_Lane = tuple[str, tuple[str, ...]]


class NoticeStore(Protocol):
    """What the outbox needs of the store; the methods may be called from any thread."""

    @property
    def interrupted(self) -> tuple[str, ...]:
        """Keys of notices that an earlier process had handed over when it ended."""
        ...

    def due_notices(self, now: float, limit: int) -> list[Notice]:
        """Pending notices whose time has come, oldest first; of one incident and recipient only the oldest."""

    def mark_notice(
        self, key: str, state: NoticeState, at: float, error: str | None = None, next_try_at: float | None = None
    ) -> None:
        """Move a notice to a state; durable when it returns."""


class _Abandoned(Exception):  # noqa: N818 - not an error: the outbox stopped
    """The outbox stopped before the message was handed over."""


class _HandOver:
    """The step over which a notice goes once: from ours to the server's. Called in the delivery's thread."""

    def __init__(self, mark: Callable[[], None]) -> None:
        self._mark = mark
        self._turn = threading.Lock()
        self._abandoned = False
        self.store_error: Exception | None = None

    def __call__(self) -> None:
        with self._turn:
            if self._abandoned:
                raise _Abandoned
            try:
                self._mark()
            except Exception as error:
                self.store_error = error
                raise

    def abandon(self) -> None:
        """Nothing that is not handed over by now will be."""
        with self._turn:
            self._abandoned = True


class Outbox:
    """Delivers what `store` has due through `deliver`.

    `now`: the wall clock, Unix seconds. `sent`: called in the loop's thread with a notice's key when it was taken.
    `jitter`: a number in 0..1 for each retry. `stop_grace_s`: how long a stop waits for deliveries that are under
    way.
    """

    def __init__(
        self,
        store: NoticeStore,
        deliver: Deliver,
        now: Callable[[], float],
        *,
        sent: Callable[[str], object] = lambda key: None,
        jitter: Callable[[], float] = random.random,
        stop_grace_s: float = STOP_GRACE_S,
    ) -> None:
        self._store = store
        self._deliver = deliver
        self._now = now
        self._sent = sent
        self._jitter = jitter
        self._stop_grace_s = stop_grace_s
        self._under_way: dict[_Lane, _HandOver] = {}
        self.looked_at = clock.monotonic()
        """When it last looked what is due, by the monotonic clock; at first: when it was made."""
        self.refused_since: float | None = None
        """Since when (monotonic) nothing was taken though it was tried; None: the last try went well."""
        self._wake = asyncio.Event()

    def recover(self, now: float) -> tuple[str, ...]:
        """Log, and return, the keys of notices that an earlier process left in doubt.

        The store has made them `unknown`. `now`: Unix seconds, for the log.
        """
        for key in self._store.interrupted:
            _log.warning("notice_unknown", notice=key, found_at=now, reason="ended before the server answered")
        return self._store.interrupted

    def wake(self) -> None:
        """Look for due notices now instead of within a second. Call it in the loop's thread."""
        self._wake.set()

    async def run_once(self) -> int:
        """Try once all that is due now; how many were delivered.

        :raises Exception: what the store raised; the notice concerned was not handed over, or is `unknown`
            to the next process
        """
        tried: set[str] = set()
        delivered = 0
        while batch := await self._next_batch(tried):
            tried.update(notice.key for notice in batch)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._attempt(notice)) for notice in batch]
            delivered += sum(task.result() for task in tasks)
        return delivered

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop`; then wait a little for what is under way, and leave the rest to the next process.

        :raises ExceptionGroup: of what the store raised
        """
        async with asyncio.TaskGroup() as group:
            stopping = group.create_task(stop.wait())
            tasks: set[asyncio.Task[bool]] = set()
            while not stop.is_set():
                self._wake.clear()
                self.looked_at = clock.monotonic()
                for notice in await self._next_batch(set()):
                    task = group.create_task(self._attempt(notice))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
                    task.add_done_callback(lambda _: self._wake.set())
                await self._pause(stopping)
            await self._wind_up(tasks)

    async def _pause(self, stopping: asyncio.Task[bool]) -> None:
        """Until the outbox is stopped or woken, or the next poll is due."""
        woken = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait({stopping, woken}, timeout=_POLL_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()

    async def _wind_up(self, tasks: set[asyncio.Task[bool]]) -> None:
        late = set(tasks)
        if late:
            _, late = await asyncio.wait(late, timeout=self._stop_grace_s)
        for hand_over in self._under_way.values():
            hand_over.abandon()
        for task in late:
            task.cancel()

    async def _next_batch(self, tried: set[str]) -> list[Notice]:
        """Due notices to start now: the oldest of each lane that is free, as many as may run at once."""
        limit = _BATCH + len(self._under_way) + len(tried)
        due = await asyncio.to_thread(self._store.due_notices, self._now(), limit)
        batch: dict[_Lane, Notice] = {}
        for notice in due:
            if len(batch) + len(self._under_way) >= _MOST_AT_ONCE:
                break
            lane = _lane(notice)
            if notice.key not in tried and lane not in self._under_way:
                batch.setdefault(lane, notice)
        return list(batch.values())

    async def _attempt(self, notice: Notice) -> bool:
        """Deliver one notice in a thread; whether it was delivered."""
        hand_over = _HandOver(lambda: self._store.mark_notice(notice.key, NoticeState.HANDED_OVER, self._now()))
        self._under_way[_lane(notice)] = hand_over
        try:
            delivered = await in_own_thread(lambda: self._try(notice, hand_over), f"notice {notice.key}"[:60])
            if delivered:
                self._sent(notice.key)
            return delivered
        finally:
            hand_over.abandon()
            del self._under_way[_lane(notice)]

    def _try(self, notice: Notice, hand_over: _HandOver) -> bool:
        """Deliver `notice` and keep what became of it. Blocks; runs in its own thread."""
        try:
            self._deliver(notice, hand_over)
        except _Abandoned:
            return False
        except DeliveryError as error:
            self._not_taken(notice, error)
            return False
        except Exception as error:
            if error is hand_over.store_error:
                raise
            # A defect in a delivery must not end the monitor, nor lose the mail.
            _log.exception("delivery_defect", notice=notice.key)
            self._not_taken(notice, TemporaryError(f"{type(error).__name__}: {error}"))
            return False
        self.refused_since = None
        self._store.mark_notice(notice.key, NoticeState.SENT, self._now())
        _log.info("notice_sent", notice=notice.key, subject=notice.subject, tries=notice.tries + 1)
        return True

    def _not_taken(self, notice: Notice, error: DeliveryError) -> None:
        now, tries = self._now(), notice.tries + 1
        if self.refused_since is None:
            self.refused_since = clock.monotonic()
        if isinstance(error, PermanentError) or is_over(notice.created_at, tries, now):
            self._store.mark_notice(notice.key, NoticeState.FAILED, now, str(error))
            _log.error("notice_failed", notice=notice.key, subject=notice.subject, tries=tries, error=str(error))
            return
        again = now + delay_s(tries, self._jitter())
        self._store.mark_notice(notice.key, NoticeState.PENDING, now, str(error), again)
        _log.warning("notice_deferred", notice=notice.key, tries=tries, next_try_at=again, error=str(error))


def _lane(notice: Notice) -> _Lane:
    return notice.incident_id, notice.recipients
