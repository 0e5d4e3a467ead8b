"""ROAs that came or went under watched prefixes, as facts: they change what routes are worth."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import structlog

from monitor.bgp.rpki import VrpTable
from monitor.model.prefix import Prefix, covers
from monitor.model.vrp import VrpChange
from probes import clock

_log = structlog.get_logger("centre")


async def vrp_changes(
    vrps: VrpTable | None, before: VrpTable | None, watched: Sequence[Prefix]
) -> tuple[VrpChange, ...]:
    """What changed from one table to the next near these prefixes; nothing where one is missing."""
    if vrps is None or before is None:
        return ()
    near = partial(_touches_any, tuple(watched))
    changes = await asyncio.to_thread(vrps.changes_since, before, near, clock.wall())
    for change in changes:
        _log.warning("vrp_issued" if change.added else "vrp_gone", vrp=str(change.vrp))
    return tuple(changes)


def _touches_any(watched: tuple[Prefix, ...], prefix: Prefix) -> bool:
    return any(covers(prefix, one) or covers(one, prefix) for one in watched)
