"""Some roles of a hub in one process, joined to the others by a bus: what `whydown hub --role` runs.

    doors -> stream -> store, diagnose -> history -> alert, web

Roles do not know whether their neighbours are in this process; all that this file does is to start them, and at
the end to stop them so that what was acknowledged is with the brokers, and what was in hand is stored.
"""

from __future__ import annotations

import asyncio
import platform
import secrets
from collections.abc import Collection
from contextlib import AsyncExitStack
from typing import Protocol

import structlog

from monitor.agent.instruments import NetworkInstruments
from monitor.bus.nats.broker import Broker, open_broker
from monitor.history import Store
from monitor.hub.roles.alert_role import AlertRole
from monitor.hub.roles.diagnose_role import DiagnoseRole
from monitor.hub.roles.feeds_role import FeedsRole
from monitor.hub.roles.intake_role import IntakeRole
from monitor.hub.roles.store_role import StoreRole
from monitor.model.settings import Config
from monitor.station.door import Door
from monitor.station.pulse import Signs
from monitor.station.roles import Role
from monitor.station.station import kept_until_restart
from probes import clock


class Running(Protocol):
    """A role at work."""

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`."""
        ...

    async def reload(self, config: Config) -> None:
        """Go on with another configuration."""
        ...


class RoleStation:
    """`run` it once; `reload` while it runs. `store`: for the roles that write; None where there are none.

    :raises ValueError: the configuration lacks what a role needs
    """

    def __init__(self, config: Config, roles: Collection[Role], store: Store | None) -> None:
        if config.bus is None:
            raise ValueError("[bus] url is missing: the brokers that join the roles of a hub")
        self._config = config
        self._bus = config.bus
        self._roles = tuple(role for role in Role if role in roles)
        self._store = store
        self._running: list[Running] = []
        self._began_at = clock.monotonic()
        self.who = f"{platform.node()[:32]}-{secrets.token_hex(4)}".replace(".", "-")
        """This process, in leases and marks."""
        self._log = structlog.get_logger("hub")

    @property
    def config(self) -> Config:
        """The configuration in use."""
        return self._config

    @property
    def signs(self) -> Signs:
        """How it is just now."""
        alerts = [running for running in self._running if isinstance(running, AlertRole)]
        return Signs(
            round_at=self._began_at,
            round_within_s=None,
            own_rounds=False,
            outbox_at=next((alert.looked_at for alert in alerts), None),
            untold_since=next((alert.untold_since for alert in alerts), None),
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`.

        :raises BusError: no broker is reached
        :raises ExceptionGroup: the history failed (HistoryError), the address cannot be used (OSError), or a
            role has a defect
        """
        async with AsyncExitStack() as stack:
            broker = await stack.enter_async_context(open_broker(self._bus, f"{'+'.join(self._roles)} {self.who}"))
            instruments = NetworkInstruments()
            stack.push_async_callback(instruments.aclose)
            self._running = [
                found for role in self._roles if (found := self._made(role, broker, instruments)) is not None
            ]
            self._log.info("roles", roles=",".join(self._roles), who=self.who, stream=broker.stream)
            async with asyncio.TaskGroup() as group:
                for running in self._running:
                    group.create_task(running.run(stop))
                await stop.wait()

    async def reload(self, config: Config) -> None:
        """Go on with another configuration; the brokers stay until a restart."""
        config = kept_until_restart(self._config, config)
        if config.bus != self._bus:
            self._log.warning("restart_needed", key="bus", kept=",".join(self._bus.urls))
        self._config = config
        for running in self._running:
            await running.reload(config)
        self._log.info("reloaded", targets=len(config.targets))

    def _made(self, role: Role, broker: Broker, instruments: NetworkInstruments) -> Running | None:
        config, store = self._config, self._store
        if role is Role.INTAKE:
            return IntakeRole(config, broker, self.who, Door)
        if role is Role.FEEDS:
            return FeedsRole(config, config.history.place, broker, self.who, instruments.ask)
        if store is None:
            return None
        match role:
            case Role.STORE:
                return StoreRole(config, store, broker)
            case Role.DIAGNOSE:
                return DiagnoseRole(config, store, broker, self.who)
            case Role.ALERT:
                return AlertRole(config, store, broker, self.who)
        return None
