"""How `run`, `hub` and `agent` live as daemons: signals, reloads, the service manager, a live status.

What is run is a `Daemon`; what it does is not known here.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click
import structlog
from rich.console import Console
from rich.live import Live

from monitor import __version__
from monitor.config import ConfigError, load_config
from monitor.hub.judging import Step
from monitor.model.settings import Config
from monitor.station import logs, service_manager
from monitor.station.board import Board
from monitor.station.dashboard_process import DashboardProcess
from monitor.station.lifeline import Heartbeat, feed_watchdog
from monitor.station.live_status import Snapshot, draw
from monitor.station.pulse import Signs
from probes import clock

REFRESH_S = 0.5

_log = structlog.get_logger("run")

Command = TypeVar("Command", bound=Callable[..., Any])


class Daemon(Protocol):
    """A monitor, a hub or an agent."""

    @property
    def config(self) -> Config:
        """The configuration in use."""
        ...

    @property
    def signs(self) -> Signs:
        """Its signs of life now."""
        ...

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`."""
        ...

    async def reload(self, config: Config) -> None:
        """Go on with another configuration."""
        ...


class Judge(Daemon, Protocol):
    """One that has something to show: it stores and concludes."""

    @property
    def waiting(self) -> int:
        """Facts that are not stored yet."""
        ...


class Screen:
    """What a live status shows of a judge; `lines` are the newest logs."""

    def __init__(self) -> None:
        self.board = Board()
        self.lines: deque[str] = deque(maxlen=50)
        self._step: Step | None = None
        self._mails: deque[str] = deque(maxlen=3)

    def stepped(self, step: Step) -> None:
        """Show this step's outcome from now on."""
        self._step = step
        self._mails.extend(step.subjects)

    async def show(self, judge: Judge) -> None:
        """Draw until cancelled."""
        with Live(console=Console(), screen=True, auto_refresh=False) as live:
            while True:
                live.update(draw(self._snapshot(judge)), refresh=True)
                await asyncio.sleep(REFRESH_S)

    def _snapshot(self, judge: Judge) -> Snapshot:
        step = self._step
        return Snapshot(
            now=clock.wall(),
            title=f"whydown {__version__} at {judge.config.vantage}",
            board=self.board,
            verdicts=step.verdicts if step else {},
            incidents=step.open_incidents if step else (),
            mails=tuple(self._mails),
            log=tuple(self.lines),
            waiting=judge.waiting,
            controls=[control.name for control in judge.config.controls],
            feeds=[feed.name for feed in judge.config.bgp],
        )


def daemon_options(command: Command) -> Command:
    """`--config` and `--verbose`, which every daemon takes as `path` and `verbose`."""
    file = click.option(
        "--config", "path", type=click.Path(path_type=Path), default=Path("config.toml"), show_default=True,
        help="Configuration file.",
    )  # fmt: skip
    verbose = click.option("--verbose", is_flag=True, help="Also log what is not worth a line every day.")
    return file(verbose(command))


def judge_options(command: Command) -> Command:
    """Besides, `--log` of one that can show a live status, as `as_log`."""
    as_log = click.option(
        "--log", "as_log", is_flag=True, help="Log lines on a terminal too, instead of the live status."
    )
    return daemon_options(as_log(command))


def read_config(ctx: click.Context, path: Path) -> Config:
    """The configuration; a bad one ends the command with exit 2 and its mistakes."""
    try:
        return load_config(path)
    except ConfigError as error:
        click.echo(str(error), err=True)
        ctx.exit(2)


def begin_logs(screen: Screen, *, as_log: bool, verbose: bool) -> bool:
    """Send logs to the screen on a terminal, else to standard error; whether there is a screen."""
    live = sys.stdout.isatty() and not as_log
    if live:
        logs.configure_recent(screen.lines, verbose=verbose)
    else:
        logs.configure(verbose=verbose)
    return live


def leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """The errors in a group of groups."""
    found: list[BaseException] = []
    for error in group.exceptions:
        found += leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


async def serve(make: Callable[[], Daemon], path: Path) -> None:
    """Run what `make` makes, inside the loop, until a signal asks to stop; SIGHUP reads `path` again."""
    await _serve(make(), path)


async def serve_judge(make: Callable[[], Daemon], path: Path) -> None:
    """The same, with a dashboard where the configuration wants one."""
    judge = make()
    await _serve(judge, path, DashboardProcess(path, lambda: judge.config.web is not None, quiet=False))


async def serve_on_screen(make: Callable[[], Judge], path: Path, screen: Screen) -> None:
    """The same, with a live status."""
    judge = make()
    dashboard = DashboardProcess(path, lambda: judge.config.web is not None, quiet=True)
    await _serve(judge, path, dashboard, screen.show(judge))


async def _serve(
    daemon: Daemon, path: Path, dashboard: DashboardProcess | None = None, *more: Coroutine[Any, Any, None]
) -> None:
    stop, reload = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    _ready(daemon)
    heartbeat = Heartbeat(lambda: daemon.config.heartbeat, lambda: daemon.signs)
    beside = [
        *more, _reload_on_request(daemon, path, reload, dashboard), _say_stopping(stop), heartbeat.run(),
        feed_watchdog(lambda: daemon.signs),
    ]  # fmt: skip
    if dashboard is not None:
        beside.append(dashboard.run())
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in beside]
        await daemon.run(stop)
        for task in tasks:
            task.cancel()
    _log.info("stopped")


async def _say_stopping(stop: asyncio.Event) -> None:
    await stop.wait()
    service_manager.notify(STOPPING="1", STATUS="storing what was measured")


async def _reload_on_request(
    daemon: Daemon, path: Path, asked: asyncio.Event, dashboard: DashboardProcess | None
) -> None:
    while True:
        await asked.wait()
        asked.clear()
        service_manager.reloading()
        try:
            config = load_config(path)
        except ConfigError as error:
            _log.error("config_refused", kept=str(path), error=str(error))
        else:
            await daemon.reload(config)
            if dashboard is not None:
                dashboard.renew()
        _ready(daemon)


def _ready(daemon: Daemon) -> None:
    service_manager.notify(READY="1", STATUS=f"{len(daemon.config.targets)} targets")
