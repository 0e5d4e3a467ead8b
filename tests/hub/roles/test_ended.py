"""A task that misses a cancellation is cancelled again."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from monitor.hub.roles.ended import ended


def test_a_task_that_lost_its_cancellation_ends_all_the_same() -> None:
    """As one whose answer came in the very moment; beside it one that ends at once, and one that has ended."""

    async def goes_on(times: int) -> None:
        for _ in range(times):
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        await asyncio.Event().wait()

    async def scenario() -> list[bool]:
        done = asyncio.create_task(asyncio.sleep(0))
        await done
        tasks = [asyncio.create_task(goes_on(times)) for times in (0, 1, 3)]
        await asyncio.sleep(0)
        await ended(done, *tasks, again_s=0.01)
        return [task.cancelled() for task in tasks]

    async def bounded() -> list[bool]:
        return await asyncio.wait_for(scenario(), 20)

    assert asyncio.run(bounded()) == [True, True, True]


def test_a_defect_in_the_leaving_is_left_to_who_made_the_task() -> None:
    """It is no reason not to end the others."""

    async def breaks() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("while leaving")

    async def scenario() -> str:
        task = asyncio.create_task(breaks())
        await asyncio.sleep(0)
        await ended(task)
        return str(task.exception())

    assert asyncio.run(scenario()) == "while leaving"
