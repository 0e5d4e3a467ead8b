"""The score as Markdown: the bars and whether they are passed, the tables of any score, and how each kind went."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.diagnose.rules import RULES_VERSION
from monitor.evaluate import FULL, NONE, Pair, quantile, summary
from monitor.evaluate.tables import Table, by_cause, by_truth, by_variant, number, percent, wrong
from monitor.model.verdict import Cause
from simulator.kinds import KINDS

Plays = Mapping[tuple[str, int], Mapping[str, list[Pair]]]
"""By kind and seed: the pairs of each variant."""

_MOST_LISTED = 60
_TOLD_APART = (Cause.SERVER_OVERLOAD.value, Cause.ROUTE_HIJACK.value)


def as_markdown(plays: Plays, command: str, of: int) -> str:
    """All tables; `of`: how many plays the command asks for."""
    variants = next(iter(plays.values()), {FULL: []})
    found = {name: [pair for one in plays.values() for pair in one.get(name, ())] for name in variants}
    groups = {
        "all kinds": list(plays),
        "held-out kinds": [key for key in plays if KINDS[key[0]].held_out],
        "kinds fitted on": [key for key in plays if not KINDS[key[0]].held_out],
    }
    scored = {name: [plays[key][FULL] for key in keys] for name, keys in groups.items() if keys}
    tables = (
        _bars(scored),
        by_variant(found if len(variants) > 1 else {name: _flat(one) for name, one in scored.items()}),
        by_truth(found[FULL]),
        by_cause(found[FULL]),
        _times(found[FULL]),
        _by_kind(plays),
    )
    parts = [
        "# Simulated incidents, scored",
        f"Rules {RULES_VERSION}, `python tests/simulation/run.py {command}`: {len(plays)}"
        f"{f' of its {of}' if len(plays) < of else ''} plays of {len({kind for kind, _ in plays})} kinds. "
        "What is assumed: README.md beside this page.",
    ]
    parts += [part for table in tables for part in (f"## {table.title}", table.as_markdown())]
    parts += ["## What went wrong", "\n".join(_listed(found[FULL])) or "Nothing."]
    return "\n\n".join(parts) + "\n"


def _flat(plays: Sequence[list[Pair]]) -> list[Pair]:
    return [pair for pairs in plays for pair in pairs]


@dataclass(frozen=True, slots=True)
class _Bar:
    """What must hold: a figure of some plays, as it is shown, and whether it passes (None: nothing to tell by)."""

    name: str
    limit: str
    figure: Callable[[Sequence[list[Pair]]], tuple[str, bool | None]]


def _bars(scored: Mapping[str, Sequence[list[Pair]]]) -> Table:
    rows = []
    for bar in _BARS:
        cells = []
        for plays in scored.values():
            text, passed = bar.figure(plays)
            cells.append(text if passed is None else f"{text} {'yes' if passed else '**no**'}")
        rows.append((bar.name, bar.limit, *cells))
    return Table("What must hold", ("", "bar", *scored), tuple(rows))


def _of_two(cause: str, *, precision: float = 0.0, recall: float = 0.0) -> Callable[..., tuple[str, bool | None]]:
    """Overload against hijack alone: what else there is neither helps nor hurts."""

    def figure(plays: Sequence[list[Pair]]) -> tuple[str, bool | None]:
        pairs = [pair for pair in _flat(plays) if pair.truth in _TOLD_APART and not pair.repeated]
        right = sum(pair.truth == cause == pair.given for pair in pairs)
        whole = sum((pair.given if precision else pair.truth) == cause for pair in pairs)
        return _share(right, whole, precision or recall, least=True)

    return figure


def _false_hijacks(plays: Sequence[list[Pair]]) -> tuple[str, bool | None]:
    """Among all troubles that are none, and the plays in which nothing is wrong."""
    hijack = Cause.ROUTE_HIJACK.value
    false = sum(pair.given == hijack != pair.truth and not pair.repeated for pair in _flat(plays))
    others = sum(pair.truth not in (hijack, NONE) for pair in _flat(plays))
    others += sum(all(pair.truth == NONE for pair in pairs) for pairs in plays)
    return _share(false, others, 0.001, least=False)


def _share(part: int, whole: int, limit: float, *, least: bool) -> tuple[str, bool | None]:
    if not whole:
        return "-", None
    share = part / whole
    return f"{percent(share)} ({part} of {whole})", share >= limit if least else share <= limit


def _of_summary(name: str, limit: float, *, least: bool, shown: Callable[[float | None], str]) -> _BarFigure:
    def figure(plays: Sequence[list[Pair]]) -> tuple[str, bool | None]:
        value: float | None = getattr(summary(_flat(plays)), name)
        return shown(value), None if value is None else value >= limit if least else value <= limit

    return figure


_BarFigure = Callable[[Sequence[list[Pair]]], tuple[str, bool | None]]

_BARS = (
    _Bar("overload, of the two: precision", ">= 99.5 %", _of_two(_TOLD_APART[0], precision=0.995)),
    _Bar("overload, of the two: recall", ">= 98 %", _of_two(_TOLD_APART[0], recall=0.98)),
    _Bar("hijack, of the two: precision", ">= 99.5 %", _of_two(_TOLD_APART[1], precision=0.995)),
    _Bar("hijack, of the two: recall", ">= 98 %", _of_two(_TOLD_APART[1], recall=0.98)),
    _Bar("false hijacks", "<= 0.1 %", _false_hijacks),
    _Bar("macro-F1", ">= 0.92", _of_summary("macro_f1", 0.92, least=True, shown=number)),
    _Bar("right when answering", ">= 97 %", _of_summary("right_when_answering", 0.97, least=True, shown=percent)),
    _Bar("abstaining", "<= 10 %", _of_summary("abstaining", 0.1, least=False, shown=percent)),
    _Bar("calibration error", "<= 0.05", _of_summary("calibration_error", 0.05, least=False, shown=number)),
    _Bar("faulty network named", ">= 94 %", _of_summary("blamed", 0.94, least=True, shown=percent)),
)


def _times(pairs: Sequence[Pair]) -> Table:
    """From the first bad moment to the right name, by cause."""
    rows = []
    for cause in sorted({pair.truth for pair in pairs} - {NONE}):
        delays = sorted(p.delay_s for p in pairs if p.truth == cause and p.delay_s is not None)
        cells = (quantile(delays, share) for share in (0.5, 0.95, 1.0))
        rows.append((cause, str(len(delays)), *("-" if one is None else f"{one:.0f}" for one in cells)))
    return Table("Seconds to the right name", ("cause", "named", "median", "95 %", "longest"), tuple(rows))


def _by_kind(plays: Plays) -> Table:
    rows = []
    for name, kind in KINDS.items():
        of_kind = [one[FULL] for (played, _), one in plays.items() if played == name]
        if of_kind:
            clean = sum(all(pair.truth == pair.given for pair in pairs) for pairs in of_kind)
            held_out = "yes" if kind.held_out else ""
            rows.append((name, kind.family, held_out, str(len(of_kind)), str(clean)))
    return Table("By kind", ("kind", "family", "held out", "plays", "without any error"), tuple(rows))


def _listed(pairs: list[Pair]) -> Iterator[str]:
    lines = [f"- {line}" for line in wrong(pairs)]
    yield from lines[:_MOST_LISTED]
    if len(lines) > _MOST_LISTED:
        yield f"- and {len(lines) - _MOST_LISTED} more"
