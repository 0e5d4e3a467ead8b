"""The score as Markdown: the tables of any score, and by kind of play how many went without an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.evaluate import FULL, Pair
from monitor.evaluate.tables import Table, by_cause, by_truth, by_variant, wrong
from simulator.kinds import KINDS

Plays = Mapping[tuple[str, int], Mapping[str, list[Pair]]]
"""By kind and seed: the pairs of each variant."""

_MOST_LISTED = 60


def as_markdown(plays: Plays, command: str) -> str:
    """All tables."""
    variants = next(iter(plays.values()), {FULL: []})
    found = {name: [pair for one in plays.values() for pair in one[name]] for name in variants}
    tables = (by_variant(found), by_truth(found[FULL]), by_cause(found[FULL]), _by_kind(plays))
    parts = [
        "# Simulated incidents, scored",
        f"`python tests/simulation/run.py {command}`: {len(plays)} plays of "
        f"{len({kind for kind, _ in plays})} kinds. What is assumed: README.md beside this page.",
    ]
    parts += [part for table in tables for part in (f"## {table.title}", table.as_markdown())]
    parts += ["## What went wrong", "\n".join(_listed(found[FULL])) or "Nothing."]
    return "\n\n".join(parts) + "\n"


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
