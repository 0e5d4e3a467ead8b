"""`whydown import`: facts from files into the history; FILE... alone is our own JSON lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO

import click
import msgspec

from monitor.bgp import ris_live
from monitor.bgp.vrp_line import VrpLineError, is_vrp_line, read_vrp_line
from monitor.commands.history_file import history_options, history_place, plain_errors
from monitor.commands.import_atlas import atlas
from monitor.commands.import_history import history
from monitor.commands.intake import Intake
from monitor.files import numbered_lines
from monitor.history import Store
from monitor.model import RouteFact
from monitor.model.history_place import HistoryPlace
from probes.observation import Observation, decode

# A traceroute with full MPLS stacks is some 20 kB; RIS Live allows more, its own reader says how much.
_MAX_LINE = 1_000_000


class _Kinds(click.Group):
    """A group in which a first word that is no kind is the first file of `facts`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["facts", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Kinds, short_help="Read facts from JSON lines into the history.")
def command() -> None:
    """Read facts from files (- is standard input) into the history.

    \b
    whydown import observations.jsonl routes.jsonl
    zcat observations.jsonl.gz | whydown import -
    whydown import atlas results.json --target shop
    whydown import history data/whydown.db --database "postgresql://whydown@/whydown"

    FILE... alone are observations and RIS Live messages, one a line: what `whydown export` writes. A bad line
    is named and left out; exit 1 if there was any. Reading a file twice keeps its facts twice.
    """


command.add_command(atlas)
command.add_command(history)


@command.command(short_help="Observations and RIS Live messages, one a line.")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@history_options
@click.pass_context
def facts(ctx: click.Context, files: tuple[str, ...], config: Path, database: HistoryPlace | None) -> None:
    """Observations and RIS Live messages, one a line; the word may be left out.

    \b
    whydown import facts observations.jsonl routes.jsonl
    """
    with plain_errors(), Store.open(history_place(database, config)) as store:
        intake = Intake(store)
        for name in files:
            with click.open_file(name, "rb") as file:
                _read(name, file, intake)
    intake.conclude(ctx)


def _read(name: str, file: IO[bytes], intake: Intake) -> None:
    """Take a whole file; what it holds is durable afterwards."""
    for number, line in numbered_lines(file, _MAX_LINE):
        place = f"{name}:{number}"
        if line is None:
            intake.refuse(place, f"a line longer than {_MAX_LINE} bytes")
            continue
        try:
            found = _facts(line)
        except (msgspec.MsgspecError, ris_live.RisLiveError, VrpLineError, UnicodeError, RecursionError) as error:
            intake.refuse(place, str(error))
        else:
            intake.take(place, found)
    intake.flush()


class _Kind(msgspec.Struct):
    """Observations are told from route messages by the field `kind`, which only they have."""

    kind: str | None = None


def _facts(line: bytes) -> Sequence[Observation | RouteFact]:
    if is_vrp_line(line):
        return (read_vrp_line(line),)
    if msgspec.json.decode(line, type=_Kind).kind is None:
        return list(ris_live.decode(line))
    return (decode(line),)
