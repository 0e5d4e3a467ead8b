"""`whydown status`: what the newest facts in the history say, and whether anybody still writes them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
from rich.console import Console

from monitor.bgp.sources import table_at, table_date
from monitor.config import ConfigError, load_config
from monitor.history import HistoryError, Reader
from monitor.model.incident import Incident
from monitor.model.route import FeedState, FeedTally
from monitor.model.settings import Config
from monitor.station.board import Board, Row
from monitor.station.live_status import Snapshot, draw
from probes import HttpObservation, clock

LOOK_BACK_S = 3600.0
"""Rows older than this are not shown: they are history."""

SILENT_AFTER_S = 300.0
"""Without a fact for this long the monitor is taken for dead; the longest usual interval of cron."""


# Output that goes to a file or a pipe is not cut to a terminal's 80 columns.
_PIPE_WIDTH = 140


class VantageState(msgspec.Struct, frozen=True, kw_only=True):
    """One target at one vantage: its last exchange, and how many of the newest rounds failed."""

    target: str
    vantage: str
    last: HttpObservation | None
    rounds: int
    failures: int


class FeedReport(msgspec.Struct, frozen=True, kw_only=True):
    """One route feed: its state since `since`, and what it counted within the hour; None: nothing was told."""

    source: str
    live: bool
    since: float
    reason: str
    counts: FeedTally | None


class TableAge(msgspec.Struct, frozen=True, kw_only=True):
    """A table file that the configuration names. `age_s`: by the date in its name or the file's; None: no file."""

    name: str
    path: str
    age_s: float | None


class StatusReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints. `age_s`: of the newest fact; None: there is none within an hour."""

    at: float
    alive: bool
    age_s: float | None
    rows: tuple[VantageState, ...]
    feeds: tuple[FeedReport, ...]
    tables: tuple[TableAge, ...]
    open_incidents: tuple[Incident, ...]


@click.command(short_help="What a running monitor sees now.")
@click.option(
    "--config", type=click.Path(path_type=Path), default=Path("config.toml"), show_default=True,
    help="Configuration file, for the history's path.",
)  # fmt: skip
@click.option("--database", type=click.Path(path_type=Path), default=None, help="History file, instead.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
@click.pass_context
def command(ctx: click.Context, config: Path, database: Path | None, as_json: bool) -> None:
    """Show the last observation of each target at each vantage, open incidents, and the monitor's own life.

    It only reads the history, so it works beside a running monitor. Exit 0: facts are fresh. Exit 1: the
    newest fact is older than five minutes, or there is none. Exit 2: bad usage or configuration.

    \b
    whydown status
    whydown status --json | jq '.open_incidents[].cause'
    """
    try:
        now = clock.wall()
        path, controls, tables = _where(database, config, now)
        board, incidents = _read(path, now)
    except ConfigError as error:
        click.echo(str(error), err=True)
        ctx.exit(2)
    except HistoryError as error:
        click.echo(str(error), err=True)
        ctx.exit(1)
    age_s = None if board.newest_at is None else round(max(now - board.newest_at, 0.0), 3)
    alive = age_s is not None and age_s < SILENT_AFTER_S
    if as_json:
        click.echo(msgspec.json.encode(_report(board, incidents, tables, now, age_s, alive=alive)))
    else:
        title = f"newest fact {_spoken(age_s)} old" + ("" if alive else ": no monitor is writing")
        console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
        console.print(draw(Snapshot(now=now, title=title, board=board, incidents=incidents, controls=controls)))
        for table in tables:
            age = "no such file" if table.age_s is None else f"{table.age_s / 3600.0:.1f} h old"
            click.echo(f"{table.name}: {table.path}, {age}")
    ctx.exit(0 if alive else 1)


def _where(database: Path | None, config: Path, now: float) -> tuple[Path, list[str], tuple[TableAge, ...]]:
    """The history's file; the controls' names and the tables where a configuration tells them."""
    if database is not None:
        return database, [], ()
    loaded = load_config(config)
    return loaded.history.path, [control.name for control in loaded.controls], tuple(_tables(loaded, now))


def _tables(config: Config, now: float) -> Iterator[TableAge]:
    """VRPs that come from a URL have no file: how old those are, the running monitor's log says."""
    vrps = config.rpki.vrps
    if vrps is not None and "://" not in vrps:
        yield _table_age("vrps", Path(vrps), now)
    table = config.prefix_to_as.path
    if table is not None:
        yield _table_age("prefix_to_as", table_at(table, now), now)


def _table_age(name: str, path: Path, now: float) -> TableAge:
    made_at = table_date(path) if path.is_file() else None
    return TableAge(name=name, path=str(path), age_s=None if made_at is None else round(now - made_at, 3))


def _read(path: Path, now: float) -> tuple[Board, list[Incident]]:
    board = Board()
    with Reader.open(path) as reader:
        # A clock that is a little ahead elsewhere must not hide the newest facts.
        board.see(reader.observations(now - LOOK_BACK_S, now + SILENT_AFTER_S))
        board.see(reader.routes(now - LOOK_BACK_S, now + SILENT_AFTER_S))
        return board, [incident for incident, _ in reader.open_incidents()]


def _report(
    board: Board,
    incidents: list[Incident],
    tables: tuple[TableAge, ...],
    now: float,
    age_s: float | None,
    *,
    alive: bool,
) -> StatusReport:
    return StatusReport(
        at=now,
        alive=alive,
        age_s=age_s,
        rows=tuple(_state(row) for row in board.rows),
        feeds=tuple(_feed(state, board.tallies.get(state.source)) for state in board.feeds.values()),
        tables=tables,
        open_incidents=tuple(incidents),
    )


def _state(row: Row) -> VantageState:
    return VantageState(
        target=row.target, vantage=row.vantage, last=row.last, rounds=row.measured, failures=row.failures
    )


def _feed(state: FeedState, counts: FeedTally | None) -> FeedReport:
    return FeedReport(source=state.source, live=state.live, since=state.at, reason=state.reason, counts=counts)


def _spoken(age_s: float | None) -> str:
    return "more than an hour" if age_s is None else f"{age_s:.0f} s"
