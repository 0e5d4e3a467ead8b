"""Writes what the rounds bring to the spool, group by group, so that a disk sync is shared and no probe waits.

When the spool cannot be written (a full disk) facts wait in memory, up to `MOST_WAITING`; then the oldest go, and
it is said how many. The spool's own bounds are kept here too, in steps between two writes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import structlog

from monitor.spool import Spool, SpoolError
from probes import Observation, clock

LINGER_S = 0.1
"""How long facts wait for others before they are written: ten disk syncs a second at most."""

MOST_WAITING = 50_000
"""Facts in memory, some 50 MB: two hours of a large agent."""

RETRY_S = 5.0
SHRINK_EVERY_S = 10.0


class Spooler:
    """`take` from any task; `run` it once, until `finish`. `wrote` is called when facts are in the spool.

    `most_waiting`: facts that wait in memory, besides those that are just being written. `retry_s`: after
    a write that failed.
    """

    def __init__(
        self,
        spool: Spool,
        wrote: Callable[[], object],
        *,
        most_waiting: int = MOST_WAITING,
        retry_s: float = RETRY_S,
    ) -> None:
        self._spool = spool
        self._wrote = wrote
        self._most_waiting = most_waiting
        self._retry_s = retry_s
        self._waiting: deque[Observation] = deque()
        self._came = asyncio.Event()
        self._finishing = False
        self._lost = 0
        self._log = structlog.get_logger("spooler")

    async def take(self, facts: Sequence[Observation]) -> None:
        """Take facts; never waits."""
        self._waiting.extend(facts)
        self._let_oldest_go()
        self._came.set()

    def finish(self) -> None:
        """Let `run` return when all is written."""
        self._finishing = True
        self._came.set()

    async def run(self) -> None:
        """Write until `finish`, and what is left then; a disk that fails at the very end loses that."""
        shrunk_at = clock.monotonic()
        while not self._finishing:
            await self._came.wait()
            await asyncio.sleep(LINGER_S)
            self._came.clear()
            if not await self._write():
                await asyncio.sleep(self._retry_s)
                self._came.set()
            if clock.monotonic() - shrunk_at > SHRINK_EVERY_S:
                await self._shrink()
                shrunk_at = clock.monotonic()
        await self._write()

    async def _write(self) -> bool:
        """Whether all that waited is in the spool. What comes meanwhile waits for the next time."""
        facts = tuple(self._waiting)
        if not facts:
            return True
        # Out of the queue first: while the thread writes, `take` may let the queue's oldest go.
        self._waiting.clear()
        try:
            await asyncio.to_thread(self._spool.add, facts, clock.monotonic())
        except SpoolError as error:
            self._waiting.extendleft(reversed(facts))
            self._let_oldest_go()
            waiting = len(self._waiting)
            self._log.error("facts_wait_in_memory", facts=waiting, lost=self._lost, error=str(error))
            return False
        self._wrote()
        return True

    def _let_oldest_go(self) -> None:
        while len(self._waiting) > self._most_waiting:
            self._waiting.popleft()
            self._lost += 1

    async def _shrink(self) -> None:
        try:
            while (given := await asyncio.to_thread(self._spool.shrink, clock.wall())) is not None:
                if given.count:
                    self._log.warning("spool_full", facts=given.count, thinned=given.thinned)
                await asyncio.sleep(0)
        except SpoolError as error:
            self._log.error("spool_not_shrunk", error=str(error))
