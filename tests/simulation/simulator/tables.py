"""The score as Markdown: confusion, causes, kinds, ablations and baselines, and every play that went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from monitor.evaluate import NONE, Pair, Summary, confusion, quantile, scores, summary
from simulator.kinds import KINDS

Plays = Mapping[tuple[str, int], Mapping[str, list[Pair]]]
"""By kind and seed: the pairs of each variant."""

_MOST_LISTED = 60


def as_markdown(plays: Plays, command: str) -> str:
    """All tables."""
    variants = next(iter(plays.values()), {})
    full = next(iter(variants), "all evidence")
    pairs = [pair for one in plays.values() for pair in one[full]]
    parts = [
        "# Simulated incidents, scored",
        f"`python tests/simulation/run.py {command}`: {len(plays)} plays of "
        f"{len({kind for kind, _ in plays})} kinds. What is assumed: README.md beside this page.",
        "## In short",
        _table(("variant", *_HEADS), ((name, *_figures(_of(plays, name))) for name in variants)),
        "## True cause (rows) by named cause (columns)",
        _confusion(pairs),
        "## By cause",
        _table(("cause", "true", "precision", "recall", "F1"), _causes(pairs)),
        "## By kind",
        _table(("kind", "family", "held out", "plays", "without any error"), _kinds(plays, full)),
        "## What went wrong",
        "\n".join(_wrong(plays, full)) or "Nothing.",
    ]
    return "\n\n".join(parts) + "\n"


_HEADS = (
    "troubles", "macro-F1", "right when answering", "abstaining", "not seen", "false alarms", "false hijacks",
    "too many", "Brier", "calibration error", "culprit named", "median s", "95 % s",
)  # fmt: skip


def _of(plays: Plays, variant: str) -> Summary:
    return summary([pair for one in plays.values() for pair in one[variant]])


def _figures(figures: Summary) -> Iterator[str]:
    yield str(figures.troubles)
    yield _number(figures.macro_f1)
    yield from map(_percent, (figures.right_when_answering, figures.abstaining, figures.missed))
    yield from map(str, (figures.false_alarms, figures.false_hijacks, figures.repeated))
    yield from map(_number, (figures.brier, figures.calibration_error))
    yield _percent(figures.blamed)
    for share in (0.5, 0.95):
        delay = quantile(figures.delays_s, share)
        yield "-" if delay is None else f"{delay:.0f}"


def _confusion(pairs: Sequence[Pair]) -> str:
    counts = confusion([pair for pair in pairs if not pair.repeated])
    given = sorted({column for _, column in counts}, key=lambda cause: (cause == NONE, cause))
    rows = sorted({row for row, _ in counts}, key=lambda cause: (cause == NONE, cause))
    return _table(("", *given), ((row, *(str(counts.get((row, column), "")) for column in given)) for row in rows))


def _causes(pairs: Sequence[Pair]) -> Iterator[tuple[str, ...]]:
    for score in scores([pair for pair in pairs if not pair.repeated]):
        precise, found = _percent(score.precision), _percent(score.recall)
        yield score.cause, str(score.true), precise, found, _number(score.f1)


def _kinds(plays: Plays, variant: str) -> Iterator[tuple[str, ...]]:
    for name, kind in KINDS.items():
        of_kind = [one[variant] for (played, _), one in plays.items() if played == name]
        if of_kind:
            clean = sum(all(pair.truth == pair.given for pair in pairs) for pairs in of_kind)
            yield name, kind.family, "yes" if kind.held_out else "", str(len(of_kind)), str(clean)


def _wrong(plays: Plays, variant: str) -> Iterator[str]:
    wrong = [
        f"- {kind} {seed}: {_subject(pair)}: expected {pair.truth}, named {pair.given}"
        for (kind, seed), one in plays.items()
        for pair in one[variant]
        if pair.truth != pair.given
    ]
    yield from wrong[:_MOST_LISTED]
    if len(wrong) > _MOST_LISTED:
        yield f"- and {len(wrong) - _MOST_LISTED} more"


def _subject(pair: Pair) -> str:
    side = pair.expected if pair.expected is not None else pair.incident
    if side is None:
        return NONE
    return side.target if side.target is not None else ", ".join(side.affected)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [" | ".join(head)]
    lines.append(" | ".join("---" for _ in lines[0].split(" | ")))
    lines += [" | ".join(row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
