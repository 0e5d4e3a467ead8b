"""Latency by phase over time.

Percentiles of percentiles are wrong, and averages hide what hurts, so every measurement of the window counts.
Buckets of whole minutes that begin at whole minutes come from the roll-ups, where a measurement is a byte
(`latency_scale` says how exact that is); all others from the measurements themselves, some 100,000 requests a
second. Medians of many hours are read by `hours`, without their points.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Sequence

from monitor.history import rollup_reader
from monitor.history.answers import Latency, LatencyPoint
from monitor.history.connection import Connection
from monitor.history.glossary import ReadingGlossary
from monitor.history.latency_scale import SECONDS, percentiles, rank
from monitor.history.measured import Measured
from monitor.history.rollup_block import PHASES
from monitor.history.rollup_reader import Grid, Series
from monitor.history.rollups import PHASE_COLUMNS
from monitor.history.scope import Scope

# A sparkline of more points is wider than a terminal; a bucket of a millisecond would be a list of nothing.
MAX_POINTS = 2000

_SHARES = (0.50, 0.95, 0.99)


def latency(
    connection: Connection,
    glossary: ReadingGlossary,
    scope: Scope,
    *,
    by: frozenset[str],
    window: tuple[float, float],
    bucket_s: float,
) -> list[Latency]:
    """One value for each series with at least one measurement; `by` holds some of target, vantage, phase.

    Without `phase` only the total is answered: phases do not add up to anything else that is meaningful.
    Buckets are aligned to the window's start, at most MAX_POINTS of them.

    :raises ValueError: the bucket is not positive, or there would be too many
    """
    since, until = window
    if not bucket_s > 0 or (until - since) / bucket_s > MAX_POINTS:
        raise ValueError(f"a bucket of {bucket_s} s cuts the window into more than {MAX_POINTS} points")
    phases = PHASES if "phase" in by else ("total",)
    grid = Grid.of(since, until, bucket_s)
    if grid is None:
        answers = _from_facts(connection, glossary, scope, by, phases, since, bucket_s)
    else:
        found = rollup_reader.measured(connection, scope, grid, by, phases)
        moments = _Moments(grid)
        answers = [_rolled(series, one, glossary, moments) for series, one in found.items()]
    return sorted(answers, key=lambda a: (a.target or "", a.vantage or "", PHASES.index(a.phase)))


class _Moments(dict[int, float]):
    """When each bucket begins; the series of an answer share them."""

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self.grid = grid

    def __missing__(self, bucket: int) -> float:
        self[bucket] = at = float(self.grid.since + bucket * self.grid.bucket_s)
        return at


def _rolled(series: Series, measured: Measured, glossary: ReadingGlossary, moments: _Moments) -> Latency:
    columns = measured.columns()
    least, median, tail, end, most = percentiles(columns.places, (0.0, *_SHARES, 1.0))
    told = columns.percentiles(_SHARES)
    # Of few measurements the last percentiles are the same.
    seconds = {places: [SECONDS[place] for place in places] for places in set(told)}
    target, vantage, phase = series
    return Latency(
        target=None if target is None else glossary.text("target", target),
        vantage=None if vantage is None else glossary.text("vantage", vantage),
        phase=phase,
        count=len(columns.places),
        p50_s=median,
        p95_s=tail,
        p99_s=end,
        min_s=least,
        max_s=most,
        bucket_s=float(moments.grid.bucket_s),
        # Made in C: a call for each minute of each vantage would be half of the answer's time.
        points=tuple(
            map(
                LatencyPoint,
                [moments[bucket] for bucket in columns.buckets],
                columns.counts,
                *(seconds[places] for places in told),
            )
        ),
    )


def _from_facts(
    connection: Connection,
    glossary: ReadingGlossary,
    scope: Scope,
    by: frozenset[str],
    phases: Sequence[str],
    since: float,
    bucket_s: float,
) -> list[Latency]:
    columns = ", ".join(PHASE_COLUMNS[phase] for phase in phases)
    stamps: dict[Series, array[int]] = defaultdict(lambda: array("q"))
    values: dict[Series, array[int]] = defaultdict(lambda: array("q"))
    for target, vantage, done, *measured in connection.execute(
        f"SELECT target, vantage, done, {columns} FROM http WHERE {scope.condition}",  # noqa: S608
        scope.values,
    ):
        group = (target if "target" in by else None, vantage if "vantage" in by else None)
        for phase, value in zip(phases, measured, strict=True):
            if value is not None:
                series = (*group, phase)
                stamps[series].append(done)
                values[series].append(value)
    return [
        _answer(series, stamps[series], values[series], glossary, round(since * 1e6), bucket_s)
        for series in values
    ]


def percentile(ordered: Sequence[int], share: float) -> int:
    """The nearest-rank percentile of ascending values: the smallest with at least `share` of them at or below."""
    return ordered[rank(len(ordered), share)]


def _answer(
    series: Series,
    stamps: Sequence[int],
    values: Sequence[int],
    glossary: ReadingGlossary,
    since_us: int,
    bucket_s: float,
) -> Latency:
    target, vantage, phase = series
    bucket_us = round(bucket_s * 1e6)
    buckets: dict[int, list[int]] = defaultdict(list)
    for stamp, value in zip(stamps, values, strict=True):
        buckets[(stamp - since_us) // bucket_us].append(value)
    ordered = sorted(values)
    return Latency(
        target=None if target is None else glossary.text("target", target),
        vantage=None if vantage is None else glossary.text("vantage", vantage),
        phase=phase,
        count=len(ordered),
        p50_s=percentile(ordered, 0.50) / 1e6,
        p95_s=percentile(ordered, 0.95) / 1e6,
        p99_s=percentile(ordered, 0.99) / 1e6,
        min_s=ordered[0] / 1e6,
        max_s=ordered[-1] / 1e6,
        bucket_s=bucket_s,
        points=tuple(
            _point((since_us + index * bucket_us) / 1e6, sorted(buckets[index])) for index in sorted(buckets)
        ),
    )


def _point(at: float, ordered: Sequence[int]) -> LatencyPoint:
    return LatencyPoint(
        at=at,
        count=len(ordered),
        p50_s=percentile(ordered, 0.50) / 1e6,
        p95_s=percentile(ordered, 0.95) / 1e6,
        p99_s=percentile(ordered, 0.99) / 1e6,
    )
