"""Incidents: verdicts joined over time and vantages. Their JSON is a contract (`whydown replay --json`)."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from monitor.model.evidence import Evidence
from monitor.model.verdict import Cause, Detail, RunnerUp


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One trouble of one target (or of several by the same fault: `members`), from opening to close.

    `id` is stable: made from the target (or vantage) and the opening time, so that a replay gives the same.
    `cause`, `detail`, `confidence`, `evidence` are those of the strongest verdict under its final cause.
    `opened_at`: when it was opened; `named_at`: when the final cause was first given; `closed_at` None:
    still open. `affected`: every vantage that saw it. All times Unix seconds UTC.
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
    started_at: float | None = None
    """The first bad fact, before the incident was opened."""
    updated_at: float
    """The verdict that this state was taken from."""
    rules_version: str = ""


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
