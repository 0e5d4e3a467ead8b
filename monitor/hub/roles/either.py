"""Work that ends when it is done, or when its process is to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def done_before(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Whether `work` was done before `stop` was set; what is not done by then is cancelled."""
    task, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    waiting: set[asyncio.Future[Any]] = {task, stopping}
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            return True
        return False
    finally:
        task.cancel()
        stopping.cancel()
