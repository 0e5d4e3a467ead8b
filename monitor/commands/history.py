"""`whydown history`: what was measured, heard and concluded over a window of time."""

from __future__ import annotations

import difflib
import sys
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import msgspec
from rich.console import Console

from monitor.commands.history_file import history_options, history_path, plain_errors
from monitor.commands.moment import Moment
from monitor.commands.zone import Zone
from monitor.config import parse_duration
from monitor.history import Reader
from monitor.history.overview import Question, Section, overview
from monitor.report.history_table import history_report

# The sparkline of the overview: at most that many columns, of a length that has a name.
_DEFAULT_POINTS = 40
_DEFAULT_BUCKETS_S = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 604_800)
# Buckets that are multiples of these, from a multiple on, are answered from the roll-ups.
_ROLLED_UP_S = (300, 60)
_BY = ("vantage", "phase")
# Output that goes to a file or a pipe is not cut to a terminal's 80 columns.
_PIPE_WIDTH = 160


class _Grouping(click.ParamType[frozenset[str]]):
    name = "names"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> frozenset[str]:
        """A set of the names in `vantage,phase`."""
        if isinstance(value, frozenset):
            return value
        names = frozenset(name.strip() for name in str(value).split(",") if name.strip())
        if not names <= set(_BY):
            self.fail(
                f"{str(value)[:40]!r}: some of {', '.join(_BY)} are allowed, with a comma between", param, ctx
            )
        return names


class _Bucket(click.ParamType[float]):
    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds of `5m`, `1h`."""
        try:
            seconds = parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if seconds <= 0:
            self.fail("a bucket is longer than nothing", param, ctx)
        return seconds


@click.command(short_help="Latency, failures and changes over time.")
@click.argument("target", required=False)
@click.option("--since", type=Moment(), default="24h", show_default=True, help="30m, 24h, 7d, or an ISO time.")
@click.option("--until", type=Moment(), default="now", show_default=True, help="The same; exclusive.")
@click.option("--vantage", help="Only what this vantage saw.")
@click.option(
    "--by", type=_Grouping(), default="vantage,phase", show_default=True, help="What keeps latency apart."
)
@click.option("--percentiles", "latency", is_flag=True, help="Latency: p50, p95, p99 over every measurement.")
@click.option("--failures", is_flag=True, help="Failures by word, and rounds that did not take place.")
@click.option("--paths", is_flag=True, help="Changes of traceroute paths.")
@click.option("--dns", is_flag=True, help="Changes of DNS answers.")
@click.option("--certificates", is_flag=True, help="Changes of certificates and keys.")
@click.option("--routes", is_flag=True, help="Route events by prefix and origin.")
@click.option("--incidents", is_flag=True, help="Incidents that were open in the window.")
@click.option("--bucket", type=_Bucket(), help="Also latency over time, one row for each 5m, 1h, …")
@click.option(
    "--timezone", type=Zone(), default="UTC", show_default=True, help="Of the times shown: Europe/Berlin."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@history_options
def command(
    target: str | None,
    since: float,
    until: float,
    vantage: str | None,
    by: frozenset[str],
    bucket: float | None,
    timezone: ZoneInfo,
    as_json: bool,
    config: Path,
    database: Path | None,
    **sections: bool,
) -> None:
    """Latency by phase and vantage with percentiles, failures, changes of paths, names, certificates and
    routes, and incidents, of TARGET or of all. Options that name a section show only those.

    Buckets of whole minutes come from roll-ups, as do all of a window of 40 minutes or more without --bucket:
    they begin at whole minutes, and their percentiles are within 2 % of the measurements' own. Shorter ones
    come from the measurements, as long as these are kept.

    \b
    whydown history shop --since 7d --percentiles --bucket 1h
    whydown history --failures --vantage seoul-1
    whydown history shop --paths --certificates --routes --since 2026-01-31T08:00Z
    """
    if not since < until:
        raise click.UsageError("--since must be before --until")
    bucket_s = bucket or _default_bucket(until - since)
    question = Question(
        since=_from_whole_minutes(since, bucket_s),
        until=until,
        target=target,
        vantage=vantage,
        sections=frozenset(Section(name) for name, wanted in sections.items() if wanted) or frozenset(Section),
        by=by,
        bucket_s=bucket_s,
    )
    path = history_path(database, config)
    with plain_errors(), Reader.open(path) as reader:
        _check_name("target", target, reader.targets())
        _check_name("vantage", vantage, reader.vantages())
        try:
            found = overview(reader, question)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
    if as_json:
        for answer in found.answers():
            click.echo(msgspec.json.encode(answer))
        return
    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    report = history_report(found, zone=timezone, now=time.time(), buckets=bucket is not None)
    for part in report:
        console.print(part)


def _default_bucket(window_s: float) -> float:
    shortest = max(window_s / _DEFAULT_POINTS, 1.0)
    if shortest < _DEFAULT_BUCKETS_S[0]:
        return shortest
    return next((length for length in _DEFAULT_BUCKETS_S if length >= shortest), shortest)


def _from_whole_minutes(since: float, bucket_s: float) -> float:
    step = next((step for step in _ROLLED_UP_S if bucket_s % step == 0), None)
    return since if step is None else since - since % step


def _check_name(what: str, name: str | None, known: list[str]) -> None:
    """Say what was meant, instead of showing nothing for a name that is not there."""
    if name is None or name in known:
        return
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else f" There are: {', '.join(map(repr, known[:20])) or 'none'}."
    raise click.ClickException(f"no {what} {name!r} in this history.{hint}")
