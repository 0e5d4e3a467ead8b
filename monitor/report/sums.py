"""The addition behind a verdict, laid out so that a person can do it again. Pure.

Each rule that fired adds a log-likelihood to some causes (natural logarithm, already discounted within its
group); a cause's sum is the log of its weight, and its share is exp(sum) over all causes' exp(sum). The
shares are of the terms on record only: causes without any term, and evidence that has since fallen out of
the window, are not in them, so a verdict's confidence may differ a little from its cause's share.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.model import Evidence


@dataclass(frozen=True, slots=True)
class Term:
    """What evidence number `number` (from 1, in the incident's order) adds to a cause."""

    number: int
    value: float


@dataclass(frozen=True, slots=True)
class CauseSum:
    """One cause's terms, their `total`, how far it is `behind` the first (0 or more), and its `share` (0..1)."""

    cause: str
    terms: tuple[Term, ...]
    total: float
    behind: float
    share: float


def cause_sums(evidence: Sequence[Evidence]) -> tuple[CauseSum, ...]:
    """Every cause that has a term, the largest sum first; empty when no rule gave likelihoods."""
    terms: dict[str, list[Term]] = {}
    for number, item in enumerate(evidence, 1):
        for cause, value in item.likelihoods.items():
            terms.setdefault(cause, []).append(Term(number, value))
    totals = {cause: math.fsum(term.value for term in theirs) for cause, theirs in terms.items()}
    if not totals:
        return ()
    first = max(totals.values())
    mass = {cause: math.exp(total - first) for cause, total in totals.items()}
    whole = math.fsum(mass.values())
    ranked = sorted(totals, key=lambda cause: (-totals[cause], cause))
    return tuple(
        CauseSum(cause, tuple(terms[cause]), totals[cause], first - totals[cause], mass[cause] / whole)
        for cause in ranked
    )
