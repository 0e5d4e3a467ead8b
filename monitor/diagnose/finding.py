"""A finding: one detector's claim, before any rule says what it is worth."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

from monitor.diagnose.networks import weight
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


class Witness(Protocol):
    """Whoever can see something; equal networks see the same thing twice."""

    @property
    def network(self) -> str:
        """What it depends on (see `networks`)."""
        ...


def strength(seen: Collection[Witness], of: Collection[Witness]) -> float:
    """How far `seen` of `of` witnesses carry a claim: the share that saw it, less when they are one or two.

    Counted are independent networks. One is worth 0.7 of a rule, two 0.9, three or more all of it.
    """
    count = len({witness.network for witness in seen})
    share = weight([witness.network for witness in seen], [witness.network for witness in of])
    return share * (0.0 if not count else 0.7 if count == 1 else 0.9 if count == 2 else 1.0)
