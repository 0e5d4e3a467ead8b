"""`whydown replay`: diagnose a folder of recorded facts, or a bundle of them."""

from __future__ import annotations

import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import msgspec

from monitor.bundle import BundleError, OpenedBundle, opened
from monitor.commands.incident_output import show_incidents
from monitor.commands.zone import Zone
from monitor.config import ConfigError
from monitor.diagnose.rules import RULES_VERSION
from monitor.model import Incident
from monitor.replay import Folder, ReplayError, read_folder
from monitor.replay import replay as replay_folder
from monitor.report.moment import moment
from monitor.report.safe_text import one_line
from monitor.side_by_side import side_by_side

MAX_COMPLAINTS = 20


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a bundle says that its facts give, by rules of that version."""

    verdict: bytes
    rules: str

    def holds(self, incidents: Sequence[Incident]) -> bool:
        """Whether these incidents are that, to the byte; says so."""
        if b"".join(msgspec.json.encode(incident) + b"\n" for incident in incidents) == self.verdict:
            click.echo("the verdict is the bundle's, byte by byte", err=True)
            return True
        why = (
            "the rules are the same, so the bundle was put together wrongly, or by another program"
            if self.rules == RULES_VERSION
            else f"it was made by rules of version {one_line(self.rules, 40)}, and these are {RULES_VERSION}"
        )
        click.echo(f"the verdict is NOT the bundle's (verdict.jsonl): {why}", err=True)
        return False


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


@click.command(short_help="Diagnose folders of recorded facts.")
@click.argument("folders", metavar="FOLDER|BUNDLE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object per incident and line.")
@click.option("--chunk", type=click.IntRange(min=1), help="Facts fed at once; the verdicts are the same.")
@click.option("--timezone", type=Zone(), default="UTC", show_default=True, help="Of the times shown.")
@click.option("--explain", "explained", is_flag=True, help="Print every term of each verdict.")
@click.option("--processes", type=click.IntRange(1, 256), help="Folders replayed at once (default: processors).")
def command(
    folders: tuple[Path, ...],
    as_json: bool,
    chunk: int | None,
    timezone: ZoneInfo,
    explained: bool,
    processes: int | None,
) -> None:
    """Diagnose FOLDER, a folder of recorded facts, as if they happened now.

    FOLDER holds config.toml and observations.jsonl, and may hold routes.jsonl, MRT files (rib.* first),
    routes-before.jsonl (known before, and not judged), vrps.json, relationships.txt and prefix_to_as.txt; the
    .jsonl files may be compressed (.gz, .zst). Each of several is a story of its own.
    Exit 0, whatever the incidents; 2 when a folder cannot be read.

    BUNDLE is a file of `whydown report --bundle`: its hashes are checked before it is believed, and exit 1 says
    that its facts do not give the verdict that it claims.

    \b
    whydown replay tests/scenarios/kakao-2022-02-03
    whydown replay incident.zip --explain
    whydown replay tests/scenarios/kakao-2022-02-03 --json | jq .cause
    whydown replay tests/scenarios/*-20* --processes 2
    """
    holds = True
    replayed = side_by_side(partial(_replayed, chunk=chunk), folders, processes)
    for folder, (incidents, claim) in zip(folders, replayed, strict=True):
        if len(folders) > 1:
            click.echo(f"{folder}:", err=as_json)
        # No history holds these incidents, so `whydown explain` would not find them.
        show_incidents(
            incidents, timezone, as_json=as_json, explained=explained,
            terms_by=f"whydown replay {shlex.quote(str(folder))} --explain",
        )  # fmt: skip
        holds &= claim is None or claim.holds(incidents)
    if not holds:
        sys.exit(1)


def _replayed(path: Path, chunk: int | None) -> tuple[list[Incident], _Claim | None]:
    """The incidents of a folder or a bundle, and what the bundle says that they are."""
    if not path.is_file():
        return replay_folder(read_or_exit(path), chunk), None
    with unpacked_or_exit(path) as bundle:
        claim = _Claim(bundle.verdict, bundle.manifest.rules)
        read = read_or_exit(bundle.folder)
    return replay_folder(read, chunk), claim


@contextmanager
def unpacked_or_exit(path: Path) -> Iterator[OpenedBundle]:
    """A bundle, checked and unpacked for as long as the block runs; one that cannot be ends the program with 2."""
    with tempfile.TemporaryDirectory(prefix="whydown-bundle-") as folder:
        try:
            bundle = opened(path, Path(folder))
        except (BundleError, OSError) as error:
            click.echo(str(error), err=True)
            sys.exit(2)
        manifest = bundle.manifest
        click.echo(
            f"{path}: {len(manifest.files)} files are as their manifest says; made {_utc(manifest.made_at)} by"
            f" {one_line(manifest.made_by, 60)} of incident {one_line(manifest.incident, 128)}\n"
            f"fingerprint, to be compared with the one that its maker told: {bundle.fingerprint}",
            err=True,
        )
        yield bundle


def _utc(at: float) -> str:
    return moment(at, UTC)
