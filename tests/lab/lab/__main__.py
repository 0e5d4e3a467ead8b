"""`python -m lab`: shows the map and lists the scenarios, or plays some with the monitor inside."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
import structlog
from lab import map as lab_map
from lab import scenario
from lab.chronicle import Chronicle
from lab.daemons import heard_in
from lab.internet import PASSING, own_run
from lab.monitor_config import PACES
from lab.opening import missing, opened
from lab.outcome import Outcome, in_lines
from lab.play import Play
from lab.scenario import Scenario
from lab.screen import Telling
from lab.topology import lab_topology
from rich.console import Console

from monitor.demo.children import ChildError
from monitor.demo.launch import leaves
from monitor.demo.namespaces import NetworkError, enter_private


@click.command()
@click.argument("names", nargs=-1)
@click.option("--pace", type=click.Choice(sorted(PACES)), default="fast", show_default=True, help="How hurried.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a scenario on standard output.")
@click.option("--plain", is_flag=True, help="Lines instead of the live status, on a terminal too.")
@click.option(
    "--keep",
    type=click.Path(path_type=Path, resolve_path=True),
    help="New folder that keeps history, recordings, logs.",
)
def main(names: Sequence[str], pace: str, as_json: bool, plain: bool, keep: Path | None) -> None:
    """Play scenarios NAMES in the laboratory; without names, show its map and list them.

    Exit 0: all were answered rightly. Exit 1: one was not. Exit 3: the laboratory cannot be built here.
    """
    the_map = "\n".join(lab_map.lines(lab_topology())) + "\n"
    if not names:
        click.echo(the_map)
        for name in scenario.names():
            click.echo(f"  {name:24} {scenario.read(name).title}")
        return
    try:
        chosen = [scenario.read(name) for name in names]
    except scenario.ScenarioError as error:
        raise click.UsageError(str(error)) from error
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise click.UsageError(f"{keep} is not empty; what was recorded there would be heard again")
    because = missing() or enter_private((sys.executable, "-m", "lab", *sys.argv[1:]), own_processes=True)
    if because is not None:
        click.echo(f"the laboratory cannot be built here: {because}", err=True)
        sys.exit(3)
    if not as_json:
        click.echo(the_map)
    own_run()
    folder = keep or PASSING
    folder.mkdir(parents=True, exist_ok=True)
    try:
        outcomes = _outcomes(chosen, folder, pace, live=not (plain or as_json), to_stderr=as_json)
    except* (NetworkError, ChildError, OSError) as errors:
        kept = f"see {keep}" if keep else "--keep FOLDER keeps its logs"
        for each in leaves(errors):
            click.echo(f"the laboratory could not go on: {each}; {kept}", err=True)
        sys.exit(3)
    for outcome in outcomes:
        click.echo(msgspec.json.encode(outcome) if as_json else "\n".join(in_lines(outcome)))
    sys.exit(0 if all(outcome.right for outcome in outcomes) else 1)


def _outcomes(
    chosen: Sequence[Scenario], folder: Path, pace: str, *, live: bool, to_stderr: bool
) -> list[Outcome]:
    console = Console()
    telling = Telling(
        console, live=live and console.is_terminal, echo=lambda line: click.echo(line, err=to_stderr)
    )
    with (folder / "monitor.log").open("w", encoding="utf-8") as log, heard_in(folder), telling:
        structlog.configure(logger_factory=structlog.WriteLoggerFactory(file=log))
        return asyncio.run(_play_until_terminated(chosen, folder, pace, telling))


async def _play_until_terminated(
    chosen: Sequence[Scenario], folder: Path, pace: str, telling: Telling
) -> list[Outcome]:
    """Play; SIGTERM cancels it, which the first process of a namespace would not hear of by itself."""
    playing_all = asyncio.ensure_future(_play(chosen, folder, pace, telling))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, playing_all.cancel)
    return await playing_all


async def _play(chosen: Sequence[Scenario], folder: Path, pace: str, telling: Telling) -> list[Outcome]:
    async with opened(folder, PACES[pace], telling.show) as laboratory:
        play = Play(laboratory, PACES[pace], telling.show)
        watching = asyncio.create_task(telling.watch(play))
        async with Chronicle(laboratory.history, laboratory.mails, play).followed():
            await play.warm_up()
            outcomes = [await play.play(one) for one in chosen]
        watching.cancel()
        return outcomes


if __name__ == "__main__":
    main()
