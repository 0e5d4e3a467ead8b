"""The tables that a diagnosis reads beside its facts: prefix to AS, and VRPs. Loads them, and says so.

A table that cannot be had is no reason not to monitor: it is logged, and the diagnosis goes on without.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import structlog

from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.rpki import VrpTable
from monitor.bgp.sources import VrpSource, VrpSourceError, read_prefix_table
from monitor.model.settings import Config

_log = structlog.get_logger("tables")

VRPS_TIMEOUT_S = 120.0
"""An export of all VRPs is about 80 MB, and takes seconds to read."""


@dataclass(frozen=True, slots=True)
class Tables:
    """What was loaded; None: not configured, or not to be had."""

    prefixes: PrefixTable | None = None
    vrps: VrpTable | None = None


class TableLoader:
    """Loads the tables that a configuration names, again and again; what has not changed is not loaded twice."""

    def __init__(self) -> None:
        self._vrps: VrpSource | None = None
        self._vrps_from: str | None = None

    async def load(self, config: Config, before: Tables) -> Tables:
        """The tables now; one that cannot be had now stays as it was `before`."""
        return Tables(
            prefixes=await _prefixes(config.prefix_to_as, before.prefixes),
            vrps=await self.load_vrps(config.rpki.vrps, before.vrps),
        )

    async def load_vrps(self, source: str | None, before: VrpTable | None) -> VrpTable | None:
        """The VRPs of `source`, a file or an http(s) URL; `before` when they have not changed or cannot be had."""
        if source is None:
            return None
        if source != self._vrps_from or self._vrps is None:
            self._vrps, self._vrps_from, before = VrpSource(source), source, None
        try:
            async with asyncio.timeout(VRPS_TIMEOUT_S):
                table = await self._vrps.load()
        except (VrpSourceError, TimeoutError) as error:
            _log.error("vrps_not_loaded", source=source, error=str(error) or f"not within {VRPS_TIMEOUT_S:g} s")
            return before
        if table is None:
            return before
        _log.info("vrps_loaded", source=source, vrps=len(table))
        return table


async def _prefixes(path: Path | None, before: PrefixTable | None) -> PrefixTable | None:
    if path is None:
        return None
    try:
        table = await asyncio.to_thread(read_prefix_table, path)
    except OSError as error:
        _log.error("prefix_table_not_loaded", path=str(path), error=str(error))
        return before
    _log.info("prefix_table_loaded", path=str(path), prefixes=len(table), bad_lines=table.bad)
    return table
