"""Latency by phase over time, from the raw measurements.

Percentiles of percentiles are wrong, and averages hide what hurts, so every measurement of the window is
read: about 16 bytes each while it is worked on, some 100,000 requests a second.
"""

from __future__ import annotations

import math
import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Sequence

from monitor.history.answers import Latency, LatencyPoint
from monitor.history.glossary import ReadingGlossary
from monitor.history.scope import Scope

PHASES = ("dns", "connect", "tls", "wait", "receive", "total", "kernel_rtt")
"""In the order of an exchange; each is a column `<phase>_us` of `http`."""

# A name that fails at once is no fast answer: the whole time is of exchanges that were answered.
_COLUMNS = {"total": "CASE WHEN wait_us IS NOT NULL THEN total_us END"}

# A sparkline of more points is wider than a terminal; a bucket of a millisecond would be a list of nothing.
MAX_POINTS = 2000

_Series = tuple[int | None, int | None, str]


def latency(
    connection: sqlite3.Connection,
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
    columns = ", ".join(_COLUMNS.get(phase, f"{phase}_us") for phase in phases)
    stamps: dict[_Series, array[int]] = defaultdict(lambda: array("q"))
    values: dict[_Series, array[int]] = defaultdict(lambda: array("q"))
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
    answers = [
        _answer(series, stamps[series], values[series], glossary, round(since * 1e6), bucket_s)
        for series in values
    ]
    return sorted(answers, key=lambda a: (a.target or "", a.vantage or "", PHASES.index(a.phase)))


def percentile(ordered: Sequence[int], share: float) -> int:
    """The nearest-rank percentile of ascending values: the smallest with at least `share` of them at or below."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def _answer(
    series: _Series,
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
