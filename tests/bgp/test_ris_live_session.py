"""A session of RIS Live ends when its task is cancelled, whatever else ends it in the same moment."""

from __future__ import annotations

import asyncio

from monitor.bgp.sources.ris_live_session import Client, Ended, FeedTimes, LostError, Session
from monitor.model.settings import BgpSource, BgpSourceKind


class Losing(Session):
    """Loses its connection, and is cancelled just then if so wished."""

    is_cancelled = False

    async def _stay(self, tasks: asyncio.TaskGroup) -> None:
        task = asyncio.current_task()
        if self.is_cancelled and task is not None:
            task.cancel()
        raise LostError("closed by the server", 3.0)


def _client() -> Client:
    return Client(
        BgpSource(kind=BgpSourceKind.RIS_LIVE, name="ris"),
        FeedTimes(),
        wanted=frozenset,
        watch_changed=asyncio.Event(),
        take_line=lambda line: "pong",
        on_live=lambda: None,
    )


def test_a_loss_is_what_ended_it() -> None:
    """With its reason, and since when nothing was heard."""

    async def scenario() -> Ended:
        return await Losing(_client()).run()

    assert asyncio.run(scenario()) == Ended("closed by the server", 3.0)


def test_a_cancellation_in_the_moment_of_a_loss_is_not_lost() -> None:
    """A task group that has an error to raise forgets that it was cancelled; the feed would connect for ever."""

    async def scenario() -> bool:
        async def run() -> None:
            session = Losing(_client())
            session.is_cancelled = True
            await session.run()

        task = asyncio.create_task(run())
        await asyncio.wait({task})
        return task.cancelled()

    assert asyncio.run(scenario())
