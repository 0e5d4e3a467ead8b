"""The hours of a series: the median of each phase over each, from the roll-ups of minutes.

Weeks of hours are read when a monitor starts, so this is the quickest way through them: some 40 us an hour of a
series. What is older than the minutes that are kept is not told.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.history.answers import HourOfSeries
from monitor.history.connection import Connection
from monitor.history.glossary import ReadingGlossary
from monitor.history.latency_scale import SECONDS, rank
from monitor.history.rollup_reader import Grid, measured
from monitor.history.rollups import MINUTES
from monitor.history.scope import Scope

_HOUR_S = 3600


def hours(
    connection: Connection,
    glossary: ReadingGlossary,
    scope: Scope,
    *,
    hours: range,
    phases: Sequence[str],
    fewest: int,
) -> list[HourOfSeries]:
    """The medians of the scope's one target, by vantage and hour; of fewer than `fewest` measurements none."""
    grid = Grid(hours.start * _HOUR_S, float(hours.stop * _HOUR_S), _HOUR_S, MINUTES)
    medians: dict[tuple[int, int], dict[str, float]] = {}
    for (_, vantage, phase), one in measured(connection, scope, grid, frozenset({"vantage"}), phases).items():
        for bucket, places in one.columns().each():
            if vantage is not None and len(places) >= fewest:
                median = SECONDS[places[rank(len(places), 0.5)]]
                medians.setdefault((vantage, bucket), {})[phase] = median
    return [
        HourOfSeries(vantage=glossary.text("vantage", vantage), hour=hours.start + bucket, medians_s=known)
        for (vantage, bucket), known in sorted(medians.items())
    ]
