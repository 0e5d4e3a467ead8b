"""A hub for agents elsewhere: what `whydown hub` runs.

    agents -> server -> intake -> crew -> centre (history, engine, outbox)
    agents <- server <- intake <- crew <- boosts

This file joins the parts. At the end the door closes first, so that every receipt that was given is for facts that
are stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from monitor.agent.instruments import NetworkInstruments
from monitor.alert.desk import Desk
from monitor.history import Notice, Store
from monitor.hub.centre import Audience, Centre
from monitor.hub.crew import Crew
from monitor.hub.judging import Step
from monitor.hub.standby import Standby
from monitor.model.incident import IncidentChange
from monitor.model.settings import Config
from monitor.station.board import Board
from monitor.station.door import Door, known_vantages
from monitor.station.pulse import Signs
from monitor.station.showcase import Showcase
from monitor.station.station import kept_until_restart
from probes import clock

TAKE_OVER_CHECK_S = 2.0

DEAF_S = 300.0
"""A hub that no vantage has sent anything for so long would not hear of an outage."""


class HubStation:
    """All parts of one hub. `run` it once; `reload` while it runs. Make it inside a running loop.

    :raises ValueError: the configuration does not say where to listen
    :raises OSError: the certificate or its key cannot be used
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        *,
        board: Board,
        stepped: Callable[[Step], object] = lambda step: None,
    ) -> None:
        self._config = config
        self._showcase = Showcase(board, stepped)
        self._instruments = NetworkInstruments()
        is_standby = config.intake is not None and config.intake.standby
        self._standby = Standby(is_standby=is_standby, monotonic=clock.monotonic)
        audience = Audience(
            boost=self._boost,
            look=self._look,
            heard=self._showcase.heard,
            stepped=self._showcase.stepped,
            notices=self._notices,
            due=self._due,
            sent=self._sent,
        )
        self._centre = Centre(config, store, audience, self._instruments.ask)
        self._crew = Crew(
            config,
            self._centre,
            first_unheard=self._standby.report,
        )
        self._door = Door(config, self._crew)
        self._log = structlog.get_logger("hub")

    @property
    def config(self) -> Config:
        """The configuration in use."""
        return self._config

    @property
    def waiting(self) -> int:
        """Facts and shipments that are not stored yet."""
        return self._centre.waiting

    @property
    def signs(self) -> Signs:
        """How it is just now."""
        return Signs(
            round_at=self._showcase.pulse.round_at,
            round_within_s=DEAF_S if known_vantages(self._config) else None,
            own_rounds=False,
            outbox_at=self._centre.outbox.looked_at,
            unkept_since=self._showcase.pulse.unkept_since,
            untold_since=self._centre.outbox.refused_since,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Take facts until `stop`; returns when all that was acknowledged is stored.

        :raises OSError: the address cannot be listened on
        :raises ExceptionGroup: the history failed (HistoryError), or a part has a defect
        """
        centre_stop = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._centre.run(centre_stop))
                watches = [group.create_task(one) for one in (self._crew.watch(), self._take_over())]
                await self._door.run(stop)
                self._log.info("stopping", waiting=self.waiting)
                for watch in watches:
                    watch.cancel()
                centre_stop.set()
        finally:
            await self._instruments.aclose()

    async def reload(self, config: Config) -> None:
        """Go on with another configuration: targets, keys, the certificate that new connections see."""
        config = kept_until_restart(self._config, config)
        self._config = config
        self._showcase.keep(config)
        await self._centre.reload(config)
        self._door.reload(config)
        self._log.info("reloaded", targets=len(config.targets), vantages=len(known_vantages(config)))

    def _notices(self, change: IncidentChange, config: Config, desk: Desk) -> Sequence[Notice]:
        return self._standby.passed(desk.told(change, config))

    def _due(self, now: float, config: Config, desk: Desk) -> Sequence[Notice]:
        return self._standby.passed(desk.due(now, config))

    async def _take_over(self) -> None:
        """Say when this hub begins to lead or no longer does, and tell then what the other perhaps could not."""
        leads = self._standby.leads
        while True:
            await asyncio.sleep(TAKE_OVER_CHECK_S)
            if self._standby.leads != leads:
                leads = not leads
                self._log.warning("leads" if leads else "stands_by")
            if released := self._standby.released():
                await self._centre.owe(released)

    def _sent(self, key: str) -> None:
        self._crew.told(key)

    def _boost(self, target: str) -> None:
        self._crew.boost(target)

    def _look(self, target: str, vantage: str) -> None:
        self._crew.boost(target, vantage)
