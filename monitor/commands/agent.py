"""`whydown agent`: measure what the hub says, and send it there; nothing is lost while the hub is away."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
import structlog

from monitor.agent.outpost import Outpost
from monitor.commands.daemon import daemon_options, leaves, read_config, serve
from monitor.spool import Spool, SpoolError
from monitor.station import logs
from monitor.station.heap import tame_collector
from probes import clock

_log = structlog.get_logger("agent")


@click.command(short_help="Measure from this machine and send to a hub until stopped.")
@daemon_options
@click.pass_context
def command(ctx: click.Context, path: Path, verbose: bool) -> None:
    """Measure what the hub says from this machine and send it there, until stopped.

    The file needs [vantage] name and [hub] url, and the key that `whydown enroll vantage` makes; targets come from
    the hub, as far as [hub] allow permits. What is measured is written to the spool first and leaves it when the
    hub has it; while the hub is away it waits there, for days, and then follows without delaying what is new.

    SIGTERM and SIGINT (Ctrl-C) stop after what was measured is in the spool. Exit 0: stopped as asked. Exit 1: the
    spool failed. Exit 2: bad configuration, or the key cannot be used.

    \b
    whydown enroll vantage --name seoul-1
    whydown agent --config /etc/whydown/agent.toml
    """
    config = read_config(ctx, path)
    if config.hub is None:
        click.echo(f"{path}: [hub] url is missing; it says where this agent's hub is", err=True)
        ctx.exit(2)
    logs.configure(verbose=verbose)
    tame_collector(tracing=True)
    bounds = config.spool
    try:
        with Spool.open(
            bounds.path,
            config.hub.urls,
            clock.wall(),
            most_bytes=bounds.most_bytes,
            most_age_s=bounds.most_age_s,
            keep_acknowledged_s=bounds.keep_acknowledged_s,
        ) as spool:
            asyncio.run(serve(lambda: Outpost(config, spool), path))
    except* SpoolError as group:
        for leaf in leaves(group):
            _log.error("spool_failed", error=str(leaf))
        ctx.exit(1)
    except* (OSError, ValueError) as group:
        for leaf in leaves(group):
            click.echo(str(leaf), err=True)
        ctx.exit(2)
