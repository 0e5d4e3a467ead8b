"""What the demo's tests share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

AllSettled = Callable[[], Awaitable[None]]


@pytest.fixture(scope="session")
def all_settled() -> AllSettled:
    """A coroutine function that returns once all other tasks of the loop are done, servers' connections say."""

    async def settle() -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            _, late = await asyncio.wait(others, timeout=10.0)
            assert not late

    return settle
