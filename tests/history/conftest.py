"""What tests of the history share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from monitor.history import Keep, Store

DAY_S = 86_400.0
MONTH = Keep(facts_s=30 * DAY_S, minutes_s=90 * DAY_S, five_minutes_s=400 * DAY_S)

Tend = Callable[..., tuple[int, int]]


@pytest.fixture
def tend() -> Tend:
    """Do all the upkeep that is due at a time, piece by piece; how many slots were folded and rows deleted."""

    def call(store: Store, now: float, keep: Keep = MONTH) -> tuple[int, int]:
        folded = deleted = 0
        while True:
            tended = store.tend(now, keep)
            folded, deleted = folded + tended.folded, deleted + tended.deleted
            if not tended.more:
                return folded, deleted

    return call
