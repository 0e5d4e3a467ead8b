"""What a suspected hijack may be instead, and how that is ruled out. Pure.

Some evidence of a hijack has one other reading, which the reader alone can tell: what he had announced himself.
"""

from __future__ import annotations

from dataclasses import dataclass

from monitor.model import Incident
from monitor.report.words import Said, causes, steps


@dataclass(frozen=True, slots=True)
class Doubt:
    """The other reading as a sentence, and the first step, which rules it out: of `stranger` and `prefix`."""

    sentence: Said
    step: Said


_DOUBTS = (
    (
        frozenset({"routing.failed_since_round_about"}),
        Doubt(causes.UNLESS_OWN_PART, steps.RULE_OUT_OWN_PART),
    ),
    (
        frozenset({"path.dead_behind_new_neighbour", "routing.dead_behind_new_neighbour"}),
        Doubt(causes.UNLESS_PROVIDER, steps.RULE_OUT_PROVIDER),
    ),
    (
        frozenset({"path.left_what_works"}),
        Doubt(causes.UNLESS_OWN_BLACKHOLE, steps.RULE_OUT_OWN_BLACKHOLE),
    ),
)
"""By the rules that have such a reading, those first that say most of it."""


def doubt_of(incident: Incident) -> Doubt | None:
    """What a suspected hijack may be instead; None: it is stated plainly, or just needs more evidence."""
    if not incident.suspected:
        return None
    spoke = {evidence.rule for evidence in incident.evidence}
    return next((doubt for rules, doubt in _DOUBTS if spoke & rules), None)
