"""Incidents: verdicts joined over time and vantages. Their JSON is a contract (`whydown replay --json`)."""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec.structs import replace

from monitor.model.evidence import Evidence
from monitor.model.verdict import Cause, Detail, RunnerUp


class Share(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One target's share of a linked incident: what is its own, beside the evidence of the strongest share.

    `affected` of `vantages` saw it at this target; none: only BGP shows that it is concerned. `opened_at`: when
    this target's trouble was sure, which may be before or after the incident's own opening. `closed_at` None:
    this target is not well yet.
    """

    target: str
    cause: Cause
    detail: Detail
    confidence: float
    suspected: bool = False
    affected: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    vantages: int
    blames: tuple[str, ...] = ()
    started_at: float | None = None
    opened_at: float
    named_at: float
    closed_at: float | None = None
    updated_at: float


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One trouble of one target (or of several by the same fault: `members`), from opening to close.

    `id` is stable: made from the target (or vantage) and the opening time, so that a replay gives the same.
    `cause`, `detail`, `confidence`, `evidence` are those of the strongest verdict under its final cause.
    `opened_at`: when it was opened; `named_at`: when the final cause was first given; `closed_at` None:
    still open. `affected`: every vantage that saw it, of `networks` that do not depend on one another (an AS, or
    a vantage's name where its AS is not known). All times Unix seconds UTC.
    """

    id: str
    target: str | None
    cause: Cause
    detail: Detail
    confidence: float
    suspected: bool
    opened_at: float
    named_at: float
    closed_at: float | None
    affected: tuple[str, ...]
    vantages: int
    evidence: tuple[Evidence, ...]
    runner_up: RunnerUp | None
    missing: str | None
    members: tuple[str, ...] = ()
    """All targets with a share in it, `target` the first of them; empty: it is the only one."""
    shares: tuple[Share, ...] = ()
    """What is each member's own, in the order of `members`."""
    networks: tuple[str, ...] = ()
    blames: tuple[str, ...] = ()
    """What is at fault, in the words of other targets' incidents: those that blame the same share one."""
    joined: str | None = None
    """The id of the incident that this one turned out to be a share of, and closed for."""
    started_at: float | None = None
    """The first bad fact, before the incident was opened."""
    updated_at: float
    """The verdict that this state was taken from."""
    rules_version: str = ""


def share_of(incident: Incident, target: str) -> Share:
    """What is a target's own of its incident."""
    return Share(target=target, **{name: getattr(incident, name) for name in _OWN})


def by_member(incident: Incident) -> tuple[Incident, ...]:
    """An incident as its members have it, each under its own name and times; one without shares as it is.

    The evidence is the strongest member's, so only those keep it that have the same cause and detail.
    """
    if not incident.shares:
        return (incident,)
    return tuple(_as_own(incident, share) for share in incident.shares)


def _as_own(incident: Incident, share: Share) -> Incident:
    own = {name: getattr(share, name) for name in _OWN}
    is_strongest = (share.cause, share.detail, share.confidence) == (
        incident.cause, incident.detail, incident.confidence,
    )  # fmt: skip
    evidence = incident.evidence if is_strongest else ()
    return replace(incident, target=share.target, members=(), shares=(), evidence=evidence, **own)


_OWN = tuple(name for name in Share.__struct_fields__ if name != "target")


class ChangeKind(StrEnum):
    """What happened to an incident."""

    OPENED = "opened"
    CAUSE_CHANGED = "cause_changed"
    UPDATED = "updated"
    CLOSED = "closed"


class IncidentChange(msgspec.Struct, frozen=True, kw_only=True):
    """An incident before and after one moment; alerts are made from these, never from verdicts alone.

    `sequence` counts an incident's changes from 1; (incident.id, sequence) is unique, also across restarts.
    """

    kind: ChangeKind
    at: float
    sequence: int
    incident: Incident
    previous_cause: Cause | None = None
