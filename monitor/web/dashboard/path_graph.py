"""The ways of all vantages in one picture: networks as boxes, left the vantages', right where packets ended. Pure.

A ladder compares two ways of one vantage; this shows what they have in common: which networks lie on the ways of
before only, of now only, of both, by how many vantages, and where the ways part. An edge leads to a column further
right; only one that would close a loop runs backwards.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from monitor.model import Asn
from monitor.report.words import Language, counted, pages
from monitor.web.dashboard.ladder import Ladder

MOST_NODES = 60
"""Beyond, a picture is no help; the ways of vantages that see no change are left out first."""

WIDTH, HEIGHT = 92, 34
"""Of a box; also what the stylesheet's letters fit into."""

_COLUMN, _ROW, _EDGE = 148, 50, 6

_Way = tuple[Asn, ...]
_Edge = tuple[Asn, Asn]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A network, its box's left upper corner at `x`, `y`. `kind`: `both`, `before` or `now`.

    `parts`: ways part here. `colour`: as in the ladders. `said`: in words.
    """

    asn: Asn
    x: int
    y: int
    kind: str
    parts: bool
    colour: int
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """From one network to the next. `path`: of SVG; `kind`: as a node's; `width`: by the vantages that took it."""

    path: str
    kind: str
    width: float
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PathGraph:
    """The picture. `left_out`: vantages whose ways are not in it. `said`: all of it in words."""

    width: int
    height: int
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    left_out: int
    said: str


def path_graph(ladders: Sequence[Ladder], language: Language) -> PathGraph | None:
    """The picture of these ways; None: no way has two networks that are known."""
    shown = _bounded([one for one in ladders if len(one.networks) > 1 or len(one.networks_before) > 1])
    if not shown:
        return None
    before, now = Counter[_Edge](), Counter[_Edge]()
    for one in shown:
        before.update(pairwise(_before(one)))
        now.update(pairwise(one.networks))
    partings = Counter(at for one in shown if (at := parting(_before(one), one.networks)) is not None)
    colours = {rung.network: rung.colour for one in shown for pair in one.pairs
               for rung in (pair.before, pair.after) if rung is not None}  # fmt: skip
    places = _places(before + now)
    ends_before, ends_now = {asn for edge in before for asn in edge}, {asn for edge in now for asn in edge}
    nodes = tuple(
        Node(
            asn=asn, x=x, y=y, kind=_kind(asn in ends_before, asn in ends_now), parts=asn in partings,
            colour=colours.get(f"AS{asn}", 0),
            said=_node_words(asn, _kind(asn in ends_before, asn in ends_now), partings[asn], language),
        )
        for asn, (x, y) in places.items()
    )  # fmt: skip
    links = tuple(_link(edge, before[edge], now[edge], places, language) for edge in sorted({*before, *now}))
    return PathGraph(
        width=max(x for x, _ in places.values()) + WIDTH + 2,
        height=max(y for _, y in places.values()) + HEIGHT + 2,
        nodes=nodes,
        links=links,
        left_out=len(ladders) - len(shown),
        said=_words(shown, partings, language),
    )


def parting(before: _Way, now: _Way) -> Asn | None:
    """The last network that two ways have in common before they part; None: they do not, or had none in common.

    A network that is on one of them only may have been silent on the other, if both go on alike behind it.
    """
    common, old, new = None, 0, 0
    while old < len(before) and new < len(now):
        if before[old] == now[new]:
            common = before[old]
            old, new = old + 1, new + 1
        elif now[new] in before[old:]:
            old = before.index(now[new], old)
        elif before[old] in now[new:]:
            new = now.index(before[old], new)
        else:
            return common
    return None


def _before(one: Ladder) -> _Way:
    """The way of before; one that did not change is its own."""
    return one.networks_before if one.changed else one.networks


def _bounded(ladders: Iterable[Ladder]) -> list[Ladder]:
    shown: list[Ladder] = []
    met: set[Asn] = set()
    for one in sorted(ladders, key=lambda one: not one.changed):
        more = met | {*_before(one), *one.networks}
        if len(more) <= MOST_NODES:
            met = more
            shown.append(one)
    return shown


def _places(edges: Counter[_Edge]) -> dict[Asn, tuple[int, int]]:
    """Where each network's box is; within a column near those that it leads to."""
    onward = _onward(edges)
    column: dict[Asn, int] = {}
    for asn in sorted({asn for edge in edges for asn in edge}):
        _distance(asn, onward, column)
    last = max(column.values())
    row: dict[Asn, int] = {}
    for distance in range(last + 1):
        here = [asn for asn, its in column.items() if its == distance]
        here.sort(key=lambda asn: (fmean([row[next_] for next_ in onward[asn]] or [0.0]), asn))
        row |= {asn: number for number, asn in enumerate(here)}
    return {asn: (1 + (last - column[asn]) * _COLUMN, 1 + row[asn] * _ROW) for asn in column}


def _onward(edges: Counter[_Edge]) -> dict[Asn, list[Asn]]:
    """Where each network leads to, without the edges that would close a loop; those of fewest ways go first."""
    onward: dict[Asn, list[Asn]] = defaultdict(list)

    def leads(start: Asn, goal: Asn) -> bool:
        met, waiting = {start}, [start]
        while waiting:
            further = [one for one in onward[waiting.pop()] if one not in met]
            met.update(further)
            waiting += further
        return goal in met

    for source, sink in sorted(edges, key=lambda edge: (-edges[edge], edge)):
        if not leads(sink, source):
            onward[source].append(sink)
    return onward


def _distance(asn: Asn, onward: dict[Asn, list[Asn]], known: dict[Asn, int]) -> int:
    """The longest way on from a network, in edges; MOST_NODES deep at most."""
    if asn not in known:
        known[asn] = max((_distance(one, onward, known) + 1 for one in onward[asn]), default=0)
    return known[asn]


def _kind(is_before: bool, is_now: bool) -> str:
    return "both" if is_before and is_now else "before" if is_before else "now"


def _link(edge: _Edge, before: int, now: int, places: dict[Asn, tuple[int, int]], language: Language) -> Link:
    (x, y), (right, down) = (places[asn] for asn in edge)
    start, end = (x + WIDTH, y + HEIGHT // 2), (right, down + HEIGHT // 2)
    bend = max((end[0] - start[0]) // 2, 24)
    kind = _kind(before > 0, now > 0)
    return Link(
        path=f"M{start[0]} {start[1]}C{start[0] + bend} {start[1]} {end[0] - bend} {end[1]} {end[0]} {end[1]}",
        kind=kind,
        width=min(1.5 + 0.5 * max(before, now), _EDGE),
        said=pages.LINK.text(
            language,
            near=f"AS{edge[0]}",
            far=f"AS{edge[1]}",
            before=_vantages(before, language),
            now=_vantages(now, language),
        ),
    )


def _node_words(asn: Asn, kind: str, partings: int, language: Language) -> str:
    said = pages.NODE[kind].text(language, network=f"AS{asn}")
    if not partings:
        return said
    return pages.NODE_PARTS.text(language, node=said, vantages=_vantages(partings, language))


def _words(shown: Sequence[Ladder], partings: Counter[Asn], language: Language) -> str:
    changed, vantages = sum(one.changed for one in shown), _vantages(len(shown), language)
    if not changed:
        return pages.GRAPH_SAME.text(language, vantages=vantages)
    said = pages.GRAPH_CHANGED.text(language, vantages=vantages, count=changed)
    where = ", ".join(f"AS{asn}" for asn, _ in partings.most_common(4))
    return pages.GRAPH_PARTING.text(language, graph=said, networks=where) if where else said


def _vantages(count: int, language: Language) -> str:
    return counted(pages.COUNT_VANTAGES, count, language)
