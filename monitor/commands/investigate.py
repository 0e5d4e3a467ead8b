"""`whydown investigate`: a past window through the engine, with routes fetched where none are stored."""

from __future__ import annotations

import asyncio
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from monitor.bgp.sources import AnswerFolder, Query, Ripestat, SavedAnswers
from monitor.bgp.sources.ripestat import GAP_S, URL
from monitor.commands.history_file import history_options, history_place, plain_errors
from monitor.commands.incident_output import show_incidents
from monitor.commands.moment import Moment
from monitor.commands.replay import Complaints, read_or_exit
from monitor.commands.zone import Zone
from monitor.config import ConfigError, load_config
from monitor.diagnose import Knowledge, known_at
from monitor.history import Store
from monitor.hub.tables import TableLoader, Tables
from monitor.investigate import (
    Facts,
    Fetched,
    InvestigationError,
    Window,
    counted,
    facts_of_folder,
    facts_of_history,
    has_routes,
    investigate,
    routes_by_answers,
    routes_of_files,
)
from monitor.model import Prefix, parse_prefix
from monitor.model.history_place import HistoryPlace
from monitor.report.moment import clock as clock_text
from monitor.report.safe_text import one_line
from monitor.station import logs
from probes import clock

_BATCH = 1000
_SHOWN_PROBLEMS = 20
_SHOWN_PERIODS = 20
_RIPESTAT, _NONE = "ripestat", "none"


class _Prefixes(click.ParamType[Prefix]):
    name = "prefix"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Prefix:
        """A prefix without host bits."""
        if not isinstance(value, str):
            return value  # type: ignore[return-value]
        try:
            return parse_prefix(value)
        except ValueError:
            self.fail(f"{value[:64]!r} is no prefix such as 203.0.113.0/24", param, ctx)


@click.command(short_help="Diagnose a past window, fetching its routes.")
@click.option("--target", required=True, help="The target's name in the configuration.")
@click.option("--from", "since", type=Moment(), help="30m, 24h, 7d (ago), or an ISO time with its zone.")
@click.option("--to", "until", type=Moment(), help="The same; exclusive.  [default: now, or the folder's end]")
@click.option(
    "--routes", multiple=True, metavar="ripestat|FILE|none",
    help="Where routes come from besides the history; several FILEs may be given (MRT, RIS Live lines)."
    "  [default: ripestat where the history has none]",
)  # fmt: skip
@click.option("--prefix", "named", type=_Prefixes(), multiple=True, help="A prefix to ask about besides.")
@click.option(
    "--offline", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR",
    help="Take RIPEstat's answers from this folder (*.json, *.json.gz); ask nobody.",
)  # fmt: skip
@click.option(
    "--ripestat",
    "url",
    default=URL,
    show_default=True,
    help="RIPEstat, or a mirror of it, which is asked without pauses.",
)
@click.option(
    "--folder", type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="An incident folder in place of the history.",
)  # fmt: skip
@click.option("--keep", is_flag=True, help="Write the fetched routes into the history.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per incident and line.")
@click.option("--explain", "explained", is_flag=True, help="Print every term of each verdict.")
@click.option("--timezone", type=Zone(), default="UTC", show_default=True, help="Of the times shown.")
@history_options
def command(
    target: str,
    since: float | None,
    until: float | None,
    routes: tuple[str, ...],
    named: tuple[Prefix, ...],
    offline: Path | None,
    url: str,
    folder: Path | None,
    keep: bool,
    as_json: bool,
    explained: bool,
    timezone: ZoneInfo,
    config: Path,
    database: HistoryPlace | None,
) -> None:
    """Diagnose a window of the past: what was measured then, with the routes of then.

    The history has the measurements. Where it has no routes to the target (no [[bgp]] feed ran, or it watched
    something else), RIPE NCC's RIPEstat is asked: who announced the target's prefixes over the last month, the
    table at the start, each update until the end. Its updates reach back to January 2024. What was asked is
    told on standard error; answers about the past are kept beside the history, so that asking again is free.

    \b
    whydown investigate --target shop --from 3h
    whydown investigate --target shop --from 2026-06-16T07:00Z --to 2026-06-16T12:00Z --explain
    whydown investigate --target shop --from 3h --routes rib.20260616.0000.bz2 --routes updates.20260616.0700.gz
    whydown investigate --target shop --folder incident/ --offline answers/ --json

    A more-specific prefix that lived for less than eight hours may be missing from RIPEstat's history: name it
    with --prefix. Exit 0 whatever the incidents; 2 when the window cannot be investigated.
    """
    logs.configure()
    try:
        with plain_errors():
            window, facts = _facts(target, since, until, folder, config, database)
            where = _Where(words=routes, files=_files(routes), named=named, offline=offline, url=url)
            fetched = asyncio.run(_fetch(facts, window, where))
            if keep:
                _keep(fetched, folder, history_place(database, config))
    except (InvestigationError, ConfigError, OSError) as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    _tell(fetched, facts, window)
    show_incidents(
        investigate(facts, fetched, window), timezone, as_json=as_json, explained=explained,
        terms_by=f"{shlex.join(['whydown', *sys.argv[1:]])} --explain",
    )  # fmt: skip
    if not as_json:
        _show_background(fetched, timezone)


def _files(routes: tuple[str, ...]) -> tuple[Path, ...]:
    """The files among `--routes`; the two words stand for themselves, and alone."""
    words = [one for one in routes if one in (_RIPESTAT, _NONE)]
    if _NONE in words and len(routes) > 1:
        raise click.UsageError("--routes none goes with no other --routes")
    files = tuple(Path(one) for one in routes if one not in words)
    for file in files:
        if not file.is_file():
            raise click.UsageError(f"--routes {str(file)!r}: neither ripestat nor none nor a file that exists")
    return files


def _facts(
    target: str,
    since: float | None,
    until: float | None,
    folder: Path | None,
    config: Path,
    database: HistoryPlace | None,
) -> tuple[Window, Facts]:
    if folder is not None:
        read = read_or_exit(folder)
        times = [known_at(fact) for fact in read.facts] or [0.0]
        # Exclusive ends: the last fact belongs to the window.
        window = _window(target, since if since is not None else times[0], until or times[-1] + 1.0)
        return window, facts_of_folder(read, window)
    if since is None:
        raise click.UsageError("--from is missing; without --folder it says where to begin")
    window = _window(target, since, until if until is not None else clock.wall())
    loaded = load_config(config)
    tables = asyncio.run(TableLoader().load(loaded, Tables(), at=window.since))
    knowledge = Knowledge.from_config(
        loaded, prefix_table=tables.prefixes, vrps=tables.vrps, relationships=tables.relationships
    )
    return window, facts_of_history(history_place(database, config), loaded, knowledge, window)


def _window(target: str, since: float, until: float) -> Window:
    if not since < until:
        raise click.UsageError("--from must be before --to")
    return Window(target=target, since=since, until=until)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Where:
    """Where routes come from: what `--routes` says, its files, and how RIPEstat is asked."""

    words: tuple[str, ...]
    files: tuple[Path, ...]
    named: tuple[Prefix, ...]
    offline: Path | None
    url: str


async def _fetch(facts: Facts, window: Window, where: _Where) -> Fetched:
    watch = facts.watch(window, where.named)
    fetched = routes_of_files(where.files, watch, window, Complaints()) if where.files else Fetched()
    if _RIPESTAT not in where.words and (where.words or has_routes(facts, watch)):
        return fetched
    if where.offline is not None:
        saved = SavedAnswers(where.offline, _told)
        if saved.refused:
            click.echo(f"{where.offline}: {len(saved.refused)} files are no answers about routes", err=True)
        named = (*where.named, *saved.prefixes(watch.covers_event))
        asked = await routes_by_answers(saved, watch, window, named)
    else:
        folder = AnswerFolder(facts.config.history.folder / "ripestat")
        # The pauses are RIPEstat's rule; a mirror of one's own has none.
        gap_s = GAP_S if where.url == URL else 0.0
        async with Ripestat(folder, url=where.url, gap_s=gap_s, told=_told) as answers:
            asked = await routes_by_answers(answers, watch, window, where.named)
    asked.routes += fetched.routes
    return asked


def _told(query: Query, how: str) -> None:
    click.echo(f"RIPEstat {query}: {how}", err=True)


def _tell(fetched: Fetched, facts: Facts, window: Window) -> None:
    """Where the facts come from, and what could not be had."""
    vantages = len({seen.vantage for seen in facts.observations})
    stored, more = counted(facts.routes), counted(fetched.routes)
    click.echo(
        f"facts: {len(facts.observations)} observations of {vantages} vantages; routes stored: {stored[0]} of"
        f" tables, {stored[1]} updates; fetched: {more[0]} of tables, {more[1]} updates",
        err=True,
    )
    vrps = facts.knowledge.vrps
    if vrps is not None and vrps.made_at is not None and vrps.made_at > window.until:
        click.echo("VRPs are newer than the window: a ROA may have been issued since", err=True)
    for problem in fetched.problems[:_SHOWN_PROBLEMS]:
        click.echo(f"not had: {one_line(problem, 300)}", err=True)
    if len(fetched.problems) > _SHOWN_PROBLEMS:
        click.echo(f"not had: {len(fetched.problems) - _SHOWN_PROBLEMS} further answers", err=True)


def _show_background(fetched: Fetched, timezone: ZoneInfo) -> None:
    """What RIPEstat says besides: who originated the prefixes over the month, and what RPKI says today."""
    if fetched.periods:
        click.echo("ORIGINS OVER THE LAST 30 DAYS (RIPE RIS, steps of 8 hours)")
    for period in fetched.periods[-_SHOWN_PERIODS:]:
        span = f"{clock_text(period.since, timezone)} to {clock_text(period.until, timezone)}"
        share = "" if period.visibility is None else f", {period.visibility:.0%} of full tables"
        click.echo(f"{period.prefix}  AS{period.origin}  {span}, {period.peers:.0f} peers{share}")
    if fetched.rpki_now:
        click.echo("RPKI TODAY (not in the window; RIPEstat has no past of it)")
    for answer in fetched.rpki_now:
        by = "; ".join(str(vrp) for vrp in answer.vrps[:4])
        click.echo(
            f"{answer.prefix}  AS{answer.origin}  {one_line(answer.status, 32)}" + (f"  by {by}" if by else "")
        )


def _keep(fetched: Fetched, folder: Path | None, place: HistoryPlace) -> None:
    if folder is not None:
        raise click.UsageError("--keep writes into a history; with --folder there is none")
    if not fetched.routes:
        return
    with Store.open(place) as store:
        for start in range(0, len(fetched.routes), _BATCH):
            store.add_routes(fetched.routes[start : start + _BATCH])
    click.echo(f"kept {len(fetched.routes)} route facts in {place}", err=True)
