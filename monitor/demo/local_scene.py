"""The demo's own scene: its stage, its vantages, a local route feed and mail server, and the monitor among them.

Wires everything of this package but the telling. Whatever ends it, the children end with it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import msgspec

from monitor.agent.instruments import NetworkInstruments
from monitor.demo import certificates, collector, registry, setting
from monitor.demo.board import Board
from monitor.demo.children import Child, ChildError, Children
from monitor.demo.control_room import configured, control_room
from monitor.demo.loopback_stage import LoopbackStage
from monitor.demo.mailbox import Mailbox
from monitor.demo.namespace_stage import NamespaceStage
from monitor.demo.ris_live_server import RisLiveServer
from monitor.demo.scene import Diversion
from monitor.demo.stage import Stage
from monitor.demo.story import Deed
from monitor.demo.topology import Role
from monitor.history import Store
from monitor.hub.centre import Centre
from probes import clock
from probes.observation import decode

_SUBSCRIBED_S = 20.0
_CROWD_TELLS_S = 2.0
# The crowd leaves this long before its act ends, so that the queue is empty when the next act begins.
_CROWD_LEAVES_EARLY_S = 2.0


class LocalScene:
    """A `Scene` whose files are in `folder`. `loopback_because`: why there are no namespaces; None: there are."""

    def __init__(self, folder: Path, loopback_because: str | None) -> None:
        self._folder = folder
        self._children = Children()
        self._server = RisLiveServer()
        self._papers = certificates.issue(folder, name=setting.SERVICE_NAME, control_name=setting.CONTROL_NAME)
        self._stage: Stage = (
            NamespaceStage(self._children, self._papers)
            if loopback_because is None
            else LoopbackStage(self._children, self._papers, loopback_because)
        )
        self._crowd: Child | None = None
        self.crowd_answers: Mapping[str, int] = {}

    @property
    def mode(self) -> str:
        """One word for the summary."""
        return self._stage.mode

    @property
    def told(self) -> str:
        """What is real and what is replayed."""
        return self._stage.told

    @property
    def diversion(self) -> Diversion:
        """The impostor's more-specific."""
        topology = self._stage.topology
        return Diversion(prefix=str(topology.hijacked_prefix), origin=topology.only(Role.IMPOSTOR).asn)

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[Board]:
        """Stage, monitor and vantages at work; see `Scene.opened`."""
        topology = self._stage.topology
        async with self._children, self._server:
            await self._stage.open()
            names = [network.host for network in topology.of_role(Role.VANTAGE) if network.host is not None]
            table = registry.prefix_table(topology)
            board = Board(names, table, replayed_traces=self._stage.mode == LoopbackStage.mode)
            async with Mailbox(lambda mail: board.mail(clock.wall(), mail)) as mailbox:
                config = configured(
                    self._stage, self._folder, ca_file=self._papers.trusted, smtp_port=mailbox.port,
                    ris_url=self._server.url,
                )  # fmt: skip
                instruments = NetworkInstruments()
                try:
                    with Store.open(config.history.place) as store:
                        async with self._watched(control_room(config, store, board, instruments)):
                            yield board
                finally:
                    await instruments.aclose()

    async def do(self, deed: Deed, length_s: float) -> None:
        """Let the crowd in, divert, or restore; the collector hears of the latter."""
        topology = self._stage.topology
        paths = topology.hijacked_paths()
        match deed:
            case Deed.LET_CROWD_IN:
                self._crowd = await self._stage.let_crowd_in(length_s - _CROWD_LEAVES_EARLY_S)
            case Deed.DIVERT:
                await self._hear_crowd()
                await self._stage.divert()
                await self._push(collector.announcements(topology, topology.hijacked_prefix, paths, clock.wall()))
            case Deed.RESTORE:
                await self._push(collector.withdrawals(topology, topology.hijacked_prefix, paths, clock.wall()))
                await self._stage.restore()
            case Deed.NOTHING:
                pass

    @contextlib.asynccontextmanager
    async def _watched(self, room: Centre) -> AsyncIterator[None]:
        """The monitor at work, hearing of routes and vantages."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(room.run(stop))
            async with asyncio.timeout(_SUBSCRIBED_S):
                await self._server.wait_for_subscription(self._stage.topology.service_prefix)
            background = [group.create_task(self._replay_traces(room))]
            await self._announce_genuine()
            background += [group.create_task(self._listen(child, room)) for child in await self._start_vantages()]
            yield
            for task in background:
                task.cancel()
            stop.set()
            await watching

    async def _start_vantages(self) -> list[Child]:
        """Start all vantages, spread over one interval so that they never ask at once."""
        networks = self._stage.topology.of_role(Role.VANTAGE)
        return [
            await self._stage.start_vantage(network, setting.INTERVAL_S * number / len(networks))
            for number, network in enumerate(networks)
        ]

    async def _listen(self, child: Child, room: Centre) -> None:
        async for line in child.lines():
            try:
                observation = decode(line)
            except msgspec.DecodeError as error:
                raise ChildError(f"{child.name}: printed what is no observation: {error}") from error
            await room.put((observation,))
        raise ChildError(f"{child.name}: ended in the middle of the demo")

    async def _replay_traces(self, room: Centre) -> None:
        async for trace in self._stage.replayed_traces():
            await room.put((trace,))

    async def _announce_genuine(self) -> None:
        topology = self._stage.topology
        await self._push(
            collector.announcements(topology, topology.service_prefix, topology.genuine_paths(), clock.wall())
        )

    async def _push(self, messages: list[collector.Message]) -> None:
        for message in messages:
            await self._server.push(message)

    async def _hear_crowd(self) -> None:
        """What the crowd was answered; it has left by now."""
        if self._crowd is not None:
            with contextlib.suppress(msgspec.DecodeError):
                said = await self._crowd.ready(_CROWD_TELLS_S)
                self.crowd_answers = msgspec.json.decode(said, type=dict[str, int])
