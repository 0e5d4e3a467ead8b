"""Starts the demo as asked: on which scene, told how, logging where; and gives the exit status."""

from __future__ import annotations

import asyncio
import functools
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import structlog
from rich.console import Console

from monitor.demo.board import Board
from monitor.demo.children import ChildError
from monitor.demo.namespaces import NetworkError, enter_private
from monitor.demo.plain import PlainTeller
from monitor.demo.play import MakeTeller, Teller, play
from monitor.demo.scene import Scene
from monitor.demo.screen import ScreenTeller
from monitor.demo.story import STORY, Story
from monitor.demo.summary import Summary, lines, ways_to_look
from monitor.history import HistoryError


def stage_or_why(arguments: tuple[str, ...], *, loopback: bool) -> str | None:
    """None inside private namespaces, which this process enters by becoming `whydown demo` anew there.

    Else why there are none: they cannot be made here, or `loopback` was asked for.
    """
    if loopback:
        return "asked for with --loopback"
    return enter_private((sys.executable, "-m", "monitor", "demo", *arguments))


def launch(folder: Path, scene: Scene, *, plain: bool, as_json: bool, kept: Path | None) -> int:
    """Play the demo on a scene, with a log in `folder`; 0 when both causes were named rightly, else 1.

    `kept`: the history that stays behind; None: none does.
    """
    console = Console()
    summary: Summary | None = None
    with (folder / "demo.log").open("w", encoding="utf-8") as log:
        structlog.configure(logger_factory=structlog.WriteLoggerFactory(file=log))
        teller = functools.partial(_teller, STORY, console, plain=plain or not console.is_terminal, quiet=as_json)
        try:
            summary = asyncio.run(_play_until_terminated(scene, teller))
        except* asyncio.CancelledError:
            print("the demo was ended early", file=sys.stderr)
        except* (NetworkError, ChildError, HistoryError, OSError) as errors:
            for error in leaves(errors):
                print(f"the demo could not go on: {error}", file=sys.stderr)
    if summary is None:
        return 1
    if as_json:
        print(msgspec.json.encode(summary).decode())
    else:
        looks = [] if kept is None else ways_to_look(summary, _program(), kept, _config_beside(kept))
        print("\n".join([*lines(summary), *looks]))
    return 0 if summary.right else 1


def _config_beside(history: Path) -> Path | None:
    config = history.with_name("config.toml")
    return config if config.exists() else None


def _program() -> str:
    return "whydown" if shutil.which("whydown") is not None else f"{sys.executable} -m monitor"


async def _play_until_terminated(scene: Scene, teller: MakeTeller) -> Summary:
    """Play; SIGTERM cancels it, also where a shell started it in the background and so had it ignore SIGINT."""
    playing = asyncio.ensure_future(play(STORY, scene, teller))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, playing.cancel)
    return await playing


def _teller(
    story: Story, console: Console, board: Board, scene: Scene, start: float, *, plain: bool, quiet: bool
) -> Teller:
    if quiet:
        return PlainTeller(board, start, lambda line: None)
    if plain:
        print(scene.told, flush=True)
        return PlainTeller(board, start, functools.partial(print, flush=True))
    return ScreenTeller(board, story, start, told=scene.told, console=console)


def leaves(errors: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """The errors in a group and in the groups in it."""
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from leaves(error)
        else:
            yield error
