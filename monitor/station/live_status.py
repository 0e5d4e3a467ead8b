"""The live status on a terminal: what each vantage sees of each target, what is wrong, who was told.

Draws a `Snapshot` with rich and knows nothing else; `whydown run` shows it all the time, `whydown status`
once. Names and errors come from strangers, so every text goes through `one_line` and is given to rich as
text, never as markup.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from monitor.model.incident import Incident
from monitor.model.route import FeedTally
from monitor.model.verdict import Cause, Verdict
from monitor.report.cause_name import percent
from monitor.report.headline import subject_of, witnesses
from monitor.report.safe_text import one_line
from monitor.station.board import Board, Row
from probes.observation import completed_at

MOST_ROWS = 60
MOST_INCIDENTS = 8
MOST_FEEDS = 8
_NAME = 32

# One character a round: a person sees a pattern sooner than a number.
_OUTCOME = {True: ("▪", "green"), False: ("▪", "bold red"), None: ("·", "dim")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that is drawn. `verdicts` by target; `waiting`: facts not yet stored; `log`: newest line last.

    `controls` and `feeds`: the names of those that the configuration has.
    """

    now: float
    title: str
    board: Board
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    incidents: Sequence[Incident] = ()
    mails: Sequence[str] = ()
    log: Sequence[str] = ()
    waiting: int = 0
    controls: Collection[str] = ()
    feeds: Collection[str] = ()


def draw(snapshot: Snapshot) -> RenderableType:
    """The whole screen."""
    parts: list[RenderableType] = [_head(snapshot), _targets(snapshot)]
    parts += _section(
        "open incidents", [incident_line(one, snapshot.now) for one in snapshot.incidents], MOST_INCIDENTS
    )
    parts += _section("feeds", [_counts(tally) for tally in snapshot.board.tallies.values()], MOST_FEEDS)
    parts += _section("last mails", [Text(one_line(line, 160)) for line in snapshot.mails], 3)
    parts += _section("log", [Text(one_line(line, 200), style="dim") for line in snapshot.log], 6)
    return Group(*parts)


def incident_line(incident: Incident, now: float) -> Text:
    """One open incident: cause, whom it hits, for how long."""
    sure = "suspected " if incident.suspected else ""
    who = one_line(subject_of(incident), _NAME)
    line = Text()
    line.append(f"{sure}{incident.cause} {percent(incident.confidence)}", style="bold red")
    line.append(f"  {who}  since {_age(now - incident.opened_at)}")
    line.append(f"  {witnesses(incident)}  {one_line(incident.id, 60)}", style="dim")
    return line


def _counts(tally: FeedTally) -> Text:
    """What one feed received and what became of it."""
    line = Text(
        f"{one_line(tally.source, _NAME)}  {tally.received:,} received in {_age(tally.at - tally.since)}: "
    )
    line.append(f"{tally.parsed:,} read, {tally.relevant:,} relevant, {tally.late:,} late, ")
    line.append(f"{tally.dropped:,} routes dropped", style="yellow" if tally.dropped else "")
    line.append(f", {tally.bad:,} bad", style="yellow" if tally.bad else "")
    return line


def _head(snapshot: Snapshot) -> Text:
    line = Text(one_line(snapshot.title, 100), style="bold")
    for feed in snapshot.board.feeds.values():
        word = "live" if feed.live else f"blind: {one_line(feed.reason, 60)}"
        line.append(f"  {one_line(feed.source, _NAME)} {word}", style="green" if feed.live else "yellow")
    for name in snapshot.feeds:
        if name not in snapshot.board.feeds:
            # A feed asks for the routes to addresses, which the first answers bring.
            line.append(f"  {one_line(name, _NAME)} not heard yet", style="yellow")
    if snapshot.waiting > 100:
        line.append(f"  {snapshot.waiting} facts wait for the history", style="yellow")
    return line


def _targets(snapshot: Snapshot) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("target", "vantage", "verdict", "last", "connect", "wait", "age"):
        table.add_column(name, justify="right" if name in ("connect", "wait", "age") else "left", no_wrap=True)
    table.add_column("rounds", no_wrap=True)
    rows = snapshot.board.rows
    # Trouble first, when not all fit.
    shown = sorted(rows, key=lambda row: row.last is None or row.last.failure is None)[:MOST_ROWS]
    for row in sorted(shown, key=lambda row: (row.target, row.vantage)):
        table.add_row(*_cells(row, snapshot))
    if len(rows) > MOST_ROWS:
        table.add_row(Text(f"and {len(rows) - MOST_ROWS} more", style="dim"))
    if not rows:
        table.add_row(Text("the first round is under way", style="dim"))
    return table


def _cells(row: Row, snapshot: Snapshot) -> Iterable[Text]:
    last = row.last
    yield Text(one_line(row.target, _NAME))
    yield Text(one_line(row.vantage, _NAME))
    yield _verdict(row, snapshot)
    if last is None:
        yield Text("not measured", style="dim")
        yield from (Text("-"), Text("-"), Text("-"))
    else:
        failed = last.failure is not None
        word = last.failure.value if last.failure is not None else f"ok {last.status or ''}".rstrip()
        yield Text(word, style="red" if failed else "green")
        yield Text(_milliseconds(last.connect_s))
        yield Text(_milliseconds(last.wait_s))
        yield Text(_age(snapshot.now - completed_at(last)))
    yield Text.assemble(*(_OUTCOME[outcome] for outcome in row.outcomes))


def _verdict(row: Row, snapshot: Snapshot) -> Text:
    """The latest verdict; without an engine at hand, the open incident that says what was last concluded."""
    if row.target in snapshot.controls:
        return Text("control", style="dim")
    if any(one.cause is Cause.VANTAGE_FAULT and row.vantage in one.affected for one in snapshot.incidents):
        return Text(Cause.VANTAGE_FAULT, style="yellow")
    incident = next((one for one in snapshot.incidents if row.target in (one.target, *one.members)), None)
    found = snapshot.verdicts.get(row.target) or incident
    if found is None:
        return Text("-", style="dim")
    if found.cause is Cause.OK:
        return Text("ok", style="green")
    if found.cause is Cause.INSUFFICIENT:
        return Text("insufficient", style="yellow")
    sure = "suspected " if found.suspected else ""
    return Text(f"{sure}{found.cause} {percent(found.confidence)}", style="bold red")


def _section(title: str, lines: Sequence[Text], most: int) -> list[RenderableType]:
    if not lines:
        return []
    return [Text(f"\n{title}", style="bold"), *lines[-most:]]


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.1f} ms"


def _age(seconds: float) -> str:
    seconds = max(seconds, 0.0)
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
