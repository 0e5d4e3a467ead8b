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
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from lab import papers
from lab.internet import HUB_ADDRESS
from lab.live_feed import LiveFeed
from lab.monitor_config import Pace, hub_config, vantage_config
from lab.stage import Stage
from lab.topology import SERVICE, lab_topology

from monitor.demo.children import Child, ChildError
from monitor.demo.mailbox import Mail, Mailbox
from monitor.demo.ris_live_server import RisLiveServer
from monitor.link.enrolment import make_hub_certificate, make_vantage_key
from probes import clock

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
        Stage(lab_topology(), folder, certificates) as stage,
        RisLiveServer() as server,
        Mailbox(lambda mail: mails.append((clock.wall(), mail))) as mailbox,
    ):
        for lacking in stage.lacks:
            show(lacking)
        _configure(stage, folder, pace, server.url, mailbox.port)
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(_attend(await stage.start_hub()))]
            async with asyncio.timeout(_SUBSCRIBED_S):
                service = stage.topology.networks[SERVICE]
                for prefix in (service.prefix, service.prefix6):
                    await server.wait_for_subscription(prefix)
            beside.append(group.create_task(LiveFeed(stage.recording, server).run()))
            await stage.start_collector()
            if stage.has_bmp:
                await stage.start_edge()
            await stage.start_vantages()
            beside += [group.create_task(_attend(vantage)) for vantage in stage.vantages.values()]
            yield Laboratory(stage=stage, history=folder / "whydown.db", mails=mails)
            for task in beside:
                task.cancel()


def _configure(stage: Stage, folder: Path, pace: Pace, ris_url: str, smtp_port: int) -> None:
    """Write what the hub and the vantages are configured by: their files, keys and tables."""
    topology = stage.topology
    origins = "".join(f"{prefix}\t{asn}\n" for prefix, asn in topology.origins().items())
    (folder / "prefix_to_as.txt").write_text(origins, encoding="ascii")
    (folder / "relationships.txt").write_text(topology.relationships(), encoding="ascii")
    roas = [{"prefix": str(vrp.prefix), "maxLength": vrp.max_length, "asn": vrp.asn} for vrp in stage.vrps]
    (folder / "vrps.json").write_bytes(msgspec.json.encode({"roas": roas}))
    now = datetime.fromtimestamp(clock.wall(), UTC)
    make_hub_certificate(folder / "hub.pem", folder / "hub.key", [str(HUB_ADDRESS)], now)
    keys = {name: make_vantage_key(folder / f"{name}.key") for name in topology.vantages}
    for name in topology.vantages:
        (folder / f"{name}.toml").write_text(vantage_config(name, folder), encoding="utf-8")
    text = hub_config(
        topology, pace, stage.papers.trusted, folder, keys=keys, ris_url=ris_url, smtp_port=smtp_port,
        bmp=stage.has_bmp,
    )  # fmt: skip
    (folder / "config.toml").write_text(text, encoding="utf-8")


async def _attend(child: Child) -> None:
    """Notice when a part of the monitor ends; what it has to say goes to standard error."""
    async for _ in child.lines():
        pass
    raise ChildError(f"{child.name}: ended in the middle of the play")
