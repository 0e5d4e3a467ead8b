"""`whydown demo` as a whole: the stage, the vantages, the monitor that watches them, and the story.

Wires everything of this package and returns the summary. Whatever ends it, the children end with it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from monitor.demo import certificates, collector, registry, setting
from monitor.demo.board import Board
from monitor.demo.children import Child, ChildError, Children
from monitor.demo.control_room import ControlRoom
from monitor.demo.loopback_stage import LoopbackStage
from monitor.demo.mailbox import Mailbox
from monitor.demo.namespace_stage import NamespaceStage
from monitor.demo.plain import PlainTeller
from monitor.demo.ris_live_server import RisLiveServer
from monitor.demo.screen import ScreenTeller
from monitor.demo.stage import Stage
from monitor.demo.story import Deed, Story
from monitor.demo.summary import Summary, summarise
from monitor.demo.topology import Role
from monitor.history import Store
from probes import clock
from probes.observation import decode

_SUBSCRIBED_S = 20.0
_TICK_S = 0.5
# The crowd leaves this long before its act ends, so that the queue is empty when the next act begins.
_CROWD_LEAVES_EARLY_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How to play. `folder` keeps it all; `loopback_because`: why there are no namespaces, None when there are."""

    story: Story
    folder: Path
    loopback_because: str | None
    teller: Callable[[Board, Stage, float], ScreenTeller | PlainTeller]


async def play(setup: Setup) -> Summary:
    """Play the whole story, about two minutes; what the monitor made of it.

    :raises NetworkError, ChildError, OSError: the stage could not be built or fell apart
    :raises HistoryError: the history failed
    """
    papers = certificates.issue(setup.folder, name=setting.SERVICE_NAME, control_name=setting.CONTROL_NAME)
    async with Children() as children, RisLiveServer() as server:
        stage: Stage = (
            NamespaceStage(children, papers)
            if setup.loopback_because is None
            else LoopbackStage(children, papers, setup.loopback_because)
        )
        await stage.open()
        names = [network.host for network in stage.topology.of_role(Role.VANTAGE) if network.host is not None]
        board = Board(
            names, registry.prefix_table(stage.topology), replayed_traces=stage.mode == LoopbackStage.mode
        )
        async with Mailbox(lambda mail: board.mail(clock.wall(), mail)) as mailbox:
            with Store.open(setup.folder / "history.db") as store:
                room = ControlRoom(
                    store, stage, board, ca_file=papers.trusted, smtp_port=mailbox.port, ris_url=server.url
                )
                return await _Performance(setup, stage, board, room, server).run()


class _Performance:
    """One run of the story on an open stage."""

    def __init__(self, setup: Setup, stage: Stage, board: Board, room: ControlRoom, server: RisLiveServer) -> None:
        self._setup = setup
        self._stage = stage
        self._board = board
        self._room = room
        self._server = server
        self._crowd: Child | None = None
        self._answers: dict[str, int] = {}

    async def run(self) -> Summary:
        """Play it and sum it up."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._room.run(stop))
            async with asyncio.timeout(_SUBSCRIBED_S):
                await self._server.wait_for_subscription(self._stage.topology.service_prefix)
            start = clock.wall()
            background = [group.create_task(self._tell(start)), group.create_task(self._replay_traces())]
            await self._announce_genuine()
            background += [group.create_task(self._listen(child)) for child in await self._start_vantages()]
            await self._tell_story(start)
            for task in background:
                task.cancel()
            stop.set()
            await watching
        return summarise(
            self._board,
            self._setup.story,
            self._stage.topology,
            mode=self._stage.mode,
            told=self._stage.told,
            seconds=clock.wall() - start,
            crowd=self._answers,
        )

    async def _start_vantages(self) -> list[Child]:
        """Start all vantages, spread over one interval so that they never ask at once."""
        networks = self._stage.topology.of_role(Role.VANTAGE)
        return [
            await self._stage.start_vantage(network, setting.INTERVAL_S * number / len(networks))
            for number, network in enumerate(networks)
        ]

    async def _listen(self, child: Child) -> None:
        async for line in child.lines():
            try:
                observation = decode(line)
            except msgspec.DecodeError as error:
                raise ChildError(f"{child.name}: printed what is no observation: {error}") from error
            await self._room.put((observation,))
        raise ChildError(f"{child.name}: ended in the middle of the demo")

    async def _replay_traces(self) -> None:
        async for trace in self._stage.replayed_traces():
            await self._room.put((trace,))

    async def _tell(self, start: float) -> None:
        with self._setup.teller(self._board, self._stage, start) as teller:
            while True:
                teller.tick(clock.wall())
                await asyncio.sleep(_TICK_S)

    async def _tell_story(self, start: float) -> None:
        story = self._setup.story
        for act in story.acts:
            await asyncio.sleep(max(start + act.starts_s - clock.wall(), 0.0))
            self._board.begin(clock.wall(), act)
            await self._do(act.deed, story.length_s(act))
        await asyncio.sleep(max(start + story.ends_s - clock.wall(), 0.0))

    async def _do(self, deed: Deed, length_s: float) -> None:
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
                self._answers = msgspec.json.decode(await self._crowd.ready(_TICK_S * 4), type=dict[str, int])
