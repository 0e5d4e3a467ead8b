"""`python -m lab.demo`: the story of `whydown demo`, told by the same words, played in the laboratory.

Where the laboratory cannot be built, this says why and becomes `whydown demo`, which needs less.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import click
import msgspec
from lab import deeds
from lab.chronicle import Chronicle
from lab.daemons import heard_in
from lab.internet import PASSING, own_run
from lab.monitor_config import CONTROLS, PACES, TARGET
from lab.opening import Laboratory, missing, opened
from lab.papers import SERVICE_NAME
from lab.topology import HIJACKER, lab_topology

from monitor.bgp.ip_to_as import PrefixTable
from monitor.demo.board import Board
from monitor.demo.children import Child
from monitor.demo.launch import launch
from monitor.demo.mailbox import Mail
from monitor.demo.namespaces import enter_private
from monitor.demo.scene import Diversion
from monitor.demo.story import Deed
from monitor.diagnose.fact import Fact
from monitor.model.incident import Incident, IncidentChange
from monitor.model.verdict import Verdict

_PREFIX = "198.18.3.0/24"
_CLIENTS = 60
# The crowd leaves this long before its act ends, so that the queue is empty when the next act begins.
_CROWD_LEAVES_EARLY_S = 2.0
_CROWD_TELLS_S = 4.0


class LabScene:
    """The laboratory as the demo's `Scene`; its files are in `folder`."""

    mode = "laboratory"
    diversion = Diversion(prefix=_PREFIX, origin=HIJACKER)

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._laboratory: Laboratory | None = None
        self._crowd: Child | None = None
        self._undos: list[deeds.Undo] = []
        self.told = "The laboratory is being built."
        self.crowd_answers: Mapping[str, int] = {}

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[Board]:
        """The laboratory with the monitor at work in it; see `Scene.opened`."""
        topology = lab_topology()
        table = PrefixTable.parse(f"{prefix}\t{asn}" for prefix, asn in topology.origins().items())
        board = Board(topology.vantages, table, control=CONTROLS[0])
        async with opened(self._folder, PACES["fast"], lambda line: None) as laboratory:
            self._laboratory = laboratory
            lacks = "".join(f" {lacking}." for lacking in laboratory.stage.lacks)
            links = "links with delays" if laboratory.stage.has_delays else "links"
            self.told = (
                f"Everything is real: {len(topology.networks)} networks with BGP routers, name servers, resolvers,"
                f" HTTPS servers, load, {links}, traceroutes.{lacks}"
            )
            async with Chronicle(laboratory.history, laboratory.mails, _Onto(board)).followed():
                yield board

    async def do(self, deed: Deed, length_s: float) -> None:
        """Let the crowd in, announce the more-specific, or withdraw it."""
        if self._laboratory is None:
            raise RuntimeError("the scene is not opened")
        stage = self._laboratory.stage
        match deed:
            case Deed.LET_CROWD_IN:
                seconds = length_s - _CROWD_LEAVES_EARLY_S
                self._crowd = await stage.start_crowd("service", SERVICE_NAME, seconds, _CLIENTS)
            case Deed.DIVERT:
                await self._hear_crowd()
                self._undos.append(await deeds.impostor(stage, "valid"))
                self._undos.append(await deeds.announce(stage, HIJACKER, _PREFIX))
            case Deed.RESTORE:
                while self._undos:
                    await self._undos.pop()()
            case Deed.NOTHING:
                pass

    async def _hear_crowd(self) -> None:
        """What the crowd was answered; it has left by now."""
        if self._crowd is not None:
            with contextlib.suppress(msgspec.DecodeError):
                said = await self._crowd.ready(_CROWD_TELLS_S)
                self.crowd_answers = msgspec.json.decode(said, type=dict[str, int])


class _Onto:
    """Puts what a chronicle tells on the demo's board."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def heard(self, facts: Sequence[Fact]) -> None:
        """Facts that the hub has stored."""
        for fact in facts:
            self._board.fact(fact)

    def changed(self, at: float, changes: Sequence[IncidentChange]) -> None:
        """The hub has concluded; what it says of the target now is the verdict of its incident, if one is open."""
        for change in changes:
            self._board.change(change)
            if change.incident.target == TARGET:
                self._board.verdict = _verdict(change.incident) if change.incident.closed_at is None else None

    def mailed(self, at: float, mail: Mail) -> None:
        """The mail server has a mail in its hands."""
        self._board.mail(at, mail)


def _verdict(incident: Incident) -> Verdict:
    return Verdict(
        at=incident.updated_at, target=incident.target, cause=incident.cause, confidence=incident.confidence,
        suspected=incident.suspected, detail=incident.detail, affected=incident.affected,
        vantages=incident.vantages, evidence=incident.evidence, runner_up=incident.runner_up,
    )  # fmt: skip


@click.command()
@click.option("--plain", is_flag=True, help="Tell it line by line; the default when the output is no terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print only the summary, as one JSON object.")
@click.option(
    "--keep",
    type=click.Path(path_type=Path, resolve_path=True),
    help="New folder that keeps history, recordings, logs.",
)
def main(*, plain: bool, as_json: bool, keep: Path | None) -> None:
    """Watch a service overloaded, then hijacked, and told apart; about two and a half minutes.

    Exit status 0 when both causes were named rightly and nothing else was opened; 1 when not.
    """
    arguments = tuple(sys.argv[1:])
    because = missing() or enter_private((sys.executable, "-m", "lab.demo", *arguments), own_processes=True)
    if because is not None:
        click.echo(f"not in the laboratory ({because}), so on the demo's own stage", err=True)
        os.execv(sys.executable, (sys.executable, "-m", "monitor", "demo", *arguments))
    own_run()
    folder = keep or PASSING
    folder.mkdir(parents=True, exist_ok=True)
    with heard_in(folder):
        kept = None if keep is None else keep / "whydown.db"
        sys.exit(launch(folder, LabScene(folder), plain=plain, as_json=as_json, kept=kept))


if __name__ == "__main__":
    main()
