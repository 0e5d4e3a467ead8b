"""Opens the laboratory with the monitor inside: everything started in the order in which it is needed.

Stage first, then the hub, then, once the hub listens, what it is to hear of: the collector's peers tell their
tables only once, and RIS Live repeats nothing. The vantages come last.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from lab import papers
from lab.hub import HubRoom
from lab.live_feed import LiveFeed
from lab.monitor_config import Pace, hub_config
from lab.play import Play
from lab.stage import NO_FRR, NO_TUN, Stage
from lab.topology import lab_topology

from monitor.config import load_config
from monitor.demo.children import Child, ChildError
from monitor.demo.mailbox import Mailbox
from monitor.demo.ris_live_server import RisLiveServer
from monitor.history import Store
from monitor.model.settings import Config
from probes.observation import decode

_SUBSCRIBED_S = 20.0


@asynccontextmanager
async def playing(folder: Path, pace: Pace, show: Callable[[str], None]) -> AsyncIterator[Play]:
    """Build the laboratory, start the monitor in it, and let it learn; all files are in `folder`.

    :raises NetworkError, ChildError, OSError: it cannot be built
    """
    certificates = papers.issue(folder)
    show("building the networks")
    async with (
        Stage(lab_topology(), folder, certificates, pace) as stage,
        RisLiveServer() as server,
    ):
        if not stage.has_delays:
            show(NO_TUN)
        if not stage.has_bmp:
            show(NO_FRR)
        play = Play(stage, pace, show)
        async with Mailbox(lambda mail: play.mailed(mail.subject)) as mailbox:
            config = _configured(stage, folder, pace, server.url, mailbox.port)
            with Store.open(config.history.path) as store:
                room = HubRoom(config, store, boost=play.boost, stepped=play.stepped, heard=play.heard)
                async with _watching(play, room, config, server):
                    yield play


def _configured(stage: Stage, folder: Path, pace: Pace, ris_url: str, smtp_port: int) -> Config:
    """The hub's configuration, and the tables that it names, as files and as read from them."""
    origins = "".join(f"{prefix}\t{asn}\n" for prefix, asn in stage.topology.origins().items())
    (folder / "prefix_to_as.txt").write_text(origins, encoding="ascii")
    (folder / "relationships.txt").write_text(stage.topology.relationships(), encoding="ascii")
    roas = [{"prefix": str(vrp.prefix), "maxLength": vrp.max_length, "asn": vrp.asn} for vrp in stage.vrps]
    (folder / "vrps.json").write_bytes(msgspec.json.encode({"roas": roas}))
    trusted = stage.papers.trusted
    text = hub_config(
        stage.topology, pace, trusted, ris_url=ris_url, smtp_port=smtp_port, tables=folder, bmp=stage.has_bmp
    )
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


@asynccontextmanager
async def _watching(play: Play, room: HubRoom, config: Config, server: RisLiveServer) -> AsyncIterator[None]:
    """The monitor at work meanwhile, warmed up."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        hub = group.create_task(room.run(stop))
        async with asyncio.timeout(_SUBSCRIBED_S):
            for prefix in config.targets[0].prefixes:
                await server.wait_for_subscription(prefix)
        beside = [group.create_task(LiveFeed(play.stage.recording, server).run())]
        await play.stage.start_collector()
        if play.stage.has_bmp:
            await play.stage.start_edge()
        await play.stage.start_vantages()
        beside += [group.create_task(_listen(child, room)) for child in play.stage.vantages.values()]
        await play.warm_up()
        yield
        for task in beside:
            task.cancel()
        stop.set()
        await hub


async def _listen(child: Child, room: HubRoom) -> None:
    async for line in child.lines():
        try:
            observation = decode(line)
        except msgspec.DecodeError as error:
            raise ChildError(f"{child.name}: printed what is no observation: {error}") from error
        await room.put((observation,))
    raise ChildError(f"{child.name}: ended in the middle of the play")
