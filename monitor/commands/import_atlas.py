"""`whydown import atlas`: results of RIPE Atlas probes into the history, each probe a vantage."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO

import click

from monitor.commands.history_file import history_options, history_place, plain_errors
from monitor.commands.intake import Intake
from monitor.commands.target_hosts import targets_by_host
from monitor.files import CompressedFile, json_values
from monitor.history import Store
from monitor.model.history_place import HistoryPlace
from probes.atlas import AtlasError, Naming, read_results

# A certificate result is some 10 kB, a DNS result set of all a probe's resolvers some 50 kB.
_MAX_RESULT = 1_000_000


@click.command(short_help="Results of RIPE Atlas probes.")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--target", default=None, help="Name of what was measured.  [default: by the host]")
@click.option(
    "--question", nargs=2, default=None, metavar="NAME TYPE",
    help="What was asked, for DNS results that do not say it, as time-outs do not.",
)  # fmt: skip
@history_options
@click.pass_context
def atlas(
    ctx: click.Context,
    files: tuple[str, ...],
    target: str | None,
    question: tuple[str, str] | None,
    config: Path,
    database: HistoryPlace | None,
) -> None:
    """Results of RIPE Atlas: http, sslcert, dns and traceroute, one a line or as one array, plain or compressed.

    Probe 6042 becomes the vantage `atlas-6042`. Without --target a result belongs to the target of --config
    whose URL has its host, else to a target named like the host. What cannot be read, and a ping, is named and
    left out; exit 1 if there was any.

    \b
    whydown import atlas RIPE-Atlas-measurement-5017.json --target shop
    """
    names = targets_by_host(config) if target is None else {}
    naming = Naming(target=target, names=names, question=question)
    with plain_errors(), Store.open(history_place(database, config)) as store:
        intake = Intake(store)
        for name in files:
            if name == "-":
                with click.open_file(name, "rb") as file:
                    _read(name, file, naming, intake)
                continue
            with CompressedFile(Path(name)) as raw:
                _read(name, io.BufferedReader(raw), naming, intake)
                if raw.damage is not None:
                    intake.refuse(name, f"ends early: {raw.damage}")
    intake.conclude(ctx)


def _read(name: str, file: IO[bytes] | io.BufferedReader, naming: Naming, intake: Intake) -> None:
    """Take a whole file; what it holds is durable afterwards."""
    for line, value in json_values(file, _MAX_RESULT):
        place = f"{name}:{line}"
        if value is None:
            intake.refuse(place, f"a result longer than {_MAX_RESULT} bytes")
            continue
        try:
            found = read_results(value, naming)
        except AtlasError as error:
            intake.refuse(place, str(error))
        else:
            intake.take(place, found)
    intake.flush()
