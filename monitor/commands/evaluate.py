"""`whydown evaluate FOLDER...`: score incident folders against their expected verdicts."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table as RichTable

from monitor.commands.replay import read_or_exit
from monitor.evaluate import FULL, Expected, Pair, confusion, contest, read_expected, scores, summary, variants
from monitor.evaluate.tables import Table, by_cause, by_truth, by_variant, subject, wrong
from monitor.replay import Folder
from monitor.report.safe_text import one_line

Scores = Mapping[str, list[Pair]]
"""The pairs of all folders by variant."""


@click.command(short_help="Score incident folders against their expected verdicts.")
@click.argument("folders", metavar="FOLDER...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--ablations", is_flag=True, help="Also without routes, traceroute, identity, other vantages.")
@click.option("--baselines", is_flag=True, help="Also what simpler tools would say: routes, probes, correlation.")
@click.option("--processes", type=click.IntRange(1, 256), help="Folders replayed at once (default: processors).")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with pairs, matrix and scores.")
@click.option("--markdown", is_flag=True, help="The tables as Markdown, to keep.")
def command(
    folders: tuple[Path, ...],
    ablations: bool,
    baselines: bool,
    processes: int | None,
    as_json: bool,
    markdown: bool,
) -> None:
    """Replay each FOLDER and compare the incidents with its expected.json.

    Prints the confusion matrix (true cause by named cause), precision and recall per cause, how often and how
    surely the right cause was named, and the time that it took. Exit 0 when every trouble was named rightly and
    nothing else opened, 1 otherwise, 2 when a folder cannot be read.

    \b
    whydown evaluate tests/scenarios/kakao-2022-02-03 tests/scenarios/coov-2021-12-13
    whydown evaluate --ablations --baselines incidents/*
    """
    asked = variants(ablations=ablations, baselines=baselines)
    found: dict[str, list[Pair]] = {name: [] for name in asked}
    scored = contest(folders, read_case, asked, processes)
    hidden = not sys.stderr.isatty()
    with click.progressbar(scored, len(folders), label="replaying", file=sys.stderr, hidden=hidden) as bar:
        for one in bar:
            for name, pairs in one.items():
                found[name] += pairs
    if as_json:
        click.echo(msgspec.json.encode(_as_json(found)))
    elif markdown:
        click.echo(_as_markdown(found))
    else:
        _show(found)
    sys.exit(0 if all(pair.truth == pair.given for pair in found[FULL]) else 1)


def read_case(folder: Path) -> tuple[Folder, tuple[Expected, ...]]:
    """A folder and what is expected of it; one that cannot be read ends the program with exit 2."""
    path = folder / "expected.json"
    read = read_or_exit(folder)
    try:
        return read, read_expected(path.read_bytes())
    except (OSError, msgspec.MsgspecError) as error:
        click.echo(f"{path}: {error}", err=True)
        sys.exit(2)


def _as_json(found: Scores) -> dict[str, object]:
    pairs = found[FULL]
    return {
        "pairs": [
            {
                "folder": pair.folder,
                "target": subject(pair),
                "expected": pair.truth,
                "given": pair.given,
                "repeated": pair.repeated,
                "differences": pair.differences,
                "delay_s": pair.delay_s,
            }
            for pair in pairs
        ],
        "matrix": [
            {"expected": truth, "given": given, "count": count}
            for (truth, given), count in sorted(confusion(pairs).items())
        ],
        "scores": [
            {"cause": score.cause, "precision": score.precision, "recall": score.recall, "true": score.true}
            for score in scores(pairs)
        ],
        "summary": asdict(summary(pairs)),
        "variants": {name: asdict(summary(of)) for name, of in found.items()},
    }


def _as_markdown(found: Scores) -> str:
    tables = (by_variant(found), by_truth(found[FULL]), by_cause(found[FULL]))
    parts = [part for table in tables for part in (f"## {table.title}", table.as_markdown())]
    lines = [f"- {one_line(line, 300)}" for line in wrong(found[FULL])]
    return "\n\n".join([*parts, "## What went wrong", "\n".join(lines) or "Nothing."])


def _show(found: Scores) -> None:
    console = Console(width=None if sys.stdout.isatty() else 110)
    for table in (by_truth(found[FULL]), by_cause(found[FULL]), _on_its_side(by_variant(found))):
        shown = RichTable(title=table.title, title_justify="left")
        for number, head in enumerate(table.head):
            shown.add_column(head, justify="right" if number else "left")
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown)
    _print_lines(console, wrong(found[FULL]))


def _on_its_side(table: Table) -> Table:
    """Rows for columns: sixteen figures fit below each other, not beside."""
    columns = tuple(zip(table.head, *table.rows, strict=True))
    return Table(table.title, columns[0], columns[1:])


def _print_lines(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(one_line(line, 300), markup=False, highlight=False)
