"""`whydown verify`: whether the history's facts are as they were sealed."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

from monitor.commands.history_file import history_options, history_place, plain_errors
from monitor.history import Reader
from monitor.history.seal_check import SealCheck
from monitor.model.history_place import HistoryPlace

_SHOWN_PROBLEMS = 20


class _Hash(click.ParamType[bytes]):
    name = "hex"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        """The 32 bytes of a SHA-256 in hex."""
        try:
            found = bytes.fromhex(str(value))
        except ValueError:
            found = b""
        if len(found) != 32:
            self.fail(f"{str(value)[:70]!r} is no SHA-256: 64 hex digits", param, ctx)
        return found


@click.command(short_help="Check that stored facts were not altered.")
@click.option("--head", type=_Hash(), help="A head that was kept elsewhere: the chain must have gone through it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@history_options
def command(head: bytes | None, as_json: bool, config: Path, database: HistoryPlace | None) -> None:
    """Check the chain of seals that the monitor lays over its facts, five minutes of each target at a time.

    A seal is the digest of the facts of its five minutes, and each one's head is made from all before it. Printed
    is the newest: kept elsewhere (in the log, in a bundle, in a mail to somebody, stamped by an authority), it
    fixes every fact that was sealed by then, and --head asks whether this history still agrees with it. Without
    it, whoever can write the file could have made a new chain. What is forgotten by age keeps its digest.

    Exit 0 when all is as it was sealed; 1 when not, or when the chain did not go through --head.

    \b
    whydown verify
    whydown verify --head 2f1c…
    """
    with plain_errors(), Reader.open(history_place(database, config)) as reader:
        found = reader.check_seals(head)
    if as_json:
        click.echo(msgspec.json.encode({"head": found.head.hex()} | _figures(found)))
    else:
        _show(found)
    sys.exit(1 if found.problems or found.passed is False else 0)


def _figures(found: SealCheck) -> dict[str, object]:
    return {
        "seals": found.seals, "forgotten": found.forgotten, "facts": found.facts, "open_facts": found.open_facts,
        "passed": found.passed, "problems": found.problems,
    }  # fmt: skip


def _show(found: SealCheck) -> None:
    for problem in found.problems[:_SHOWN_PROBLEMS]:
        click.echo(f"✗ {problem}")
    if len(found.problems) > _SHOWN_PROBLEMS:
        click.echo(f"✗ and {len(found.problems) - _SHOWN_PROBLEMS} more")
    if found.passed is False:
        click.echo("✗ the chain never went through that head: seals were made anew, or it is another history's")
    elif found.passed:
        click.echo("✓ the chain went through that head")
    if not found.problems:
        click.echo("✓ all facts are as they were sealed")
    click.echo(
        f"{found.seals} seals, {found.facts} facts compared; {found.forgotten} seals of forgotten facts;"
        f" {found.open_facts} facts not sealed yet\nhead {found.head.hex()}"
    )
