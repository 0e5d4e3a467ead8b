"""One vantage with a hub of its own, in one process: what `whydown run` runs.

    rounds (schedule, agent) -> centre (history, engine, outbox) -> boost -> rounds

This file joins the two halves, and stops them so that nothing that was measured is lost: first what measures,
then what keeps and tells. It draws nothing and parses no arguments.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog

from monitor.agent.instruments import Instruments, NetworkInstruments
from monitor.agent.rounds import Rounds
from monitor.history import Store
from monitor.hub.centre import Audience, Centre
from monitor.hub.judging import Step
from monitor.model.settings import Config
from monitor.station.board import Board
from monitor.station.pulse import Signs, longest_pause_s
from monitor.station.showcase import Showcase
from monitor.station.trace_mode import log_trace_mode
from probes.traceroute import permitted


class Station:
    """All parts of one monitor. `run` it once; `reload` while it runs. Make it inside a running loop.

    `board` is kept up to date for whoever shows it; `stepped` is called after each step of the pipeline.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        *,
        board: Board,
        stepped: Callable[[Step], object] = lambda step: None,
        instruments: Instruments | None = None,
    ) -> None:
        self._config = config
        self._showcase = Showcase(board, stepped)
        self._log = structlog.get_logger("station")
        instruments = instruments or NetworkInstruments()
        audience = Audience(
            boost=self._boost, look=self._look, heard=self._showcase.heard, stepped=self._showcase.stepped
        )
        self._centre = Centre(config, store, audience, instruments.ask)
        self._rounds = Rounds(config, instruments, self._centre.put)

    @property
    def config(self) -> Config:
        """The configuration in use."""
        return self._config

    @property
    def waiting(self) -> int:
        """Facts that are not stored yet."""
        return self._centre.waiting

    @property
    def signs(self) -> Signs:
        """How it is just now."""
        return Signs(
            round_at=self._showcase.pulse.round_at,
            round_within_s=longest_pause_s(self._config),
            outbox_at=self._centre.outbox.looked_at,
            unkept_since=self._showcase.pulse.unkept_since,
            untold_since=self._centre.outbox.refused_since,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Monitor until `stop`; returns when all that was measured is stored.

        :raises ExceptionGroup: the history failed (HistoryError), or a part has a defect
        """
        if self._config.traceroute.enabled:
            log_trace_mode(self._config.traceroute.method, permitted(), self._log)
        centre_stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._centre.run(centre_stop))
            await self._rounds.run(stop)
            self._log.info("stopping", waiting=self.waiting)
            centre_stop.set()

    async def reload(self, config: Config) -> None:
        """Go on with another configuration. Baselines and open incidents are kept, through the history."""
        config = kept_until_restart(self._config, config)
        self._config = config
        self._rounds.configure(config)
        self._showcase.keep(config)
        await self._centre.reload(config)
        self._log.info("reloaded", targets=len(config.targets), controls=len(config.controls))

    def _boost(self, target: str) -> None:
        self._rounds.boost(target)

    def _look(self, target: str, vantage: str) -> None:
        # The only vantage here is this one.
        self._rounds.boost(target)


def kept_until_restart(old: Config, new: Config) -> Config:
    """The new configuration with what only a restart can change as it was, which is said."""
    log = structlog.get_logger("station")
    if new.history.place != old.history.place:
        key = "history.path" if isinstance(new.history.place, Path) else "history.url"
        log.warning("restart_needed", key=key, kept=str(old.history.place))
        new = replace(new, history=replace(new.history, place=old.history.place))
    if new.vantage != old.vantage:
        log.warning("restart_needed", key="vantage.name", kept=old.vantage)
        new = replace(new, vantage=old.vantage)
    return new
