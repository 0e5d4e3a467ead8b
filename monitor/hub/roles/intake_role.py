"""The role that lets agents in: stateless, any number of it, behind any balancer of connections.

Facts are acknowledged when the brokers hold them. What doors tell each other: which vantages they hear, so that
none is called silent that came to another one, and boosts, which every door hands on to the agents that wait at
it. One of them, by lease, makes the facts of who is heard and who is silent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import msgspec
import structlog

from monitor.bus.errors import BusError
from monitor.bus.nats.broker import Broker
from monitor.bus.nats.epoch import Epoch
from monitor.bus.nats.lease import Lease, held_on, taken
from monitor.bus.nats.sender import Sender
from monitor.bus.partition import Partitions
from monitor.hub.crew import Crew
from monitor.hub.roles.ended import ended
from monitor.hub.roles.topics import BOOST, HEARD, Boosted
from monitor.model.settings import Config

TELL_S = 2.0
"""Between two tellings of who was heard: a vantage is silent after much longer."""

SOURCE = "~crew"

_log = structlog.get_logger("intake")


class OpenDoor(Protocol):
    """Where agents come in."""

    async def run(self, stop: asyncio.Event) -> None:
        """Let agents in until `stop`."""
        ...

    def reload(self, config: Config) -> None:
        """Go on with another configuration."""
        ...


class IntakeRole:
    """`run` it once; `reload` while it runs. `who`: of this process. `door`: makes the door for the crew."""

    def __init__(self, config: Config, broker: Broker, who: str, door: Callable[[Config, Crew], OpenDoor]) -> None:
        self._broker = broker
        self._who = who
        self.sender = Sender(
            broker, Partitions(config.targets, broker.settings.partitions), who, SOURCE, agents=True
        )
        self._epoch: Epoch | None = None
        self._crew = Crew(config, self.sender, epoch=self._word)
        self._door = door(config, self._crew)
        self._speaks = False

    async def run(self, stop: asyncio.Event) -> None:
        """Let agents in until `stop`; returns when all that was acknowledged is with the brokers.

        :raises OSError: the address cannot be listened on
        :raises BusError: the brokers cannot be used
        """
        self._epoch = Epoch(self._broker)
        await self._epoch.known()
        await self._broker.hear(BOOST, self._boost)
        await self._broker.hear(HEARD, self._heard_elsewhere)
        lease = Lease(self._broker, "contact", self._who)
        sent = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.sender.run(sent))
            chores = [
                group.create_task(chore)
                for chore in (
                    self._epoch.run(),
                    self._speak(lease),
                    self._tell_heard(),
                    self._crew.watch(lambda: self._speaks),
                )
            ]
            await self._door.run(stop)
            await ended(*chores)
            await lease.give_back(b"")
            sent.set()

    async def reload(self, config: Config) -> None:
        """Go on with another configuration."""
        self.sender.use(Partitions(config.targets, self._broker.settings.partitions))
        self._door.reload(config)

    def _word(self) -> str:
        return self._epoch.word if self._epoch is not None else ""

    async def _speak(self, lease: Lease) -> None:
        while True:
            await taken(lease)
            self._speaks = True
            _log.info("speaks_for_doors", who=self._who)
            await held_on(lease)
            self._speaks = False

    async def _tell_heard(self) -> None:
        while True:
            await asyncio.sleep(TELL_S)
            if names := self._crew.heard_here():
                try:
                    await self._broker.say(HEARD, msgspec.msgpack.encode(names))
                except BusError as error:
                    _log.debug("not_said", error=str(error))

    async def _heard_elsewhere(self, body: bytes) -> None:
        try:
            names = msgspec.msgpack.decode(body, type=tuple[str, ...])
        except msgspec.DecodeError:
            return
        self._crew.heard_elsewhere(names)

    async def _boost(self, body: bytes) -> None:
        try:
            boosted = msgspec.msgpack.decode(body, type=Boosted)
        except msgspec.DecodeError:
            return
        self._crew.boost(boosted.target, boosted.vantage)
