"""Traceroutes to one place, several rounds as one table of hops, as mtr has it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Final

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from monitor.model import Asn
from monitor.report.measured.duration import milliseconds
from monitor.report.safe_text import listed, one_line
from probes.observation import Hop, HopReply, TraceObservation

_ROUTERS: Final = 4

Origins = Callable[[str], frozenset[Asn] | None]
"""The networks that originate an address, None where the table has none."""


def trace_view(seen: Sequence[TraceObservation], origins: Origins | None = None) -> Iterator[RenderableType]:
    """A table for each destination. With `origins`, hops have their AS numbers."""
    for _, rounds in groupby(seen, key=lambda one: (one.target, one.address)):
        yield from _destination(list(rounds), origins)


def _destination(rounds: list[TraceObservation], origins: Origins | None) -> Iterator[RenderableType]:
    yield Text(_heading(rounds), style="bold")
    for failure in dict.fromkeys((one.failure, one.error) for one in rounds if one.failure or one.error):
        word = failure[0] or "note"
        yield Text(f"{word}: {one_line(failure[1] or 'no detail', 200)}", style="red" if failure[0] else "yellow")
    if any(one.hops for one in rounds):
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
    routers = list(dict.fromkeys(hop.address for hop in answered if hop.address is not None))
    times = [hop.rtt_s for hop in answered if hop.rtt_s is not None]
    loss = 1 - len(answered) / len(asked)
    cells = [str(ttl), listed(routers, _ROUTERS) if routers else "*"]
    if origins is not None:
        cells.append(_networks(routers, origins))
    cells += [
        f"{loss:.0%}",
        milliseconds(min(times, default=None)) if times else "–",
        milliseconds(sum(times) / len(times)) if times else "–",
        _remarks(answered),
    ]
    return [Text(cell, style="" if answered else "dim") for cell in cells]


def _networks(routers: list[str], origins: Origins) -> str:
    found = dict.fromkeys(asn for router in routers for asn in sorted(origins(router) or ()))
    return listed((f"AS{asn}" for asn in found), _ROUTERS) if found else "–"


def _remarks(answered: list[Hop]) -> str:
    """What is not the ordinary "time exceeded", and label stacks."""
    replies = dict.fromkeys(hop.reply for hop in answered if hop.reply not in (None, HopReply.TIME_EXCEEDED))
    stacks = dict.fromkeys("/".join(str(entry.label) for entry in hop.mpls) for hop in answered if hop.mpls)
    said = [str(reply).replace("_", " ") for reply in replies]
    return ", ".join([*said, *(f"MPLS {listed((stack,), 1, limit=60)}" for stack in list(stacks)[:_ROUTERS])])
