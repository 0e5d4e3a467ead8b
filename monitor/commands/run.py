"""`whydown run`: probe, listen to BGP, diagnose and alert until stopped; a live status on a terminal."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
import structlog

from monitor.commands.daemon import (
    Screen,
    begin_logs,
    judge_options,
    leaves,
    read_config,
    serve_judge,
    serve_on_screen,
)
from monitor.history import HistoryError, Store
from monitor.station.heap import tame_collector
from monitor.station.station import Station
from monitor.station.thread_turns import shorten_turns

_log = structlog.get_logger("run")


@click.command(short_help="Probe, listen to BGP, diagnose and alert until stopped.")
@judge_options
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
    config, screen = read_config(ctx, path), Screen()
    live = begin_logs(screen, as_log=as_log, verbose=verbose)
    try:
        tame_collector(tracing=config.traceroute.enabled)
        shorten_turns()
        with Store.open(config.history.place) as store:

            def station() -> Station:
                return Station(config, store, board=screen.board, stepped=screen.stepped)

            asyncio.run(serve_on_screen(station, path, screen) if live else serve_judge(station, path))
    except* HistoryError as group:
        for leaf in leaves(group):
            _log.error("history_failed", error=str(leaf))
            if live:
                click.echo(str(leaf), err=True)
        ctx.exit(1)
