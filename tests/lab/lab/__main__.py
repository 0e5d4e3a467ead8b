"""`python -m lab`: shows the map and lists the scenarios, or plays some with the monitor inside."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import click
import msgspec
import structlog
from lab import scenario
from lab.monitor_config import PACES
from lab.play import Outcome, playing

from monitor.demo.namespaces import enter_private


@click.command()
@click.argument("names", nargs=-1)
@click.option("--pace", type=click.Choice(sorted(PACES)), default="fast", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a scenario on standard output.")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder to keep everything in.")
def main(names: Sequence[str], pace: str, as_json: bool, keep: Path | None) -> None:
    """Play scenarios NAMES in the laboratory; without names, list them."""
    if not names:
        for name in scenario.names():
            click.echo(f"  {name:24} {scenario.read(name).title}")
        return
    chosen = [scenario.read(name) for name in names]
    because = enter_private((sys.executable, "-m", "lab", *sys.argv[1:]), own_processes=True)
    if because is not None:
        click.echo(f"the laboratory needs network namespaces: {because}", err=True)
        sys.exit(3)
    folder = keep or Path(tempfile.mkdtemp(prefix="wd-lab-"))
    folder.mkdir(parents=True, exist_ok=True)
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(file=(folder / "monitor.log").open("w")))
    start = time.monotonic()

    def show(line: str) -> None:
        click.echo(f"{time.monotonic() - start:7.1f} s  {line}", err=as_json)

    right = True
    for outcome in asyncio.run(_play(chosen, folder, pace, show)):
        right = right and outcome.right
        if as_json:
            click.echo(msgspec.json.encode(outcome))
        else:
            click.echo(f"{outcome.scenario.name}: {'right' if outcome.right else 'WRONG'}")
            for answer in outcome.answers:
                click.echo(f"   {asdict(answer)}")
            click.echo(f"   false alarms {outcome.false_alarms}, closed after {outcome.closed_s}")
    sys.exit(0 if right else 1)


async def _play(
    chosen: Sequence[scenario.Scenario], folder: Path, pace: str, show: Callable[[str], None]
) -> list[Outcome]:
    async with playing(folder, PACES[pace], show) as play:
        return [await play.play(one) for one in chosen]


if __name__ == "__main__":
    main()
