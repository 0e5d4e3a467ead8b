"""Ending tasks for sure.

A task that is cancelled in the moment in which what it waits for comes about may go on as if nobody had cancelled
it: `asyncio.wait_for` of Python before 3.12 loses the cancellation then (python/cpython#86296), and the client of
the brokers waits by it for every answer. Who waits for such a task to end would wait for ever.
"""

from __future__ import annotations

import asyncio
from typing import Any

AGAIN_S = 5.0
"""A task has so long to leave in order, which is a few answers of brokers, before it is cancelled again."""


async def ended(*tasks: asyncio.Task[Any], again_s: float = AGAIN_S) -> None:
    """Cancel tasks until all have ended; what they raise is not looked at."""
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=again_s)
