"""`whydown export`: facts of the history as JSON lines or as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO

import click
import msgspec

from monitor.commands.history_file import history_options, history_place, plain_errors
from monitor.commands.moment import Moment
from monitor.commands.output_file import STANDARD_OUTPUT, write_output
from monitor.commands.target_hosts import target_urls
from monitor.files import write_csv, write_json_lines, write_parquet
from monitor.history import Reader
from monitor.history.ris_lines import ris_line
from monitor.hub.warm_start import past_hours
from monitor.model import RouteFact
from monitor.model.history_place import HistoryPlace
from monitor.report.safe_text import one_line
from probes.atlas import AtlasError, write_result
from probes.observation import DnsObservation, HttpObservation, NotMeasured, Observation, TraceObservation

_SHOWN_REASONS = 5
_KINDS: dict[str, type[Observation]] = {
    "http": HttpObservation,
    "dns": DnsObservation,
    "trace": TraceObservation,
    "not_measured": NotMeasured,
}
_TABLES = {"csv": write_csv, "parquet": write_parquet}


@click.command(short_help="Write facts of the history as JSON lines or tables.")
@click.argument("target", required=False)
@click.option("--since", type=Moment(), default="24h", show_default=True, help="30m, 24h, 7d, or an ISO time.")
@click.option("--until", type=Moment(), default="now", show_default=True, help="The same; exclusive.")
@click.option("--vantage", help="Only what this vantage saw.")
@click.option("--kind", type=click.Choice(list(_KINDS)), help="Only these observations.")
@click.option(
    "--format", "form", type=click.Choice(["facts", "atlas", *_TABLES]), default="facts", show_default=True,
    help="Our own lines; RIPE Atlas results with the targets' URLs from --config; or a table of one --kind.",
)  # fmt: skip
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), default=STANDARD_OUTPUT, show_default=True,
    help="The file to write; - is standard output.",
)  # fmt: skip
@click.option("--routes", is_flag=True, help="Route events as RIS Live messages, instead of observations.")
@click.option("--routes-before", is_flag=True, help="Those of before --since that still say something then.")
@click.option("--hours-before", is_flag=True, help="How long exchanges took at the hours of the weeks before.")
@history_options
def command(
    target: str | None,
    since: float,
    until: float,
    vantage: str | None,
    kind: str | None,
    form: str,
    output: Path,
    routes: bool,
    routes_before: bool,
    hours_before: bool,
    config: Path,
    database: HistoryPlace | None,
) -> None:
    """Write observations of TARGET, or of all, in the order in which they were complete; `whydown import`
    and `whydown replay` read them.

    A table (csv, parquet) has the same fields, with wall times as times; what is nested is JSON text in a cell of
    CSV, where text that a spreadsheet would take for a formula gets an apostrophe in front.

    \b
    whydown export shop --since 2h > observations.jsonl
    whydown export --since 2h --routes > routes.jsonl
    whydown export --since 2h --routes-before > routes-before.jsonl
    whydown export --since 2h --hours-before > hours-before.jsonl
    whydown export shop --since 2h --format atlas > results.jsonl
    whydown export shop --since 30d --kind http --format parquet --output http.parquet
    """
    if routes + routes_before + hours_before > 1:
        raise click.UsageError("--routes, --routes-before and --hours-before belong into a file each")
    if hours_before and (vantage or kind or form != "facts"):
        raise click.UsageError("--hours-before takes no --vantage, --kind or --format: it is of all vantages")
    if (routes or routes_before) and (target or vantage or kind or form != "facts"):
        raise click.UsageError(
            "--routes takes no TARGET, --vantage, --kind or --format: routes belong to prefixes"
        )
    if form in _TABLES and kind is None:
        raise click.UsageError(f"--format {form} is a table of one kind of observation: which --kind?")
    with plain_errors(), Reader.open(history_place(database, config)) as reader:
        if hours_before:
            hours = past_hours(reader, since, [target] if target else reader.targets())
            write_output(output, lambda file: file.writelines(msgspec.json.encode(one) + b"\n" for one in hours))
            return
        if routes or routes_before:
            facts = reader.routes(since, until) if routes else reader.routes_before(since)
            write_output(output, lambda file: _write_routes(file, facts))
            return
        observations = reader.observations(since, until, target=target, vantage=vantage, kind=kind)
        if form == "atlas":
            urls = target_urls(config)
            write_output(output, lambda file: _write_atlas(file, observations, urls))
        elif kind is not None and form in _TABLES:
            write_output(output, lambda file: _TABLES[form](file, _KINDS[kind], observations))
        else:
            write_output(output, lambda file: write_json_lines(file, observations))


def _write_routes(file: IO[bytes], facts: Iterable[RouteFact]) -> None:
    left_out = 0
    for fact in facts:
        line = ris_line(fact)
        if line is None:
            left_out += 1
        else:
            file.write(line + b"\n")
    if left_out:
        click.echo(f"states of feeds left out, for which RIS Live has no message: {left_out}", err=True)


def _write_atlas(file: IO[bytes], observations: Iterable[Observation], urls: Mapping[str, str]) -> None:
    left_out: Counter[str] = Counter()
    for observation in observations:
        try:
            line = write_result(observation, urls.get(observation.target))
        except AtlasError as error:
            left_out[str(error)] += 1
        else:
            file.write(line + b"\n")
    for reason, count in left_out.most_common(_SHOWN_REASONS):
        click.echo(f"left out, for which RIPE Atlas has no result: {count} ({one_line(reason, 200)})", err=True)
    if others := sum(count for _, count in left_out.most_common()[_SHOWN_REASONS:]):
        click.echo(f"left out for other reasons: {others}", err=True)
