"""`whydown hub`: take facts from agents, listen to BGP, diagnose and alert; hand out targets and closer looks."""

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
from monitor.station.hub_station import HubStation
from monitor.station.thread_turns import shorten_turns

_log = structlog.get_logger("hub")


@click.command(short_help="Take facts from agents elsewhere, diagnose and alert until stopped.")
@judge_options
@click.pass_context
def command(ctx: click.Context, path: Path, as_log: bool, verbose: bool) -> None:
    """Take what agents measure, listen to BGP, diagnose and alert, until stopped.

    The file says where agents reach the hub ([hub] listen, certificate, certificate_key; `whydown enroll hub`
    makes them), which vantages may send ([vantages] NAME.keys; `whydown enroll vantage`, run there, prints the
    line) and, as for `run`, what is watched. Agents get their targets from here, and within a second the order
    to look closer at one that has begun to fail. A hub does not probe; an agent beside it can.

    SIGTERM and SIGINT (Ctrl-C) stop after what was received is stored; agents keep what they measure meanwhile.
    SIGHUP reads targets, keys and the certificate again. Exit 0: stopped as asked. Exit 1: the history failed, or
    the address or the certificate cannot be used. Exit 2: bad configuration.

    \b
    whydown enroll hub --name hub.example.com
    whydown hub --config /etc/whydown/config.toml
    """
    config, screen = read_config(ctx, path), Screen()
    if config.intake is None:
        click.echo(f"{path}: [hub] listen is missing; it says where agents reach this hub", err=True)
        ctx.exit(2)
    live = begin_logs(screen, as_log=as_log, verbose=verbose)
    try:
        tame_collector(tracing=False)
        shorten_turns()
        with Store.open(config.history.place) as store:

            def hub() -> HubStation:
                return HubStation(config, store, board=screen.board, stepped=screen.stepped)

            asyncio.run(serve_on_screen(hub, path, screen) if live else serve_judge(hub, path))
    except* (HistoryError, OSError) as group:
        for leaf in leaves(group):
            _log.error("hub_failed", error=str(leaf))
            if live:
                click.echo(str(leaf), err=True)
        ctx.exit(1)
