"""Upkeep in between: it makes room for a backlog, and not for ever."""

from __future__ import annotations

import asyncio

import pytest

from monitor.history import Keep, Tended
from monitor.hub.tending import MOST_PAUSES, tend
from monitor.model.settings import HistorySettings


class _Store:
    """Says after each piece whether there is another one, and ends the scenario after the last."""

    def __init__(self, pieces: int) -> None:
        self.left = pieces
        self.done = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def tend(self, now: float, keep: Keep) -> Tended:
        """A piece."""
        self.left -= 1
        if not self.left:
            self._loop.call_soon_threadsafe(self.done.set)
        return Tended(more=self.left > 0)


@pytest.mark.parametrize(("busy", "asked"), [(0, 0), (7, 7), (10 * MOST_PAUSES, MOST_PAUSES)])
def test_upkeep_waits_while_a_backlog_is_brought_but_not_for_ever(busy: int, asked: int) -> None:
    """Before the first piece and between two; a backlog that does not end is no reason after ten minutes."""

    async def scenario() -> int:
        store, pauses = _Store(3), 0

        def is_busy() -> bool:
            nonlocal pauses
            if pauses >= busy or store.left < 3:
                return False
            pauses += 1
            return True

        tending = asyncio.create_task(tend(store, HistorySettings, is_busy=is_busy, pause_s=0.0))
        await asyncio.wait_for(store.done.wait(), 20)
        tending.cancel()
        return pauses

    assert asyncio.run(scenario()) in (asked, asked + 1)  # the last one finds no patience left
