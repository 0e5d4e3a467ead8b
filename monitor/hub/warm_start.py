"""A new engine that remembers: open incidents and baselines come back from the history.

Used at the start, after a reload, and by each `whydown once`. It reads the history and nothing else.
"""

from __future__ import annotations

import heapq
from pathlib import Path

from monitor.diagnose.engine import Engine
from monitor.diagnose.fact import known_at
from monitor.diagnose.knowledge import Knowledge
from monitor.history import Reader

OBSERVATIONS_S = 6 * 3600.0
"""Enough for a baseline of each phase; older observations say little about tonight."""

ROUTES_S = 24 * 3600.0
"""Routes are stable for days, so a longer look back finds more of the routes that are in use."""


def engine_from_history(path: Path, knowledge: Knowledge, until: float) -> Engine:
    """An engine that knows the facts before `until`, Unix seconds, and the incidents that are still open.

    It judges moments from `until` on.

    :raises HistoryError: the history at `path` cannot be read
    """
    engine = Engine(knowledge)
    with Reader.open(path) as reader:
        engine.resume(reader.open_incidents())
        observations = reader.observations(until - OBSERVATIONS_S, until)
        routes = reader.routes(until - ROUTES_S, until)
        engine.warm_up(heapq.merge(observations, routes, key=known_at), until)
    return engine
