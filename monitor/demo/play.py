"""`whydown demo` as a whole: the story played on a scene, told as it happens, and summed up.

It knows neither networks nor the monitor: a `Scene` has them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from monitor.demo.board import Board
from monitor.demo.plain import PlainTeller
from monitor.demo.scene import Scene
from monitor.demo.screen import ScreenTeller
from monitor.demo.story import Story
from monitor.demo.summary import Summary, summarise
from probes import clock

Teller = ScreenTeller | PlainTeller
MakeTeller = Callable[[Board, Scene, float], Teller]
_TICK_S = 0.5


async def play(story: Story, scene: Scene, make_teller: MakeTeller) -> Summary:
    """Play the whole story, about two minutes; what the monitor made of it.

    :raises NetworkError, ChildError, OSError: the scene could not be built or fell apart
    :raises HistoryError: the history failed
    """
    async with scene.opened() as board:
        start = clock.wall()
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(_tell(make_teller(board, scene, start)))
            await _tell_story(story, scene, board, start)
            telling.cancel()
        seconds = clock.wall() - start
    return summarise(
        board,
        story,
        scene.diversion,
        mode=scene.mode,
        told=scene.told,
        seconds=seconds,
        crowd=dict(scene.crowd_answers),
    )


async def _tell(teller: Teller) -> None:
    with teller:
        while True:
            teller.tick(clock.wall())
            await asyncio.sleep(_TICK_S)


async def _tell_story(story: Story, scene: Scene, board: Board, start: float) -> None:
    for act in story.acts:
        await asyncio.sleep(max(start + act.starts_s - clock.wall(), 0.0))
        board.begin(clock.wall(), act)
        await scene.do(act.deed, story.length_s(act))
    await asyncio.sleep(max(start + story.ends_s - clock.wall(), 0.0))
