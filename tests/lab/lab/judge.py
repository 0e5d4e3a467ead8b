"""Compares what the monitor concluded with what a scenario did: right cause, right vantages, how soon. Pure.

Times are those of a wall clock at which the monitor had said it, seconds since the trouble began: an incident's
own stamps would hide the time that facts wait before they are judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lab.scenario import Expectation, Whom

from monitor.model.incident import Incident, IncidentChange, by_member


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A state of an incident, and when the monitor had come to it."""

    at: float
    incident: Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How one expectation was met. Seconds are None where it was not; `given`: the nearest incident in words.

    A missing incident is right where it is optional. `cause_s`: until the right cause was named and stayed.
    `mail_s`: until the first mail after that.
    """

    expected: str
    given: str
    right_cause: bool
    right_vantages: bool
    expected_vantages: tuple[str, ...]
    given_vantages: tuple[str, ...]
    cause_s: float | None
    mail_s: float | None

    @property
    def right(self) -> bool:
        """Cause and vantages."""
        return self.right_cause and self.right_vantages


@dataclass(slots=True)
class Transcript:
    """All that the monitor said since the trouble began at `began_at`."""

    began_at: float
    said: list[Said] = field(default_factory=list)
    mails: list[float] = field(default_factory=list)

    def hear(self, at: float, changes: Sequence[IncidentChange]) -> None:
        """Changes of incidents that opened since the trouble began; of a linked one each member's own."""
        self.said += [
            Said(at=at, incident=own)
            for change in changes
            for own in by_member(change.incident)
            if own.opened_at >= self.began_at - 1.0
        ]

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """The newest state of each incident, in the order of their opening; without those that became a share."""
        newest: dict[tuple[str, str | None], Incident] = {}
        for said in self.said:
            newest[said.incident.id, said.incident.target] = said.incident
        return tuple(incident for incident in newest.values() if incident.joined is None)


def answers(
    transcript: Transcript, expected: Sequence[tuple[Expectation, tuple[str, ...]]]
) -> tuple[list[Answer], list[Incident]]:
    """One answer for each expectation, which comes with the vantages truly hit; and the false alarms left over."""
    left = list(transcript.incidents)
    found: list[Answer] = []
    for wanted, truly_hit in expected:
        candidates = sorted(left, key=lambda one: (not meets(one, wanted), not _about(one, wanted)))
        best = candidates[0] if candidates and _about(candidates[0], wanted) else None
        if best is not None:
            left.remove(best)
        found.append(_answer(transcript, wanted, truly_hit, best))
    return found, left


def meets(incident: Incident, wanted: Expectation) -> bool:
    """Whether an incident names the expected cause, for certain and with the expected details."""
    detail = incident.detail
    given: Mapping[str, object] = {
        "kind": detail.kind, "effect": detail.effect, "prefix": detail.prefix, "origin": detail.origin,
    }  # fmt: skip
    asked = {"kind": wanted.kind, "effect": wanted.effect, "prefix": wanted.prefix, "origin": wanted.origin}
    return (
        _about(incident, wanted)
        and incident.cause is wanted.cause
        and not incident.suspected
        and all(value is None or given[name] == value for name, value in asked.items())
    )


def in_words(incident: Incident) -> str:
    """An incident in a few words."""
    detail = incident.detail
    words = [
        "suspected" if incident.suspected else "", incident.cause.value, detail.kind or "", detail.effect or "",
        detail.prefix or "", f"by AS{detail.origin}" if detail.origin is not None else "",
    ]  # fmt: skip
    return f"{incident.target or incident.affected}: " + " ".join(word for word in words if word)


def _about(incident: Incident, wanted: Expectation) -> bool:
    if not wanted.target:
        return incident.target is None
    return incident.target == wanted.target


def _answer(
    transcript: Transcript, wanted: Expectation, truly_hit: tuple[str, ...], incident: Incident | None
) -> Answer:
    expected = " ".join(
        str(word) for word in (wanted.cause.value, wanted.kind, wanted.effect, wanted.prefix) if word is not None
    )
    if incident is None:
        fine = wanted.optional
        return Answer(
            expected=expected, given="nothing", right_cause=fine, right_vantages=fine,
            expected_vantages=truly_hit, given_vantages=(), cause_s=None, mail_s=None,
        )  # fmt: skip
    named_at = _named_at(transcript, incident, wanted)
    mail_at = next((at for at in transcript.mails if named_at is not None and at >= named_at), None)
    return Answer(
        expected=expected,
        given=in_words(incident),
        right_cause=meets(incident, wanted),
        right_vantages=wanted.affected is Whom.ANY or set(incident.affected) == set(truly_hit),
        expected_vantages=truly_hit,
        given_vantages=incident.affected,
        cause_s=None if named_at is None else named_at - transcript.began_at,
        mail_s=None if mail_at is None else mail_at - transcript.began_at,
    )


def _named_at(transcript: Transcript, incident: Incident, wanted: Expectation) -> float | None:
    """Since when the incident has met the expectation without a break; None when it does not at the end."""
    since = None
    for said in transcript.said:
        if (said.incident.id, said.incident.target) == (incident.id, incident.target):
            since = (since if since is not None else said.at) if meets(said.incident, wanted) else None
    return since
