"""The set of paths to one place: traces with many flows as one table, routers with the ways over them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from string import ascii_uppercase
from typing import Final

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from monitor.report.measured.duration import milliseconds
from monitor.report.measured.hop_words import Origins, networks, remarks
from monitor.report.safe_text import one_line
from probes.observation import Hop, TraceObservation
from probes.traceroute.stopping import RISK, coverage

_LETTERS: Final = ascii_uppercase
"""Names of ways; those beyond are drawn as one."""

Way = dict[int, str]
"""TTL -> address, where one is known."""


def ways_view(seen: Sequence[TraceObservation], origins: Origins | None = None) -> Iterator[RenderableType]:
    """How many ways there are and how sure that is, then a line for each router."""
    traced = [one for one in seen if one.hops]
    ways, way_of = told_apart(traced)
    yield Text(_sentence(traced, len(ways)))
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("hop", justify="right")
    table.add_column("ways", no_wrap=True)
    table.add_column("router", overflow="fold")
    if origins is not None:
        table.add_column("AS", overflow="fold")
    table.add_column("flows", justify="right")
    table.add_column("least", justify="right")
    table.add_column("", overflow="fold")
    for ttl in sorted({hop.ttl for one in traced for hop in one.hops}):
        for row in _rows(ttl, traced, way_of, origins):
            table.add_row(*row)
    yield table


def told_apart(traced: Sequence[TraceObservation]) -> tuple[list[Way], list[int]]:
    """The different ways, the commonest first, and which of them each trace took.

    A silent hop is a wildcard: a trace is of the first way that it does not contradict, fuller traces first.
    """
    own = [{hop.ttl: hop.address for hop in one.hops if hop.address is not None} for one in traced]
    ways: list[Way] = []
    taken = [0] * len(own)
    for index in sorted(range(len(own)), key=lambda index: -len(own[index])):
        hops = own[index]
        fitting = (
            number
            for number, way in enumerate(ways)
            if all(way.get(ttl, address) == address for ttl, address in hops.items())
        )
        taken[index] = next(fitting, len(ways))
        if taken[index] == len(ways):
            ways.append({})
        ways[taken[index]] |= hops
    order = sorted(range(len(ways)), key=lambda number: -taken.count(number))
    place = {number: position for position, number in enumerate(order)}
    return [ways[number] for number in order], [place[number] for number in taken]


def _sentence(traced: Sequence[TraceObservation], count: int) -> str:
    known = coverage(traced)
    ways = "1 way" if count == 1 else f"{count} ways"
    if known.is_complete:
        sure = f"a further branch would have been seen at each router with {1 - RISK:.0%} certainty"
    else:
        sure = "more flows are needed to know all branches"
    return f"{known.flows} flows took {ways}; {sure}"


def _rows(
    ttl: int, traced: Sequence[TraceObservation], way_of: Sequence[int], origins: Origins | None
) -> Iterator[list[Text]]:
    """A line for each router at a TTL, in the order of the ways through it; silence is one of them."""
    met: dict[str | None, list[tuple[int, Hop]]] = {}
    for one, way in zip(traced, way_of, strict=True):
        for hop in one.hops:
            if hop.ttl == ttl:
                met.setdefault(hop.address, []).append((way, hop))
    asked = sum(map(len, met.values()))
    label = str(ttl)
    for address, hops in sorted(met.items(), key=lambda item: (item[0] is None, min(way for way, _ in item[1]))):
        times = [hop.rtt_s for _, hop in hops if hop.rtt_s is not None]
        answers = [hop for _, hop in hops]
        others = dict.fromkeys(other for hop in answers for other in hop.others)
        cells = [label, _names({way for way, _ in hops}), "*" if address is None else one_line(address, 64)]
        if origins is not None:
            cells.append("" if address is None else networks([address], origins))
        also = f"also {one_line(', '.join(others), 100)}" if others else ""
        cells += [
            f"{len(hops)} of {asked}",
            milliseconds(min(times)) if times else "–",
            ", ".join(filter(None, (remarks(answers), also))),
        ]
        yield [Text(cell, style="" if address else "dim") for cell in cells]
        label = ""


def _names(ways: set[int]) -> str:
    named = "".join(_LETTERS[way] for way in sorted(ways) if way < len(_LETTERS))
    return named + ("…" if max(ways) >= len(_LETTERS) else "")
