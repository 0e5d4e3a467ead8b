"""The upkeep of a history: rolled up, sealed and forgotten a piece at a time, between which facts are stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from monitor.history import Keep, Tended
from monitor.model.settings import HistorySettings
from probes import clock

DAY_S = 86400.0

TEND_S = 10.0
"""Between two looks whether the history has something to roll up or to forget."""

RESTS = 3.0
"""How many times as long as a piece of upkeep took nothing is done after it. The five minutes of all targets are
over at the same moment; rolled up in one go, all fresh facts of some seconds would have to share the history."""

LONGEST_REST_S = 0.25
"""A piece that took longer than a third of this had to wait itself."""

PAUSE_S = 1.0
MOST_PAUSES = 600
"""While agents bring a backlog, what they bring would have each piece of upkeep done anew, and what is fresh has
to share the history with the backlog already. One that lasts longer than this is no reason any more."""

HEAD_TOLD_S = 3600.0
"""How often the log says where the chain of seals stands."""


class TendedStore(Protocol):
    """What is needed of the history's writer."""

    def tend(self, now: float, keep: Keep) -> Tended:
        """Do a piece of upkeep."""
        ...


async def tend(
    store: TendedStore,
    settings: Callable[[], HistorySettings],
    *,
    is_busy: Callable[[], bool] = lambda: False,
    pause_s: float = PAUSE_S,
) -> None:
    """Tend until cancelled, as the settings are at the time. `is_busy`: whether a backlog is being brought;
    it is asked again after `pause_s`.

    :raises HistoryError: the store is broken or full
    """
    patience = _Patience(is_busy, pause_s)
    log, told_at = structlog.get_logger("centre"), 0.0
    while True:
        await patience.wait()
        tended, pieces, deleted = await _once(store, settings()), 0, 0
        sealed = tended.sealed
        while tended.more:
            await patience.wait()
            pieces, deleted = pieces + 1, deleted + tended.deleted
            tended = await _once(store, settings())
            sealed = tended.sealed or sealed
        if sealed is not None and clock.wall() >= told_at + HEAD_TOLD_S:
            # Outside the history, where whoever alters that does not reach: for `whydown verify --head`.
            told_at = clock.wall()
            log.info("sealed", seals=sealed.number, head=sealed.head.hex())
        if deleted:
            log.info("forgotten", rows=deleted, pieces=pieces)
        await asyncio.sleep(TEND_S)


class _Patience:
    """Waits while it is busy, for so long in a row and no longer."""

    def __init__(self, is_busy: Callable[[], bool], pause_s: float) -> None:
        self._is_busy = is_busy
        self._pause_s = pause_s
        self._left = MOST_PAUSES

    async def wait(self) -> None:
        """Until it is not busy, or there is no patience left."""
        while self._is_busy():
            if not self._left:
                return
            self._left -= 1
            await asyncio.sleep(self._pause_s)
        self._left = MOST_PAUSES


async def _once(store: TendedStore, history: HistorySettings) -> Tended:
    keep = Keep(
        facts_s=history.keep_days * DAY_S,
        minutes_s=history.keep_minutes_days * DAY_S,
        five_minutes_s=history.keep_five_minutes_days * DAY_S,
    )
    began = clock.monotonic()
    tended = await asyncio.to_thread(store.tend, clock.wall(), keep)
    if tended.more:
        await asyncio.sleep(min(RESTS * (clock.monotonic() - began), LONGEST_REST_S))
    return tended
