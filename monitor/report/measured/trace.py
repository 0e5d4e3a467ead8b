"""Traceroutes to one place, several rounds as one table of hops, as mtr has it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from monitor.report.measured.duration import milliseconds
from monitor.report.measured.hop_words import MOST_ROUTERS, Origins, networks, remarks
from monitor.report.measured.ways import ways_view
from monitor.report.safe_text import listed, one_line
from probes.observation import Hop, TraceObservation


def trace_view(seen: Sequence[TraceObservation], origins: Origins | None = None) -> Iterator[RenderableType]:
    """A table for each destination. With `origins`, hops have their AS numbers."""
    for _, rounds in groupby(seen, key=lambda one: (one.target, one.address)):
        yield from _destination(list(rounds), origins)


def _destination(rounds: list[TraceObservation], origins: Origins | None) -> Iterator[RenderableType]:
    yield Text(_heading(rounds), style="bold")
    for failure in dict.fromkeys((one.failure, one.error) for one in rounds if one.failure or one.error):
        word = failure[0] or "note"
        yield Text(f"{word}: {one_line(failure[1] or 'no detail', 200)}", style="red" if failure[0] else "yellow")
    if len({one.flow for one in rounds if one.hops}) > 1:
        yield from ways_view(rounds, origins)
    elif any(one.hops for one in rounds):
        yield _table(rounds, origins)


def _heading(rounds: list[TraceObservation]) -> str:
    last = rounds[-1]
    host = one_line(last.target, 200)
    where = f" ({one_line(last.address, 64)})" if last.address and last.address != last.target else ""
    by = one_line(last.method, 10) + (f" port {last.port}" if last.port is not None else "")
    reached = sum(one.reached for one in rounds)
    return f"{host}{where} by {by}, {one_line(last.mode, 20)}: reached in {reached} of {len(rounds)} rounds"


def _table(rounds: list[TraceObservation], origins: Origins | None) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("hop", justify="right")
    table.add_column("router", overflow="fold")
    if origins is not None:
        table.add_column("AS", overflow="fold")
    for heading in ("loss", "least", "mean"):
        table.add_column(heading, justify="right")
    table.add_column("", overflow="fold")
    for ttl in sorted({hop.ttl for one in rounds for hop in one.hops}):
        asked = [hop for one in rounds for hop in one.hops if hop.ttl == ttl]
        table.add_row(*_row(ttl, asked, origins))
    return table


def _row(ttl: int, asked: list[Hop], origins: Origins | None) -> list[Text]:
    answered = [hop for hop in asked if hop.address is not None]
    routers = list(dict.fromkeys(address for hop in answered for address in (hop.address, *hop.others) if address))
    times = [hop.rtt_s for hop in answered if hop.rtt_s is not None]
    loss = 1 - len(answered) / len(asked)
    cells = [str(ttl), listed(routers, MOST_ROUTERS) if routers else "*"]
    if origins is not None:
        cells.append(networks(routers, origins))
    cells += [
        f"{loss:.0%}",
        milliseconds(min(times, default=None)) if times else "–",
        milliseconds(sum(times) / len(times)) if times else "–",
        remarks(answered),
    ]
    return [Text(cell, style="" if answered else "dim") for cell in cells]
