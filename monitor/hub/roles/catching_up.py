"""Waiting until the history has what stands in the stream, before somebody begins from the history."""

from __future__ import annotations

import asyncio

import structlog

from monitor.bus.errors import BusError
from monitor.bus.nats.broker import Broker
from monitor.bus.nats.reader import progress

PATIENCE_S = 30.0
"""Stores are a fraction of a second behind. When none is there, a diagnosis with a gap in its past is better
than none; what is missing is said."""

LOOK_S = 0.1

_log = structlog.get_logger("diagnose")


async def stores_caught_up(broker: Broker) -> int:
    """Wait, but not for ever, until all that stands in the stream now is kept; the place up to which all is."""
    loop = asyncio.get_running_loop()
    since, end, kept = loop.time(), None, 0
    while loop.time() - since <= PATIENCE_S:
        try:
            reached = await progress(broker)
        except BusError as error:
            _log.debug("stores_not_heard_of", error=str(error))
        else:
            end, kept = end or reached.end, reached.kept
            if kept >= end:
                return kept
        await asyncio.sleep(LOOK_S)
    _log.warning("history_lags", messages=(end or 0) - kept)
    return kept
