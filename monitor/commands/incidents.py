"""`whydown incidents`: the incidents of a window, one a line."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import msgspec
from rich.console import Console

from monitor.commands.history_file import history_options, history_place, plain_errors
from monitor.commands.moment import Moment
from monitor.commands.zone import Zone
from monitor.history import Reader
from monitor.model.history_place import HistoryPlace
from monitor.report.history_table import incident_report

_PIPE_WIDTH = 160


@click.command(short_help="List incidents.")
@click.argument("target", required=False)
@click.option("--since", type=Moment(), default="7d", show_default=True, help="30m, 24h, 7d, or an ISO time.")
@click.option("--until", type=Moment(), default="now", show_default=True, help="The same; exclusive.")
@click.option("--open", "open_only", is_flag=True, help="Only those that are still open.")
@click.option(
    "--timezone", type=Zone(), default="UTC", show_default=True, help="Of the times shown: Europe/Berlin."
)
@click.option("--at", type=Moment(), default=None, help="As they were known then: 20m, or an ISO time.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@history_options
def command(
    target: str | None,
    since: float,
    until: float,
    open_only: bool,
    timezone: ZoneInfo,
    at: float | None,
    as_json: bool,
    config: Path,
    database: HistoryPlace | None,
) -> None:
    """Incidents of TARGET, or of all, that were open at some moment of the window; oldest first.

    `whydown explain ID` shows the terms of one; the first letters of its id are enough.

    \b
    whydown incidents --open
    whydown incidents --open --at 2026-06-16T09:05Z
    whydown incidents shop --since 30d --timezone Asia/Seoul
    """
    if not since < until:
        raise click.UsageError("--since must be before --until")
    with plain_errors(), Reader.open(history_place(database, config)) as reader:
        found = reader.incidents(since, until, target=target, open_only=open_only, as_of=at)
    if as_json:
        for incident in found:
            click.echo(msgspec.json.encode(incident))
        return
    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    console.print(incident_report(found, (since, until), zone=timezone, now=time.time() if at is None else at))
