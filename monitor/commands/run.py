"""`whydown run`: probe, listen to BGP, diagnose and alert until stopped; a live status on a terminal."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import deque
from pathlib import Path

import click
import structlog
from rich.console import Console
from rich.live import Live

from monitor import __version__
from monitor.config import ConfigError, load_config
from monitor.history import HistoryError, Store
from monitor.hub.pipeline import Step
from monitor.model.settings import Config
from monitor.station import logs, service_manager
from monitor.station.board import Board
from monitor.station.heap import freeze_heap
from monitor.station.live_status import Snapshot, draw
from monitor.station.station import Station
from probes import clock

REFRESH_S = 0.5

_log = structlog.get_logger("run")


@click.command(short_help="Probe, listen to BGP, diagnose and alert until stopped.")
@click.option(
    "--config", "path", type=click.Path(path_type=Path), default=Path("config.toml"), show_default=True,
    help="Configuration file.",
)  # fmt: skip
@click.option("--log", "as_log", is_flag=True, help="Log lines on a terminal too, instead of the live status.")
@click.option("--verbose", is_flag=True, help="Also log each batch of facts that was stored.")
@click.pass_context
def command(ctx: click.Context, path: Path, as_log: bool, verbose: bool) -> None:
    """Monitor everything in the configuration until stopped.

    SIGTERM and SIGINT (Ctrl-C) stop after what was measured is stored, SIGHUP reads the configuration again;
    a bad one is refused and the old one kept. Exit 0: stopped as asked. Exit 1: the history failed. Exit 2:
    bad configuration.

    \b
    whydown run
    whydown run --config /etc/whydown/config.toml --log
    """
    try:
        config = load_config(path)
    except ConfigError as error:
        click.echo(str(error), err=True)
        ctx.exit(2)
    live = sys.stdout.isatty() and not as_log
    lines: deque[str] = deque(maxlen=50)
    if live:
        logs.configure_recent(lines, verbose=verbose)
    else:
        logs.configure(verbose=verbose)
    try:
        freeze_heap(tracing=config.traceroute.enabled)
        with Store.open(config.history.path) as store:
            asyncio.run(_Run(config, path, store, lines if live else None).run())
    except* HistoryError as group:
        for leaf in _leaves(group):
            _log.error("history_failed", error=str(leaf))
            if live:
                click.echo(str(leaf), err=True)
        ctx.exit(1)


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


class _Run:
    """One run: the station, the signals and the screen. `lines` None: no screen."""

    def __init__(self, config: Config, path: Path, store: Store, lines: deque[str] | None) -> None:
        self._config = config
        self._path = path
        self._store = store
        self._lines = lines
        self._board = Board()
        self._step: Step | None = None
        self._mails: deque[str] = deque(maxlen=3)

    async def run(self) -> None:
        """Until a signal asks to stop."""
        self._stop, self._reload = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)
        self._station = Station(self._config, self._store, board=self._board, stepped=self._stepped)
        service_manager.notify(READY="1", STATUS=f"{len(self._config.targets)} targets")
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(self._reload_on_request())]
            if self._lines is not None:
                beside.append(group.create_task(self._show(self._lines)))
            await self._station.run(self._stop)
            for task in beside:
                task.cancel()
        _log.info("stopped")

    def _stepped(self, step: Step) -> None:
        self._step = step
        self._mails.extend(step.subjects)

    async def _reload_on_request(self) -> None:
        while True:
            await self._reload.wait()
            self._reload.clear()
            service_manager.reloading()
            try:
                config = load_config(self._path)
            except ConfigError as error:
                _log.error("config_refused", kept=str(self._path), error=str(error))
            else:
                await self._station.reload(config)
            service_manager.notify(READY="1", STATUS=f"{len(self._station.config.targets)} targets")

    async def _show(self, lines: deque[str]) -> None:
        with Live(console=Console(), screen=True, auto_refresh=False) as live:
            while True:
                live.update(draw(self._snapshot(lines)), refresh=True)
                await asyncio.sleep(REFRESH_S)

    def _snapshot(self, lines: deque[str]) -> Snapshot:
        step = self._step
        return Snapshot(
            now=clock.wall(),
            title=f"whydown {__version__} at {self._station.config.vantage}",
            board=self._board,
            verdicts=step.verdicts if step else {},
            incidents=step.open_incidents if step else (),
            mails=tuple(self._mails),
            log=tuple(lines),
            waiting=self._station.waiting,
            controls=[control.name for control in self._station.config.controls],
            feeds=[feed.name for feed in self._station.config.bgp],
        )
