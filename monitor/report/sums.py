"""The addition behind a verdict, laid out so that a person can do it again. Pure.

Each cause starts from its prior; each rule that fired adds its log-likelihood (natural logarithm, already
discounted within its group). A cause's share is exp(sum / temperature) over all causes' exp(sum /
temperature): what the verdict calls its confidence. Priors and temperature belong to a version of the
rules; for an incident that another version judged there are sums, but no shares.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.diagnose.rules import PRIOR, RULES_VERSION
from monitor.diagnose.weigh import TEMPERATURE
from monitor.model import Cause, Evidence, Incident

PRIOR_NUMBER = 0
"""The number of the term that is not evidence but the prior."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What a version of the rules adds and divides by."""

    priors: Mapping[Cause, float]
    temperature: float


@dataclass(frozen=True, slots=True)
class Term:
    """What evidence number `number` (from 1, in the incident's order; 0: the prior) adds to a cause."""

    number: int
    value: float


@dataclass(frozen=True, slots=True)
class CauseSum:
    """One cause's terms, their `total`, how far it is `behind` the first (0 or more), and its `share`.

    `share` is in 0..1, None when the scale is not known. Terms of zero are left out.
    """

    cause: str
    terms: tuple[Term, ...]
    total: float
    behind: float
    share: float | None


def sums_of(incident: Incident) -> tuple[CauseSum, ...]:
    """The sums behind the incident's verdict, the largest first; empty when no rule gave likelihoods."""
    ours = incident.rules_version == RULES_VERSION and incident.cause is not Cause.VANTAGE_FAULT
    return cause_sums(incident.evidence, Scale(PRIOR, TEMPERATURE) if ours else None)


def cause_sums(evidence: Sequence[Evidence], scale: Scale | None) -> tuple[CauseSum, ...]:
    """Add up every cause that the evidence names, the largest sum first."""
    terms = _terms(evidence, scale)
    if not terms:
        return ()
    totals = {cause: math.fsum(term.value for term in theirs) for cause, theirs in terms.items()}
    first = max(totals.values())
    mass = {
        cause: math.exp((total - first) / scale.temperature) if scale else 0.0 for cause, total in totals.items()
    }
    whole = math.fsum(mass.values())
    ranked = sorted(totals, key=lambda cause: (-totals[cause], cause))
    return tuple(
        CauseSum(
            cause=cause,
            terms=tuple(term for term in terms[cause] if term.value),
            total=totals[cause],
            behind=first - totals[cause],
            share=mass[cause] / whole if scale else None,
        )
        for cause in ranked
    )


def _terms(evidence: Sequence[Evidence], scale: Scale | None) -> dict[str, list[Term]]:
    terms: dict[str, list[Term]] = {}
    for number, item in enumerate(evidence, 1):
        for cause, value in item.likelihoods.items():
            terms.setdefault(cause, []).append(Term(number, value))
    if scale is not None:
        for cause, value in scale.priors.items():
            if cause in terms:
                terms[cause].insert(0, Term(PRIOR_NUMBER, value))
    return terms
