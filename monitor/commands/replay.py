"""`whydown replay FOLDER`: diagnose a folder of recorded facts."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from monitor.commands.incident_output import show_incidents
from monitor.commands.zone import Zone
from monitor.config import ConfigError
from monitor.replay import Folder, ReplayError, read_folder
from monitor.replay import replay as replay_folder

MAX_COMPLAINTS = 20


class Complaints:
    """Prints the first complaints about bad lines, counts them all."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, path: Path, line: int, message: str) -> None:
        """Take one complaint; `line` 0 is the file as a whole."""
        self.count += 1
        if self.count <= MAX_COMPLAINTS:
            place = f"{path}:{line}" if line else str(path)
            click.echo(f"{place}: {message}", err=True)
        elif self.count == MAX_COMPLAINTS + 1:
            click.echo("more bad lines follow; they are counted only", err=True)


def read_or_exit(folder: Path) -> Folder:
    """Read an incident folder; a folder that cannot be read ends the program with exit 2."""
    complaints = Complaints()
    try:
        read = read_folder(folder, complaints)
    except (ReplayError, ConfigError, OSError, ValueError) as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    if complaints.count:
        click.echo(f"{folder}: {complaints.count} bad lines passed over", err=True)
    return read


@click.command(short_help="Diagnose a folder of recorded facts.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object per incident and line.")
@click.option("--chunk", type=click.IntRange(min=1), help="Facts fed at once; the verdicts are the same.")
@click.option("--timezone", type=Zone(), default="UTC", show_default=True, help="Of the times shown.")
@click.option("--explain", "explained", is_flag=True, help="Print every term of each verdict.")
def command(folder: Path, as_json: bool, chunk: int | None, timezone: ZoneInfo, explained: bool) -> None:
    """Diagnose FOLDER, a folder of recorded facts, as if they happened now.

    FOLDER holds config.toml and observations.jsonl, and may hold routes.jsonl, MRT files (rib.* first),
    routes-before.jsonl (known before, and not judged), vrps.json, relationships.txt and prefix_to_as.txt; the
    .jsonl files may be compressed (.gz, .zst).
    Exit 0, whatever the incidents; 2 when the folder cannot be read.

    \b
    whydown replay tests/scenarios/kakao-2022-02-03
    whydown replay tests/scenarios/kakao-2022-02-03 --json | jq .cause
    """
    # No history holds these incidents, so `whydown explain` would not find them.
    show_incidents(
        replay_folder(read_or_exit(folder), chunk), timezone, as_json=as_json, explained=explained,
        terms_by=f"whydown replay {shlex.quote(str(folder))} --explain",
    )  # fmt: skip
