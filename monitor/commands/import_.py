"""`whydown import`: facts from JSON lines into the history."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, TypeVar

import click
import msgspec

from monitor.bgp import ris_live
from monitor.commands.history_file import history_options, history_path, plain_errors
from monitor.files import numbered_lines
from monitor.history import Store, UnstorableFactError
from monitor.model import RouteFact
from monitor.report.safe_text import one_line
from probes.observation import Observation, decode

Fact = TypeVar("Fact")

# One transaction, one disk sync each; 1,000 took most of the gain in the benchmark.
_BATCH = 1000
# A traceroute with full MPLS stacks is some 20 kB; RIS Live allows more, its own reader says how much.
_MAX_LINE = 1_000_000
_SHOWN_PROBLEMS = 50


class _Kind(msgspec.Struct):
    """Observations are told from route messages by the field `kind`, which only they have."""

    kind: str | None = None


class _Importer:
    """Reads files line by line; keeps the good lines in batches, names and counts the bad ones."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._observations: list[tuple[str, Observation]] = []
        self._routes: list[tuple[str, RouteFact]] = []
        self.kept = 0
        self.bad = 0

    def read(self, name: str, file: IO[bytes]) -> None:
        """Take a whole file; what it holds is durable afterwards."""
        for number, line in numbered_lines(file, _MAX_LINE):
            place = f"{name}:{number}"
            if line is None:
                self._refuse(place, f"a line longer than {_MAX_LINE} bytes")
            else:
                self._take(place, line)
        self._flush()

    def _take(self, place: str, line: bytes) -> None:
        try:
            if msgspec.json.decode(line, type=_Kind).kind is None:
                self._routes += [(place, fact) for fact in ris_live.decode(line)]
            else:
                self._observations.append((place, decode(line)))
        except (msgspec.MsgspecError, ris_live.RisLiveError, UnicodeError, RecursionError) as error:
            self._refuse(place, str(error))
        if len(self._observations) + len(self._routes) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        observations, self._observations = self._observations, []
        routes, self._routes = self._routes, []
        self._keep(observations, self._store.add_observations)
        self._keep(routes, self._store.add_routes)

    def _keep(self, placed: list[tuple[str, Fact]], add: Callable[[list[Fact]], None]) -> None:
        """Keep what was read; a fact that the store cannot hold is named, those before and after it are kept."""
        while placed:
            try:
                add([fact for _, fact in placed])
            except UnstorableFactError as error:
                good, (place, _), rest = placed[: error.index], placed[error.index], placed[error.index + 1 :]
                add([fact for _, fact in good])
                self.kept += len(good)
                self._refuse(place, error.reason)
                placed = rest
            else:
                self.kept += len(placed)
                return

    def _refuse(self, place: str, reason: str) -> None:
        self.bad += 1
        if self.bad <= _SHOWN_PROBLEMS:
            click.echo(f"{place}: {one_line(reason, 300)}", err=True)
        elif self.bad == _SHOWN_PROBLEMS + 1:
            click.echo("further bad lines are counted only", err=True)


@click.command(short_help="Read facts from JSON lines into the history.")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@history_options
@click.pass_context
def command(ctx: click.Context, files: tuple[str, ...], config: Path, database: Path | None) -> None:
    """Read observations and RIS Live messages from FILES (- is standard input) into the history.

    A bad line is named and left out; exit 1 if there was any. Reading a file twice keeps its facts twice.

    \b
    whydown import observations.jsonl routes.jsonl
    zcat observations.jsonl.gz | whydown import -
    """
    with plain_errors(), Store.open(history_path(database, config)) as store:
        importer = _Importer(store)
        for name in files:
            with click.open_file(name, "rb") as file:
                importer.read(name, file)
    click.echo(f"{importer.kept} facts kept, {importer.bad} bad lines left out", err=True)
    if importer.bad:
        ctx.exit(1)
