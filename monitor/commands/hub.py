"""`whydown hub`: take facts from agents, listen to BGP, diagnose and alert; hand out targets and closer looks."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from pathlib import Path

import click
import structlog

from monitor.bus.errors import BusError
from monitor.commands.daemon import (
    Screen,
    begin_logs,
    judge_options,
    leaves,
    read_config,
    serve,
    serve_judge,
    serve_on_screen,
)
from monitor.history import HistoryError, Store
from monitor.model.settings import Config
from monitor.station import logs
from monitor.station.heap import tame_collector
from monitor.station.hub_station import HubStation
from monitor.station.roles import WRITERS, Role
from monitor.station.thread_turns import shorten_turns

_log = structlog.get_logger("hub")


@click.command(short_help="Take facts from agents elsewhere, diagnose and alert until stopped.")
@click.option(
    "--role", "roles", multiple=True, type=click.Choice([role.value for role in Role]),
    help="Do only this, and the rest elsewhere; may be given several times. Needs [bus].",
)  # fmt: skip
@judge_options
@click.pass_context
def command(ctx: click.Context, path: Path, as_log: bool, verbose: bool, roles: tuple[str, ...]) -> None:
    """Take what agents measure, listen to BGP, diagnose and alert, until stopped.

    The file says where agents reach the hub ([hub] listen, certificate, certificate_key; `whydown enroll hub`
    makes them), which vantages may send ([vantages] NAME.keys; `whydown enroll vantage`, run there, prints the
    line) and, as for `run`, what is watched. Agents get their targets from here, and within a second the order
    to look closer at one that has begun to fail. A hub does not probe; an agent beside it can.

    Where one machine is not enough, [bus] names brokers (NATS JetStream) and each process takes a role of the
    hub's work: intake, store, diagnose, feeds, alert, web; any number of each. `whydown docs scale` tells how
    many.

    SIGTERM and SIGINT (Ctrl-C) stop after what was received is stored; agents keep what they measure meanwhile.
    SIGHUP reads targets, keys and the certificate again. Exit 0: stopped as asked. Exit 1: the history failed, or
    the address or the certificate cannot be used. Exit 2: bad configuration.

    \b
    whydown enroll hub --name hub.example.com
    whydown hub --config /etc/whydown/config.toml
    whydown hub --role intake --role store
    """
    config, screen = read_config(ctx, path), Screen()
    if roles:
        _run_roles(ctx, config, path, frozenset(map(Role, roles)), verbose=verbose)
        return
    if config.bus is not None:
        click.echo(
            f"{path}: [bus] is there, so --role must say which part of the work is this process's", err=True
        )
        ctx.exit(2)
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


def _run_roles(ctx: click.Context, config: Config, path: Path, roles: frozenset[Role], *, verbose: bool) -> None:
    """Some of the work, until stopped."""
    if (problem := _unfit(config, roles)) is not None:
        click.echo(f"{path}: {problem}", err=True)
        ctx.exit(2)
    try:
        from monitor.station.role_station import RoleStation
    except ModuleNotFoundError as error:
        click.echo(f"[bus] needs nats-py ({error}); install it with: pip install 'whydown[bus]'", err=True)
        ctx.exit(1)
    logs.configure(verbose=verbose)
    try:
        tame_collector(tracing=False)
        writes = Store.open(config.history.place) if roles & WRITERS else nullcontext()
        with writes as store:
            run = serve_judge if Role.WEB in roles else serve
            asyncio.run(run(lambda: RoleStation(config, roles, store), path))
    except* (HistoryError, BusError, OSError) as group:
        for leaf in leaves(group):
            _log.error("hub_failed", error=str(leaf))
        ctx.exit(1)


def _unfit(config: Config, roles: frozenset[Role]) -> str | None:
    """Why these roles cannot be run; None: they can."""
    if config.bus is None:
        return "[bus] url is missing; it names the brokers that join the roles of a hub"
    if Role.INTAKE in roles and config.intake is None:
        return "[hub] listen is missing; it says where agents reach this hub"
    if config.intake is not None and config.intake.standby:
        return "[hub] standby does not go with roles, of which any may have a second process"
    return None
