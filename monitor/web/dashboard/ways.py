"""The ways of all vantages to a target, each beside the one before: at a moment, or over an incident."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from monitor.web.dashboard.ladder import Ladder, Palette, contradicts, hops_of, ladder_of
from monitor.web.dashboard.source import Source
from probes.observation import TraceObservation

LOOK_BACK_S = 1800.0
"""A way that was last traced longer ago is not shown as the present one."""

COMPARE_S = 3600.0
"""How far before the trouble, or the moment, ways are taken for comparison."""

MOST_LADDERS = 24

_Shown = tuple[TraceObservation, TraceObservation | None]


def ways_at(source: Source, target: str, at: float) -> tuple[Ladder, ...]:
    """Each vantage's newest way at `at`, beside the newest other one of the same flow."""
    shown = []
    for traces in _by_vantage(source, target, at - LOOK_BACK_S - COMPARE_S, at):
        now = traces[-1]
        if now.at >= at - LOOK_BACK_S:
            before = next((one for one in reversed(traces) if contradicts(hops_of(one), hops_of(now))), None)
            shown.append((now, before))
    return _ladders(source, shown)


def ways_during(source: Source, target: str, began: float, end: float) -> tuple[Ladder, ...]:
    """Each vantage's way of before the trouble, beside the newest other one of the trouble itself."""
    shown = []
    for traces in _by_vantage(source, target, began - COMPARE_S, end):
        usual = next((one for one in reversed(traces) if one.at < began), None)
        during = [one for one in traces if one.at >= began]
        if usual is None or not during:
            continue
        other = next((one for one in reversed(during) if contradicts(hops_of(usual), hops_of(one))), None)
        shown.append((during[-1], None) if other is None else (other, usual))
    return _ladders(source, shown)


def _by_vantage(source: Source, target: str, since: float, until: float) -> list[list[TraceObservation]]:
    """Each vantage's traces of one flow to one address, the one that was traced last; in order of time."""
    by_aim: dict[tuple[str, str | None, str, int | None], list[TraceObservation]] = defaultdict(list)
    for one in source.reader.observations(since, until, target=target, kind="trace"):
        if isinstance(one, TraceObservation) and one.hops:
            by_aim[one.vantage, one.address, one.method, one.flow].append(one)
    newest: dict[str, list[TraceObservation]] = {}
    for (vantage, *_), traces in by_aim.items():
        if vantage not in newest or newest[vantage][-1].at < traces[-1].at:
            newest[vantage] = traces
    return [traces for _, traces in sorted(newest.items())]


def _ladders(
    source: Source, shown: Sequence[tuple[TraceObservation, TraceObservation | None]]
) -> tuple[Ladder, ...]:
    """Those that changed first."""
    palette = Palette()
    ladders = [ladder_of(now, before, source.origins, palette) for now, before in shown]
    return tuple(sorted(ladders, key=lambda one: not one.changed)[:MOST_LADDERS])
