"""`whydown evaluate FOLDER...`: score incident folders against their expected verdicts."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from monitor.commands.replay import read_or_exit
from monitor.evaluate import NONE, Pair, Summary, confusion, match, quantile, read_expected, scores, summary
from monitor.replay import replay
from monitor.report.safe_text import one_line


@click.command(short_help="Score incident folders against their expected verdicts.")
@click.argument("folders", metavar="FOLDER...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object with pairs, matrix and scores.")
def command(folders: tuple[Path, ...], as_json: bool) -> None:
    """Replay each FOLDER and compare the incidents with its expected.json.

    Prints the confusion matrix (true cause by named cause), precision and recall per cause, how often and how
    surely the right cause was named, and the time that it took. Exit 0 when every trouble was named rightly and
    nothing else opened, 1 otherwise, 2 when a folder cannot be read.

    \b
    whydown evaluate tests/scenarios/kakao-2022-02-03 tests/scenarios/coov-2021-12-13
    """
    pairs: list[Pair] = []
    with click.progressbar(folders, label="replaying", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        for folder in bar:
            pairs += _pairs(folder)
    if as_json:
        click.echo(msgspec.json.encode(_summary(pairs)))
    else:
        _show(pairs)
    sys.exit(0 if all(pair.truth == pair.given for pair in pairs) else 1)


def _pairs(folder: Path) -> list[Pair]:
    path = folder / "expected.json"
    read = read_or_exit(folder)
    try:
        expected = read_expected(path.read_bytes())
    except (OSError, msgspec.MsgspecError) as error:
        click.echo(f"{path}: {error}", err=True)
        sys.exit(2)
    return match(folder.name, expected, replay(read))


def _summary(pairs: list[Pair]) -> dict[str, object]:
    return {
        "pairs": [
            {
                "folder": pair.folder,
                "target": _subject(pair),
                "expected": pair.truth,
                "given": pair.given,
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
    }


def _subject(pair: Pair) -> str:
    """What a pair speaks of: the target, or the vantage."""
    side = pair.expected if pair.expected is not None else pair.incident
    if side is None:
        return NONE
    return side.target if side.target is not None else ", ".join(side.affected)


def _show(pairs: list[Pair]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 110)
    counts = confusion(pairs)
    given = sorted({column for _, column in counts}, key=lambda cause: (cause == NONE, cause))
    matrix = Table(title="true cause (rows) by named cause (columns)", title_justify="left")
    matrix.add_column("")
    for column in given:
        matrix.add_column(column, justify="right")
    for truth in sorted({row for row, _ in counts}, key=lambda cause: (cause == NONE, cause)):
        matrix.add_row(truth, *(str(counts.get((truth, column), "")) for column in given))
    console.print(matrix)
    table = Table(title="by cause", title_justify="left")
    for name in ("cause", "true", "precision", "recall"):
        table.add_column(name, justify="left" if name == "cause" else "right")
    for score in scores(pairs):
        table.add_row(score.cause, str(score.true), _percent(score.precision), _percent(score.recall))
    console.print(table)
    _show_figures(console, summary(pairs))
    for pair in pairs:
        if pair.truth != pair.given:
            words = f"{pair.folder}: {_subject(pair)}: expected {pair.truth}, named {pair.given}"
            console.print(one_line(words, 300), markup=False, highlight=False)


def _show_figures(console: Console, figures: Summary) -> None:
    table = Table(title=f"{figures.troubles} troubles in all", title_justify="left", show_header=False)
    for name, value in (
        ("macro-F1 over causes, abstentions counted as wrong", _number(figures.macro_f1)),
        ("right when a cause is named", _percent(figures.right_when_answering)),
        ("trouble seen, no cause named", _percent(figures.abstaining)),
        ("trouble not seen", _percent(figures.missed)),
        ("incidents without trouble", str(figures.false_alarms)),
        ("called a hijack, and none", str(figures.false_hijacks)),
        ("incidents too many of one trouble", str(figures.repeated)),
        ("network to blame named", _percent(figures.blamed)),
        ("Brier score of the confidence", _number(figures.brier)),
        ("calibration error", _number(figures.calibration_error)),
        ("seconds to the right cause: median, 95 %, longest", _delays(figures.delays_s)),
    ):
        table.add_row(name, value)
    console.print(table)


def _delays(delays_s: tuple[float, ...]) -> str:
    return ", ".join(
        "-" if (value := quantile(delays_s, share)) is None else f"{value:.0f}" for share in (0.5, 0.95, 1)
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
