"""`whydown export`: facts of the history as JSON lines."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from monitor.commands.history_file import history_options, history_path, plain_errors
from monitor.commands.moment import Moment
from monitor.history import Reader
from monitor.history.ris_lines import ris_line
from probes.observation import encode


@click.command(short_help="Write facts of the history as JSON lines.")
@click.argument("target", required=False)
@click.option("--since", type=Moment(), default="24h", show_default=True, help="30m, 24h, 7d, or an ISO time.")
@click.option("--until", type=Moment(), default="now", show_default=True, help="The same; exclusive.")
@click.option("--vantage", help="Only what this vantage saw.")
@click.option(
    "--kind", type=click.Choice(["http", "dns", "trace", "not_measured"]), help="Only these observations."
)
@click.option("--routes", is_flag=True, help="Route events as RIS Live messages, instead of observations.")
@history_options
def command(
    target: str | None,
    since: float,
    until: float,
    vantage: str | None,
    kind: str | None,
    routes: bool,
    config: Path,
    database: Path | None,
) -> None:
    """Write observations of TARGET, or of all, in the order in which they were complete; `whydown import`
    and `whydown replay` read them.

    \b
    whydown export shop --since 2h > observations.jsonl
    whydown export --since 2h --routes > routes.jsonl
    """
    if routes and (target or vantage or kind):
        raise click.UsageError("--routes takes no TARGET, --vantage or --kind: routes belong to prefixes")
    output = sys.stdout.buffer
    with plain_errors(), Reader.open(history_path(database, config)) as reader:
        if not routes:
            for observation in reader.observations(since, until, target=target, vantage=vantage, kind=kind):
                output.write(encode(observation) + b"\n")
            return
        left_out = 0
        for fact in reader.routes(since, until):
            line = ris_line(fact)
            if line is None:
                left_out += 1
            else:
                output.write(line + b"\n")
    if left_out:
        click.echo(f"states of feeds left out, for which RIS Live has no message: {left_out}", err=True)
