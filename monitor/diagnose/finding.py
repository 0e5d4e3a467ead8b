"""A finding: one detector's claim, before any rule says what it is worth."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.model.evidence import FactRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a detector saw.

    `rule`: the id of the rule that weighs it. `seen` of `of`: witnesses out of those that could have seen
    it. `share`: how much of the rule's full strength applies, 0..1. `values` fill the rule's text.
    `at`: when it first held, Unix seconds.
    """

    rule: str
    seen: int
    of: int
    at: float
    share: float = 1.0
    witnesses: tuple[str, ...] = ()
    values: dict[str, str] = field(default_factory=dict)
    facts: tuple[FactRef, ...] = ()


def strength(seen: int, of: int) -> float:
    """How far `seen` of `of` witnesses carry a claim: the share that saw it, less when they are one or two.

    One witness is worth 0.7 of a rule, two 0.9, three or more all of it.
    """
    if seen <= 0 or of <= 0:
        return 0.0
    return (seen / of) * (0.7 if seen == 1 else 0.9 if seen == 2 else 1.0)
