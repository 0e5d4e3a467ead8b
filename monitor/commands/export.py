"""`whydown export`: facts of the history as JSON lines."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from monitor.commands.history_file import history_options, history_path, plain_errors
from monitor.commands.moment import Moment
from monitor.commands.target_hosts import target_urls
from monitor.history import Reader
from monitor.history.ris_lines import ris_line
from monitor.model import RouteFact
from monitor.report.safe_text import one_line
from probes.atlas import AtlasError, write_result
from probes.observation import Observation, encode

_SHOWN_REASONS = 5


@click.command(short_help="Write facts of the history as JSON lines.")
@click.argument("target", required=False)
@click.option("--since", type=Moment(), default="24h", show_default=True, help="30m, 24h, 7d, or an ISO time.")
@click.option("--until", type=Moment(), default="now", show_default=True, help="The same; exclusive.")
@click.option("--vantage", help="Only what this vantage saw.")
@click.option(
    "--kind", type=click.Choice(["http", "dns", "trace", "not_measured"]), help="Only these observations."
)
@click.option(
    "--format", "form", type=click.Choice(["facts", "atlas"]), default="facts", show_default=True,
    help="Our own lines, or RIPE Atlas results with the targets' URLs from --config.",
)  # fmt: skip
@click.option("--routes", is_flag=True, help="Route events as RIS Live messages, instead of observations.")
@click.option("--routes-before", is_flag=True, help="Those of before --since that still say something then.")
@history_options
def command(
    target: str | None,
    since: float,
    until: float,
    vantage: str | None,
    kind: str | None,
    form: str,
    routes: bool,
    routes_before: bool,
    config: Path,
    database: Path | None,
) -> None:
    """Write observations of TARGET, or of all, in the order in which they were complete; `whydown import`
    and `whydown replay` read them.

    \b
    whydown export shop --since 2h > observations.jsonl
    whydown export --since 2h --routes > routes.jsonl
    whydown export --since 2h --routes-before > routes-before.jsonl
    whydown export shop --since 2h --format atlas > results.jsonl
    """
    if (routes or routes_before) and (target or vantage or kind or form != "facts"):
        raise click.UsageError(
            "--routes takes no TARGET, --vantage, --kind or --format: routes belong to prefixes"
        )
    if routes and routes_before:
        raise click.UsageError("--routes and --routes-before belong into a file each")
    with plain_errors(), Reader.open(history_path(database, config)) as reader:
        if routes or routes_before:
            _write_routes(reader.routes(since, until) if routes else reader.routes_before(since))
            return
        observations = reader.observations(since, until, target=target, vantage=vantage, kind=kind)
        if form == "atlas":
            _write_atlas(observations, target_urls(config))
        else:
            for observation in observations:
                sys.stdout.buffer.write(encode(observation) + b"\n")


def _write_routes(facts: Iterable[RouteFact]) -> None:
    left_out = 0
    for fact in facts:
        line = ris_line(fact)
        if line is None:
            left_out += 1
        else:
            sys.stdout.buffer.write(line + b"\n")
    if left_out:
        click.echo(f"states of feeds left out, for which RIS Live has no message: {left_out}", err=True)


def _write_atlas(observations: Iterable[Observation], urls: Mapping[str, str]) -> None:
    left_out: Counter[str] = Counter()
    for observation in observations:
        try:
            line = write_result(observation, urls.get(observation.target))
        except AtlasError as error:
            left_out[str(error)] += 1
        else:
            sys.stdout.buffer.write(line + b"\n")
    for reason, count in left_out.most_common(_SHOWN_REASONS):
        click.echo(f"left out, for which RIPE Atlas has no result: {count} ({one_line(reason, 200)})", err=True)
    if others := sum(count for _, count in left_out.most_common()[_SHOWN_REASONS:]):
        click.echo(f"left out for other reasons: {others}", err=True)
