"""The tables a diagnosis reads beside its facts: prefix to AS, VRPs, AS relationships. Loads them, and says so.

A table that cannot be had is no reason not to monitor: it is logged, and the diagnosis goes on without.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import structlog

from monitor.bgp.episodes import Relationships
from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.rpki import VrpTable
from monitor.bgp.sources import (
    ExchangesError,
    VrpSource,
    VrpSourceError,
    read_exchanges,
    read_prefix_table,
    read_relationships,
    table_at,
    table_date,
)
from monitor.model.prefix import Prefix
from monitor.model.settings import Config, PrefixToAsSettings, RpkiSettings
from probes import clock

_log = structlog.get_logger("tables")

VRPS_TIMEOUT_S = 120.0
"""An export of all VRPs is about 80 MB, and takes seconds to read."""


@dataclass(frozen=True, slots=True)
class Tables:
    """What was loaded; None: not configured, or not to be had."""

    prefixes: PrefixTable | None = None
    vrps: VrpTable | None = None
    relationships: Relationships | None = None


class TableLoader:
    """Loads the tables that a configuration names, again and again; what has not changed is not loaded twice."""

    def __init__(self) -> None:
        self._vrps: VrpSource | None = None
        self._settings: RpkiSettings | None = None

    async def load(self, config: Config, before: Tables, *, at: float | None = None) -> Tables:
        """The tables now; one that cannot be had now stays as it was `before`.

        Of several dated tables of prefixes it is the one in force `at` that time; None: now.
        """
        return Tables(
            prefixes=await self.load_prefixes(config.prefix_to_as, before.prefixes, at=at),
            vrps=await self.load_vrps(config.rpki, before.vrps),
            relationships=await _relationships(config.as_relationships, before.relationships),
        )

    async def load_prefixes(
        self, owners: PrefixToAsSettings, before: PrefixTable | None, *, at: float | None = None
    ) -> PrefixTable | None:
        """The table of prefixes alone, as `load` has it."""
        path = owners.path and table_at(owners.path, clock.wall() if at is None else at)
        return await _prefixes(path, owners.exchanges, before)

    async def load_vrps(self, settings: RpkiSettings, before: VrpTable | None) -> VrpTable | None:
        """The VRPs that are configured; `before` when they have not changed or cannot be had. Says their age."""
        table = await self._newest_vrps(settings, before)
        stale_s = table.stale_s(clock.wall()) if table is not None else None
        if table is not None and stale_s is not None:
            _log.warning(
                "vrps_stale", source=settings.vrps, age_h=round(stale_s / 3600.0, 1),
                expired=table.expired(clock.wall()), of=len(table),
            )  # fmt: skip
        return table

    async def _newest_vrps(self, settings: RpkiSettings, before: VrpTable | None) -> VrpTable | None:
        source = settings.vrps
        if source is None:
            return None
        known = self._settings
        if self._vrps is None or known is None or (source, settings.max_age_s) != (known.vrps, known.max_age_s):
            # Those of another place do not stand in; those of another limit are read anew.
            before = before if known is not None and known.vrps == source else None
            self._vrps = VrpSource(source, max_age_s=settings.max_age_s)
        self._settings = settings
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


async def _prefixes(path: Path | None, exchanges: Path | None, before: PrefixTable | None) -> PrefixTable | None:
    if path is None:
        return None
    try:
        table = await asyncio.to_thread(read_prefix_table, path, await _exchanges(exchanges))
    except OSError as error:
        _log.error("prefix_table_not_loaded", path=str(path), error=str(error))
        return before
    age_h = round((clock.wall() - table_date(path)) / 3600.0, 1)
    _log.info("prefix_table_loaded", path=str(path), age_h=age_h, prefixes=len(table), bad_lines=table.bad)
    return table


async def _exchanges(path: Path | None) -> tuple[Prefix, ...]:
    """The exchange points' prefixes; none when they cannot be had, since the table is useful without."""
    if path is None:
        return ()
    try:
        return await asyncio.to_thread(read_exchanges, path)
    except (OSError, ExchangesError) as error:
        _log.error("exchanges_not_loaded", path=str(path), error=str(error))
        return ()


async def _relationships(path: Path | None, before: Relationships | None) -> Relationships | None:
    if path is None:
        return None
    try:
        found = await asyncio.to_thread(read_relationships, path)
    except OSError as error:
        _log.error("relationships_not_loaded", path=str(path), error=str(error))
        return before
    _log.info("relationships_loaded", path=str(path), relations=len(found), bad_lines=found.bad)
    return found
