"""Which incident answers which true trouble. Pure.

An expected trouble and an incident belong together when they speak of the same target (or, for a vantage's
fault, of the same vantage) and overlap in time, give or take `SLACK_S`. Each side is matched at most once,
the greatest overlap first; what is left is a miss (`none` given) or a false alarm (`none` expected). An incident
with members answers for each of them: it counts as one incident a member, with that member's cause and times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from monitor.model.incident import Incident, by_member
from monitor.model.verdict import Cause

SLACK_S = 300.0
"""Incidents open after, and close after, what caused them; five minutes are ten rounds at 30 s."""

NONE = "none"
"""Stands for no trouble, or no incident, in the confusion matrix."""


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """One true trouble of expected.json. `target` None: a vantage's own, named in `affected`.

    `also`: causes that are right as well, `none` where no incident is; `culprit`: the network to blame.
    `suspected`, and each field of `detail` (a value, or a list of values that are right as well), are looked
    at where they are given.
    """

    target: str | None
    cause: str
    start: float
    end: float
    affected: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    culprit: int | None = None
    suspected: bool | None = None
    detail: dict[str, str | int | tuple[str | int, ...]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An expected trouble and the incident that answers it; one of them may be missing.

    `repeated`: an incident too many, but of the right cause: its trouble has another one already.
    """

    folder: str
    expected: Expected | None
    incident: Incident | None
    repeated: bool = False

    @property
    def truth(self) -> str:
        """The true cause; of several right ones that which was named."""
        if self.expected is None:
            return NONE
        return self.given if self.given in self.expected.also else self.expected.cause

    @property
    def given(self) -> str:
        """The cause that was named."""
        return self.incident.cause.value if self.incident is not None else NONE

    @property
    def abstained(self) -> bool:
        """Whether there was trouble, and an incident that names no cause."""
        return self.expected is not None and self.given == Cause.INSUFFICIENT.value != self.truth

    @property
    def delay_s(self) -> float | None:
        """Seconds from the true start to the right cause's name; None when it was not given."""
        if self.expected is None or self.incident is None or self.truth != self.given:
            return None
        return max(self.incident.named_at - self.expected.start, 0.0)

    @property
    def blamed(self) -> bool | None:
        """Whether the network to blame was named; None where none is, or the cause was not named."""
        if self.expected is None or self.expected.culprit is None or self.incident is None:
            return None
        if self.truth != self.given:
            return None
        return self.expected.culprit == self.incident.detail.culprit

    @property
    def differences(self) -> tuple[str, ...] | None:
        """What the incident says otherwise than expected, beyond the cause; None where no more was expected of it,
        or where its cause is another one.
        """
        if self.expected is None or self.incident is None or self.given != self.expected.cause:
            return None
        wanted: dict[str, object] = dict(self.expected.detail)
        told: dict[str, object] = dict(msgspec.to_builtins(self.incident.detail))
        if self.expected.suspected is not None:
            wanted["suspected"], told["suspected"] = self.expected.suspected, self.incident.suspected
        if not wanted:
            return None
        return tuple(
            f"{name} {told.get(name, 'not told')}, expected {_alternatives(right)}"
            for name, right in wanted.items()
            if told.get(name) not in (right if isinstance(right, tuple) else (right,))
        )


def _alternatives(right: object) -> str:
    return " or ".join(map(str, right)) if isinstance(right, tuple) else str(right)


def read_expected(data: bytes) -> tuple[Expected, ...]:
    """Read expected.json.

    :raises msgspec.MsgspecError: not JSON, or not of that form
    """
    return msgspec.json.decode(data, type=tuple[Expected, ...], strict=False)


def match(folder: str, expected: Sequence[Expected], incidents: Sequence[Incident]) -> list[Pair]:
    """Pair expected troubles with incidents; of two troubles of one target each with the incident of its cause."""
    incidents = [own for incident in incidents for own in by_member(incident)]
    candidates = [
        (_is_cause_of(truth, incident) and _has_several(expected, truth), overlap, -e, -i)
        for e, truth in enumerate(expected)
        for i, incident in enumerate(incidents)
        if _same_subject(truth, incident) and (overlap := _overlap(truth, incident)) > 0
    ]
    taken_e: dict[int, int] = {}
    taken_i: set[int] = set()
    for _, _, minus_e, minus_i in sorted(candidates, reverse=True):
        if -minus_e not in taken_e and -minus_i not in taken_i:
            taken_e[-minus_e] = -minus_i
            taken_i.add(-minus_i)
    pairs = [
        Pair(folder=folder, expected=truth, incident=incidents[taken_e[e]] if e in taken_e else None)
        for e, truth in enumerate(expected)
    ]
    return pairs + [
        Pair(folder=folder, expected=None, incident=incident, repeated=_is_right(expected, incident))
        for i, incident in enumerate(incidents)
        if i not in taken_i
    ]


def _is_cause_of(truth: Expected, incident: Incident) -> bool:
    return incident.cause.value in (truth.cause, *truth.also)


def _has_several(expected: Sequence[Expected], truth: Expected) -> bool:
    """Whether several troubles of one target are expected; else an incident is paired blind to what it says."""
    return truth.target is not None and sum(other.target == truth.target for other in expected) > 1


def _is_right(expected: Sequence[Expected], incident: Incident) -> bool:
    """Whether an incident names the cause of a trouble, though it is not the one that answers it."""
    return any(
        _same_subject(truth, incident) and _overlap(truth, incident) > 0 and _is_cause_of(truth, incident)
        for truth in expected
    )


def _same_subject(truth: Expected, incident: Incident) -> bool:
    if truth.target is None:
        return incident.target is None and bool(set(truth.affected) & set(incident.affected))
    return truth.target == incident.target


def _overlap(truth: Expected, incident: Incident) -> float:
    """Seconds that both last, with the slack; an open incident lasts on."""
    end = incident.closed_at if incident.closed_at is not None else max(truth.end, incident.updated_at)
    return min(truth.end + SLACK_S, end) - max(truth.start - SLACK_S, incident.opened_at)
