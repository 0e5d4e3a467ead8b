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

HEAD_TOLD_S = 3600.0
"""How often the log says where the chain of seals stands."""


class TendedStore(Protocol):
    """What is needed of the history's writer."""

    def tend(self, now: float, keep: Keep) -> Tended:
        """Do a piece of upkeep."""
        ...


async def tend(store: TendedStore, settings: Callable[[], HistorySettings]) -> None:
    """Tend until cancelled, as the settings are at the time.

    :raises HistoryError: the store is broken or full
    """
    log, told_at = structlog.get_logger("centre"), 0.0
    while True:
        tended, pieces, deleted = await _once(store, settings()), 0, 0
        sealed = tended.sealed
        while tended.more:
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
