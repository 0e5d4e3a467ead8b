"""The demo on a terminal: one rich picture of the board, redrawn twice a second. Only draws.

All text goes in as `rich.text.Text`, which knows no markup, after `one_line` made it printable.
"""

from __future__ import annotations

from datetime import UTC, datetime
from types import TracebackType

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from monitor.demo.board import Board, VantageRow
from monitor.demo.plain import milliseconds, route_line
from monitor.demo.story import Story
from monitor.model.verdict import Cause
from monitor.report.headline import sentence
from monitor.report.safe_text import one_line

_ROUTES_SHOWN = 6
_EVIDENCE_SHOWN = 6
_MAILS_SHOWN = 5
_SLOW_S = 0.25
_COLOUR = {Cause.OK: "green", Cause.INSUFFICIENT: "yellow"}


class ScreenTeller:
    """Redraws the picture at each tick, on the terminal's alternate screen, and leaves the last one behind."""

    def __init__(self, board: Board, story: Story, start: float, *, told: str, console: Console) -> None:
        self._board = board
        self._story = story
        self._start = start
        self._told = told
        self._console = console
        self._live = Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop")
        self._now = start

    def __enter__(self) -> ScreenTeller:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()
        self._console.print(self._picture())

    def tick(self, now: float) -> None:
        """Draw the state at `now`."""
        self._now = now
        self._live.update(self._picture(), refresh=True)

    def _picture(self) -> RenderableType:
        return picture(self._board, self._story, told=self._told, start=self._start, now=self._now)


def picture(board: Board, story: Story, *, told: str, start: float, now: float) -> RenderableType:
    """Everything the demo shows at `now`."""
    return Group(
        _header(board, story, told, now - start),
        _vantages(board),
        _verdict(board),
        _incidents(board, start),
        _routes(board),
        _mails(board, start),
    )


def _header(board: Board, story: Story, told: str, elapsed_s: float) -> RenderableType:
    text = Text()
    if board.acts:
        act = board.acts[-1][1]
        text.append(f" {act.title.upper()} ", style="reverse bold")
        text.append(f" {act.told}\n")
    text.append(told, style="dim")
    place = f"{max(elapsed_s, 0):.0f} of {story.ends_s:.0f} s"
    return Panel(
        text, title="whydown demo: is it the server, or the route to it?", subtitle=place, box=box.ROUNDED
    )


def _vantages(board: Board) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, expand=True, padding=(0, 1))
    for heading in ("vantage", "answer", "connect", "tls", "wait", "key", "control"):
        table.add_column(heading, no_wrap=True)
    replayed = any(row.replayed_path for row in board.rows.values())
    table.add_column("AS path of its traceroute" + (" (replayed)" if replayed else ""), ratio=1)
    for name, row in board.rows.items():
        table.add_row(Text(name, style="bold"), *_cells(row, board.genuine_key))
    return table


def _cells(row: VantageRow, genuine_key: str | None) -> list[Text]:
    seen = row.target
    if seen is None:
        return [Text("…", style="dim")] * 7
    good = seen.failure is None
    answer = str(seen.status) if seen.status is not None else str(seen.failure)
    slow = seen.wait_s is not None and seen.wait_s > _SLOW_S
    new = seen.spki_sha256 is not None and seen.spki_sha256 != genuine_key
    key = f"{seen.spki_sha256[:8]}{' NEW' if new else ''}" if seen.spki_sha256 else "-"
    healthy = row.control is not None and row.control.failure is None
    return [
        Text(answer, style="green" if good else "bold red"),
        Text(milliseconds(seen.connect_s)),
        Text(milliseconds(seen.tls_s)),
        Text(milliseconds(seen.wait_s), style="bold red" if slow else ""),
        Text(key, style="bold red" if new else "dim"),
        Text("ok" if healthy else "not ok", style="green" if healthy else "red"),
        Text(" ".join(str(asn) for asn in row.path) or "-"),
    ]


def _verdict(board: Board) -> RenderableType:
    verdict = board.verdict
    if verdict is None:
        return Panel(Text("no verdict yet", style="dim"), title="verdict", box=box.ROUNDED)
    colour = _COLOUR.get(verdict.cause, "bold red")
    text = Text(f"{verdict.cause} {verdict.confidence:.1%}", style=colour)
    if verdict.suspected:
        text.append(" (suspected)", style="yellow")
    if verdict.affected:
        text.append(f"  seen by {len(verdict.affected)} of {verdict.vantages} vantages")
    if verdict.runner_up is not None:
        text.append(f"  next: {verdict.runner_up.cause} {verdict.runner_up.confidence:.1%}", style="dim")
    for item in verdict.evidence[:_EVIDENCE_SHOWN]:
        text.append(f"\n{item.weight:+5.1f}  ", style="cyan")
        text.append(f"{item.rule} ({item.seen} of {item.of}) ", style="bold")
        text.append(one_line(item.text, 140))
    return Panel(text, title="verdict and its evidence (log-odds)", box=box.ROUNDED)


def _incidents(board: Board, start: float) -> RenderableType:
    text = Text("none", style="dim")
    if board.incidents:
        text = Text("\n").join(
            Text.assemble(
                (f"{one.opened_at - start:5.0f} s  ", "cyan"),
                ("closed " if one.closed_at is not None else "open   ", "green" if one.closed_at else "bold red"),
                sentence(one),
            )
            for one in sorted(board.incidents.values(), key=lambda incident: incident.opened_at)
        )
    return Panel(text, title="incidents", box=box.ROUNDED)


def _routes(board: Board) -> RenderableType:
    shown = list(board.routes)[-_ROUTES_SHOWN:]
    lines = [
        Text(f"{datetime.fromtimestamp(event.at, UTC):%H:%M:%S}  {route_line(event)}", no_wrap=True)
        for event in shown
    ]
    title = f"BGP, from the local RIS Live server ({board.counts.route_events} messages)"
    return Panel(
        Text("\n").join(lines) if lines else Text("nothing yet", style="dim"), title=title, box=box.ROUNDED
    )


def _mails(board: Board, start: float) -> RenderableType:
    lines = [
        Text(f"{at - start:5.0f} s  {one_line(mail.subject, 130)}", no_wrap=True)
        for at, mail in board.mails[-_MAILS_SHOWN:]
    ]
    counts = board.counts
    title = f"mails received by the local SMTP server ({len(board.mails)})"
    return Panel(
        Text("\n").join(lines) if lines else Text("none", style="dim"),
        title=title,
        subtitle=f"{counts.http} HTTP probes, {counts.traces} traceroutes",
        box=box.ROUNDED,
    )
