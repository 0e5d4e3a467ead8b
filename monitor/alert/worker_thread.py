"""Blocking work in a thread of its own, which the end of the process does not wait for.

The threads of `asyncio.to_thread` are joined when the loop ends. A mail server may keep us waiting for ten
minutes; the monitor must stop within seconds.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_own_thread(work: Callable[[], T], name: str) -> T:
    """Run `work` in a new daemon thread called `name`; its result, or what it raised.

    When the waiting task is cancelled the thread goes on, and its result is dropped.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: Callable[[], T]) -> None:
        if done.done():
            return
        try:
            done.set_result(result())
        except Exception as error:
            done.set_exception(error)

    def run() -> None:
        result = _outcome(work)
        try:
            loop.call_soon_threadsafe(settle, result)
        except RuntimeError:
            return  # the loop has ended, so nobody waits

    threading.Thread(target=run, name=name, daemon=True).start()
    return await done


def _outcome(work: Callable[[], T]) -> Callable[[], T]:
    """What calling gives again what `work` gave or raised."""
    try:
        value = work()
    except Exception as error:
        failure = error

        def again() -> T:
            raise failure

        return again
    return lambda: value
