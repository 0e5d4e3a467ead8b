"""How many of a target's requests failed, over time; from the roll-ups, so that a month is cheap."""

from __future__ import annotations

from monitor.history import rollup_reader
from monitor.history.answers import Availability
from monitor.history.connection import Connection
from monitor.history.glossary import ReadingGlossary
from monitor.history.rollup_reader import Grid
from monitor.history.scope import Scope


def availability(
    connection: Connection,
    glossary: ReadingGlossary,
    scope: Scope,
    *,
    window: tuple[float, float],
    bucket_s: float,
) -> list[Availability]:
    """The buckets with a request, in order.

    :raises ValueError: the buckets are not of whole minutes that begin at whole minutes
    """
    since, until = window
    grid = Grid.of(since, until, bucket_s)
    if grid is None:
        raise ValueError(f"a bucket of {bucket_s} s from {since} on is not of whole minutes")
    counts = rollup_reader.tallied(connection, scope, grid)
    return [
        Availability(at=float(grid.since + bucket * grid.bucket_s), requests=requests, failed=failed)
        for bucket, (requests, failed) in sorted(counts.items())
        if requests
    ]
