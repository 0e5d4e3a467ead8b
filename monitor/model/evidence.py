"""Evidence: one rule's claim with its witnesses, its denominator and its weight."""

from __future__ import annotations

import msgspec


class FactRef(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where to find a fact again in history: its kind, time, and the vantage or peer that stated it."""

    kind: str
    at: float
    vantage: str | None = None
    target: str | None = None
    peer: str | None = None
    prefix: str | None = None


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that fired.

    `weight`: log-odds (natural) that it adds for the verdict's cause against the runner-up, after the
    group's discount; negative speaks against. `likelihoods`: the log-likelihoods it contributed per
    cause, so that a person can add them up: the rule's own times `strength` (how far its witnesses carry it, 0..1)
    times `discount` (its group's); None: not recorded. `seen` of `of`: witnesses out of those that could have seen
    it; `networks`: independent ones among `witnesses`, None where they are not vantages. `at`: when it was first
    true.
    """

    rule: str
    group: str
    weight: float
    seen: int
    of: int
    text: str
    at: float
    likelihoods: dict[str, float] = {}
    witnesses: tuple[str, ...] = ()
    facts: tuple[FactRef, ...] = ()
    strength: float | None = None
    discount: float | None = None
    networks: int | None = None
