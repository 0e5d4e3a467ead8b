"""`whydown history`: what was measured, heard and concluded over a window of time."""

from __future__ import annotations

import difflib
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import msgspec
from rich.console import Console, RenderableType

from monitor.commands.history_file import history_options, history_place, plain_errors
from monitor.commands.history_save import SaveFile, save_latency
from monitor.commands.history_window import Other, Shift, Window, incident_window
from monitor.commands.moment import Moment
from monitor.commands.zone import Zone
from monitor.config import parse_duration
from monitor.history import Reader
from monitor.history.comparison import Comparison, comparison
from monitor.history.overview import Overview, Question, Section, overview
from monitor.model.history_place import HistoryPlace
from monitor.report.comparison_table import comparison_report
from monitor.report.history_table import history_report
from monitor.report.latency_plot import latency_plots

# At most that many buckets by default, and none shorter: a sparkline is narrower than a plot, and a plot's line
# breaks where a bucket is empty.
_SPARKLINE, _PLOT = (40, 1.0), (160, 60.0)
_BY = ("vantage", "phase")
_CHANGES = frozenset({Section.PATHS, Section.DNS, Section.CERTIFICATES, Section.ROUTES})
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
@click.option("--incident", help="Instead of both: from an incident's first bad fact to its close.")
@click.option("--vantage", help="Only what this vantage saw.")
@click.option(
    "--by", type=_Grouping(), default="vantage,phase", show_default=True, help="What keeps latency apart."
)
@click.option("--percentiles", "latency", is_flag=True, help="Latency: p50, p95, p99 over every measurement.")
@click.option("--failures", is_flag=True, help="Failures by word, and rounds that did not take place.")
@click.option("--changes", is_flag=True, help="All changes: paths, DNS answers, certificates, routes.")
@click.option("--paths", is_flag=True, help="Changes of traceroute paths.")
@click.option("--dns", is_flag=True, help="Changes of DNS answers.")
@click.option("--certificates", is_flag=True, help="Changes of certificates and keys.")
@click.option("--routes", is_flag=True, help="Route events by prefix and origin.")
@click.option("--incidents", is_flag=True, help="Incidents that were open in the window.")
@click.option("--bucket", type=_Bucket(), help="Also latency over time, one row for each 5m, 1h, …")
@click.option(
    "--compare", type=Other(),
    help="Beside a window as long: before, yesterday, so much earlier (7d), or from a moment on.",
)  # fmt: skip
@click.option("--plot", is_flag=True, help="Latency over time as plots in the terminal.")
@click.option(
    "--save", type=SaveFile(), metavar="FILE",
    help="Write latency over time: .png or .svg a plot; .csv, .parquet or .jsonl the figures.",
)  # fmt: skip
@click.option(
    "--timezone", type=Zone(), default="UTC", show_default=True, help="Of the times shown: Europe/Berlin."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@history_options
def command(
    since: float,
    until: float,
    incident: str | None,
    bucket: float | None,
    compare: Shift | None,
    plot: bool,
    save: Path | None,
    timezone: ZoneInfo,
    as_json: bool,
    config: Path,
    database: HistoryPlace | None,
    target: str | None,
    vantage: str | None,
    by: frozenset[str],
    **sections: bool,
) -> None:
    """Latency by phase and vantage with percentiles, failures, changes of paths, names, certificates and
    routes, and incidents, of TARGET or of all. Options that name a section show only those.

    Buckets of whole minutes come from roll-ups, as do all of a window of 40 minutes or more without --bucket:
    they begin at whole minutes, and their percentiles are within 2 % of the measurements' own. Shorter ones
    come from the measurements, as long as these are kept.

    --compare shows what differs: figures, failures, and the addresses, keys, paths and origins that only one of
    the two windows saw.

    \b
    whydown history shop --since 7d --percentiles --bucket 1h
    whydown history --failures --vantage seoul-1
    whydown history shop --changes --since 2026-01-31T08:00Z
    whydown history shop --since 2h --compare yesterday
    whydown history --incident last --compare before
    whydown history shop --plot
    whydown history shop --since 7d --bucket 10m --save shop.svg
    """
    drawn = plot or save is not None
    if compare is not None and (drawn or bucket is not None or any(sections.values())):
        raise click.UsageError("--compare takes no --plot, --save, --bucket and no sections")
    with plain_errors(), Reader.open(history_place(database, config)) as reader:
        _check_name("target", target, reader.targets())
        _check_name("vantage", vantage, reader.vantages())
        window = Window(since, until) if incident is None else incident_window(reader, incident)
        if not window.since < window.until:
            raise click.UsageError("--since must be before --until")
        bucket_s = window.bucket_s(bucket, *(_PLOT if drawn else _SPARKLINE))
        window = window.from_whole_minutes(bucket_s)
        question = Question(
            since=window.since, until=window.until, target=target, vantage=vantage,
            sections=_sections(sections, drawn=drawn), by=by, bucket_s=bucket_s,
        )  # fmt: skip
        found = _ask(reader, question, compare)
        if drawn and bucket is None and isinstance(found, Overview):
            found = _where_measured(reader, found)
    if save is not None and isinstance(found, Overview):
        save_latency(save, found, timezone)
    elif as_json:
        for answer in found.answers():
            click.echo(msgspec.json.encode(answer))
    else:
        _show(found, timezone, plot=plot, buckets=bucket is not None)


def _sections(named: dict[str, bool], *, drawn: bool) -> frozenset[Section]:
    if drawn:
        return frozenset({Section.LATENCY, Section.INCIDENTS})
    changes = _CHANGES if named.pop("changes") else frozenset()
    return changes | {Section(name) for name, wanted in named.items() if wanted} or frozenset(Section)


def _ask(reader: Reader, question: Question, compare: Shift | None) -> Overview | Comparison:
    try:
        if compare is None:
            return overview(reader, question)
        then = compare(question.since, question.until)
        return comparison(reader, question, then, then + question.until - question.since)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _where_measured(reader: Reader, found: Overview) -> Overview:
    """Drawn closer, where less than half of the window was measured: a new monitor's day would be one bar."""
    question, measured = found.question, [one for one in found.latency or () if one.points]
    first = min((one.points[0].at for one in measured), default=question.since)
    last = max((one.points[-1].at for one in measured), default=question.until) + question.bucket_s
    if last - first > (question.until - question.since) / 2:
        return found
    window = Window(first, min(last, question.until))
    bucket_s = window.bucket_s(None, *_PLOT)
    window = window.from_whole_minutes(bucket_s)
    return overview(reader, replace(question, since=window.since, until=window.until, bucket_s=bucket_s))


def _show(found: Overview | Comparison, zone: ZoneInfo, *, plot: bool, buckets: bool) -> None:
    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    parts: Iterator[RenderableType]
    if isinstance(found, Comparison):
        parts = comparison_report(found, zone=zone)
    elif plot:
        parts = latency_plots(found.latency or (), found.question, zone=zone, width=console.width)
    else:
        parts = history_report(found, zone=zone, now=time.time(), buckets=buckets)
    for part in parts:
        console.print(part)


def _check_name(what: str, name: str | None, known: list[str]) -> None:
    """Say what was meant, instead of showing nothing for a name that is not there."""
    if name is None or name in known:
        return
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else f" There are: {', '.join(map(repr, known[:20])) or 'none'}."
    raise click.ClickException(f"no {what} {name!r} in this history.{hint}")
