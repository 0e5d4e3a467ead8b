"""A score as tables of words: figures by variant, confusion, causes, what went wrong. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.evaluate.figures import Summary, confusion, quantile, scores, summary
from monitor.evaluate.pairing import NONE, Pair

_HEADS = (
    "variant", "troubles", "macro-F1", "right when answering", "abstaining", "not seen", "false alarms",
    "false hijacks", "too many", "right in full", "culprit named", "Brier", "calibration error",
    "median s", "95 % s", "longest s",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """A title, the heads of the columns, and the rows; the first column is text, all others are figures."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_markdown(self) -> str:
        """The rows as a Markdown table, without the title."""
        lines = [" | ".join(self.head), " | ".join("---" for _ in self.head)]
        lines += [" | ".join(row) for row in self.rows]
        return "\n".join(f"| {line} |" for line in lines)


def by_variant(pairs: Mapping[str, Sequence[Pair]]) -> Table:
    """A row of figures for each variant: the engine, its ablations, simpler tools."""
    rows = tuple((name, *_figures(summary(of))) for name, of in pairs.items())
    return Table("In short", _HEADS, rows)


def by_truth(pairs: Sequence[Pair]) -> Table:
    """The confusion matrix; incidents too many of the right cause are left out."""
    counts = confusion([pair for pair in pairs if not pair.repeated])
    given = _causes({column for _, column in counts})
    rows = (
        (truth, *(str(counts.get((truth, cause), "")) for cause in given))
        for truth in _causes({row for row, _ in counts})
    )
    return Table("True cause (rows) by named cause (columns)", ("", *given), tuple(rows))


def by_cause(pairs: Sequence[Pair]) -> Table:
    """Precision and recall of each cause."""
    rows = (
        (one.cause, str(one.true), percent(one.precision), percent(one.recall), number(one.f1))
        for one in scores([pair for pair in pairs if not pair.repeated])
    )
    return Table("By cause", ("cause", "true", "precision", "recall", "F1"), tuple(rows))


def wrong(pairs: Sequence[Pair]) -> Iterator[str]:
    """A line for each trouble that was named wrongly, not in full, or not at all, and for each that was none."""
    for pair in pairs:
        if pair.repeated:
            yield f"{pair.folder}: {subject(pair)}: {pair.given} named once more"
        elif pair.truth != pair.given:
            yield f"{pair.folder}: {subject(pair)}: expected {pair.truth}, named {pair.given}"
        elif pair.differences:
            yield f"{pair.folder}: {subject(pair)}: {pair.given} it is, but {'; '.join(pair.differences)}"


def subject(pair: Pair) -> str:
    """What a pair speaks of: the target, or the vantage."""
    side = pair.expected if pair.expected is not None else pair.incident
    if side is None:
        return NONE
    return side.target if side.target is not None else ", ".join(side.affected)


def percent(share: float | None) -> str:
    """A share as it is shown; "-" where there is none."""
    return "-" if share is None else f"{100 * share:.1f} %"


def number(value: float | None) -> str:
    """A figure of 0 to 1 as it is shown; "-" where there is none."""
    return "-" if value is None else f"{value:.3f}"


def _figures(figures: Summary) -> Iterator[str]:
    yield str(figures.troubles)
    yield number(figures.macro_f1)
    yield from map(percent, (figures.right_when_answering, figures.abstaining, figures.missed))
    yield from map(str, (figures.false_alarms, figures.false_hijacks, figures.repeated))
    yield from map(percent, (figures.in_full, figures.blamed))
    yield from map(number, (figures.brier, figures.calibration_error))
    for share in (0.5, 0.95, 1.0):
        delay = quantile(figures.delays_s, share)
        yield "-" if delay is None else f"{delay:.0f}"


def _causes(found: set[str]) -> list[str]:
    """Causes by name, and last that there is none."""
    return sorted(found, key=lambda cause: (cause == NONE, cause))
