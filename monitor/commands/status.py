"""`whydown status`: what the newest facts in the history say, and whether anybody still writes them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
from rich.console import Console

from monitor.bgp.sources import table_at, table_date
from monitor.commands.history_file import Place
from monitor.config import ConfigError, load_config
from monitor.history import Contact, HistoryError, Reader
from monitor.hub.crew import MOST_OFF_S
from monitor.model.history_place import HistoryPlace
from monitor.model.incident import Incident
from monitor.model.route import FeedState, FeedTally
from monitor.model.settings import Config
from monitor.report.moment import length
from monitor.report.safe_text import one_line
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


class Presence(msgspec.Struct, frozen=True, kw_only=True):
    """One agent at its hub. `age_s`: since its newest facts came; `silent`: that is too long.

    `clock_ahead_s`: of our clock, None: it did not tell; `clock_wrong`: by more than the way here explains.
    """

    vantage: str
    age_s: float
    silent: bool
    clock_ahead_s: float | None
    clock_wrong: bool


class StatusReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints. `age_s`: of the newest fact; None: there is none within an hour."""

    at: float
    alive: bool
    age_s: float | None
    rows: tuple[VantageState, ...]
    agents: tuple[Presence, ...]
    feeds: tuple[FeedReport, ...]
    tables: tuple[TableAge, ...]
    open_incidents: tuple[Incident, ...]


@click.command(short_help="What a running monitor sees now.")
@click.option(
    "--config", type=click.Path(path_type=Path), default=Path("config.toml"), show_default=True,
    help="Configuration file, for the history's path.",
)  # fmt: skip
@click.option("--database", type=Place(), default=None, help="History file, instead.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
@click.pass_context
def command(ctx: click.Context, config: Path, database: HistoryPlace | None, as_json: bool) -> None:
    """Show the last observation of each target at each vantage, open incidents, and the monitor's own life.

    At a hub: also which agents are silent, and whose clock is wrong.

    It only reads the history, so it works beside a running monitor. Exit 0: facts are fresh. Exit 1: the
    newest fact is older than five minutes, or there is none. Exit 2: bad usage or configuration.

    \b
    whydown status
    whydown status --json | jq '.open_incidents[].cause'
    """
    try:
        now = clock.wall()
        place, controls, tables = _where(database, config, now)
        board, incidents, agents = _read(place, now)
    except ConfigError as error:
        click.echo(str(error), err=True)
        ctx.exit(2)
    except HistoryError as error:
        click.echo(str(error), err=True)
        ctx.exit(1)
    age_s = None if board.newest_at is None else round(max(now - board.newest_at, 0.0), 3)
    alive = age_s is not None and age_s < SILENT_AFTER_S
    if as_json:
        click.echo(msgspec.json.encode(_report(board, incidents, agents, tables, now, age_s, alive=alive)))
    else:
        title = f"newest fact {_spoken(age_s)} old" + ("" if alive else ": no monitor is writing")
        console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
        console.print(draw(Snapshot(now=now, title=title, board=board, incidents=incidents, controls=controls)))
        for line in _agent_lines(agents):
            click.echo(line)
        for table in tables:
            age = "no such file" if table.age_s is None else f"{table.age_s / 3600.0:.1f} h old"
            click.echo(f"{table.name}: {table.path}, {age}")
    ctx.exit(0 if alive else 1)


def _where(
    database: HistoryPlace | None, config: Path, now: float
) -> tuple[HistoryPlace, list[str], tuple[TableAge, ...]]:
    """Where the history is; the controls' names and the tables where a configuration tells them."""
    if database is not None:
        return database, [], ()
    loaded = load_config(config)
    return loaded.history.place, [control.name for control in loaded.controls], tuple(_tables(loaded, now))


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


def _read(place: HistoryPlace, now: float) -> tuple[Board, list[Incident], tuple[Presence, ...]]:
    board = Board()
    with Reader.open(place) as reader:
        # A clock that is a little ahead elsewhere must not hide the newest facts.
        board.see(reader.observations(now - LOOK_BACK_S, now + SILENT_AFTER_S))
        board.see(reader.routes(now - LOOK_BACK_S, now + SILENT_AFTER_S))
        incidents = [incident for incident, _ in reader.open_incidents()]
        return board, incidents, tuple(_presence(contact, now) for contact in reader.contacts())


def _presence(contact: Contact, now: float) -> Presence:
    age_s, ahead_s = round(max(now - contact.received_at, 0.0), 3), contact.clock_ahead_s
    return Presence(
        vantage=contact.vantage,
        age_s=age_s,
        silent=age_s >= SILENT_AFTER_S,
        clock_ahead_s=None if ahead_s is None else round(ahead_s, 3),
        clock_wrong=ahead_s is not None and abs(ahead_s) > MOST_OFF_S,
    )


def _agent_lines(agents: tuple[Presence, ...]) -> Iterator[str]:
    """What is wrong with agents; of those that are well the rows above speak."""
    for one in agents:
        name = one_line(one.vantage, 64)
        if one.silent:
            yield f"{name}: silent, its newest facts came {length(one.age_s)} ago"
        if one.clock_wrong and one.clock_ahead_s is not None:
            way = "ahead" if one.clock_ahead_s > 0 else "behind"
            yield f"{name}: its clock is {abs(one.clock_ahead_s):.1f} s {way} of this hub's"


def _report(
    board: Board,
    incidents: list[Incident],
    agents: tuple[Presence, ...],
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
        agents=agents,
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
