"""The evidence of an incident for a terminal: for the verdict, against it, and how to find the facts again.

Each piece keeps its number in the incident, which the table of sums refers to. Strings from outside are made safe
to show.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from monitor.history.found_again import statement_of
from monitor.model import Evidence, Incident
from monitor.report.moment import moment
from monitor.report.safe_text import listed, one_line

_TEXT_LIMIT = 1000
_MOST_WITNESSES = 30
_MOST_FACTS = 3

Numbered = tuple[int, Evidence]


def heading(words: str) -> Text:
    """A section's title."""
    return Text(f"\n{words}", style="bold")


def evidence_list(incident: Incident, where: tzinfo) -> Iterator[RenderableType]:
    """All evidence by what it does to the verdict, the weightiest first."""
    numbered = list(enumerate(incident.evidence, 1))
    second = incident.runner_up.cause.value if incident.runner_up is not None else "the next cause"
    yield from _section(f"Evidence for it, against {second}", [n for n in numbered if n[1].weight > 0], where)
    yield from _section(f"Evidence against it, for {second}", [n for n in numbered if n[1].weight < 0], where)
    neither = [n for n in numbered if not n[1].weight]
    if neither:
        yield from _section("Evidence that does not tell these two apart", neither, where)
    if any(item.facts for item in incident.evidence):
        yield Text('\nFacts are found again with: sqlite3 -readonly FILE "what a line says"')


def _section(title: str, found: Sequence[Numbered], where: tzinfo) -> Iterator[RenderableType]:
    yield heading(title)
    if not found:
        yield Text("none")
    for number, item in found:
        yield Text.assemble((f"({number}) {one_line(item.rule, 80)}", "bold"), f"  weight {item.weight:+.2f}")
        yield Padding(_terms_of(item, where), (0, 0, 0, 4))


def _terms_of(item: Evidence, where: tzinfo) -> RenderableType:
    terms = (f"{one_line(cause, 40)} {value:+.2f}" for cause, value in sorted(item.likelihoods.items()) if value)
    grid = Table.grid(padding=(0, 2))
    grid.add_row("says", Text(one_line(item.text, _TEXT_LIMIT)))
    grid.add_row("terms", Text(", ".join(terms) or "none on record"))
    grid.add_row("group", Text(one_line(item.group, 64) + _counts(item)))
    seen = f"{item.seen} of {item.of}" + (f" ({item.networks} networks)" if (item.networks or 0) > 1 else "")
    grid.add_row("seen", Text(f"{seen}  {listed(item.witnesses, _MOST_WITNESSES)}"))
    grid.add_row("first held", Text(moment(item.at, where)))
    found = [statement for fact in item.facts[:_MOST_FACTS] if (statement := statement_of(fact)) is not None]
    for number, statement in enumerate(found):
        grid.add_row("" if number else "facts", Text(one_line(statement, _TEXT_LIMIT)))
    return grid


def _counts(item: Evidence) -> str:
    """How a rule's own likelihoods became the terms."""
    if item.strength is None or item.discount is None:
        return ""
    return f", the rule's likelihoods x {item.strength:g} (witnesses) x {item.discount:g} (group)"
