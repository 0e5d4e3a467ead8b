"""Opens the laboratory with the monitor inside: everything started in the order in which it is needed.

Stage first, then the hub, then, once the hub listens, what it is to hear of: the collector's peers tell their
tables only once, and RIS Live repeats nothing. The vantages come last.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
from lab import papers
from lab.hub import HubRoom
from lab.live_feed import LiveFeed
from lab.monitor_config import Pace, hub_config
from lab.stage import Stage
from lab.topology import lab_topology

from monitor.config import load_config
from monitor.demo.children import Child, ChildError
from monitor.demo.mailbox import Mail, Mailbox
from monitor.demo.ris_live_server import RisLiveServer
from monitor.history import Store
from monitor.model.settings import Config
from probes import clock
from probes.observation import decode

_SUBSCRIBED_S = 20.0
_PROGRAMS = ("bird", "birdc", "nsd", "unbound")


def missing() -> str | None:
    """Which of the programs that it cannot do without are not installed; None: none."""
    lacking = [program for program in _PROGRAMS if shutil.which(program) is None]
    return f"not installed: {', '.join(lacking)}" if lacking else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Laboratory:
    """The running laboratory: `history` is the hub's, `mails` grows with each mail that the mail server gets."""

    stage: Stage
    history: Path
    mails: Sequence[tuple[float, Mail]]


@asynccontextmanager
async def opened(folder: Path, pace: Pace, show: Callable[[str], None]) -> AsyncIterator[Laboratory]:
    """Build the laboratory and start the monitor in it; all files are in `folder`.

    :raises NetworkError, ChildError, OSError: it cannot be built
    """
    certificates = papers.issue(folder)
    show("building the networks")
    mails: list[tuple[float, Mail]] = []
    async with (
        Stage(lab_topology(), folder, certificates, pace) as stage,
        RisLiveServer() as server,
        Mailbox(lambda mail: mails.append((clock.wall(), mail))) as mailbox,
    ):
        for lacking in stage.lacks:
            show(lacking)
        config = _configured(stage, folder, pace, server.url, mailbox.port)
        with Store.open(config.history.path) as store:
            room = HubRoom(config, store, boost=stage.boost)
            async with _watching(stage, room, config, server):
                yield Laboratory(stage=stage, history=config.history.path, mails=mails)


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
async def _watching(stage: Stage, room: HubRoom, config: Config, server: RisLiveServer) -> AsyncIterator[None]:
    """The monitor at work meanwhile."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        hub = group.create_task(room.run(stop))
        async with asyncio.timeout(_SUBSCRIBED_S):
            for prefix in config.targets[0].prefixes:
                await server.wait_for_subscription(prefix)
        beside = [group.create_task(LiveFeed(stage.recording, server).run())]
        await stage.start_collector()
        if stage.has_bmp:
            await stage.start_edge()
        await stage.start_vantages()
        beside += [group.create_task(_listen(child, room)) for child in stage.vantages.values()]
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
