"""Scoring: what replay concluded beside what is known to be true. Pure.

An expected trouble and an incident belong together when they speak of the same target (or, for a vantage's
fault, of the same vantage) and overlap in time, give or take `SLACK_S`. Each side is matched at most once,
the greatest overlap first; what is left is a miss (`none` given) or a false alarm (`none` expected).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from monitor.model.incident import Incident

SLACK_S = 300.0
"""Incidents open after, and close after, what caused them; five minutes are ten rounds at 30 s."""

NONE = "none"
"""Stands for no trouble, or no incident, in the confusion matrix."""


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """One true trouble of expected.json. `target` None: a vantage's own, named in `affected`."""

    target: str | None
    cause: str
    start: float
    end: float
    affected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An expected trouble and the incident that answers it; one of them may be missing."""

    folder: str
    expected: Expected | None
    incident: Incident | None

    @property
    def truth(self) -> str:
        """The true cause."""
        return self.expected.cause if self.expected is not None else NONE

    @property
    def given(self) -> str:
        """The cause that was named."""
        return self.incident.cause.value if self.incident is not None else NONE

    @property
    def delay_s(self) -> float | None:
        """Seconds from the true start to the right cause's name; None when it was not given."""
        if self.expected is None or self.incident is None or self.truth != self.given:
            return None
        return max(self.incident.named_at - self.expected.start, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseScore:
    """Precision and recall of one cause; None where nothing was given, or nothing was true."""

    cause: str
    right: int
    given: int
    true: int

    @property
    def precision(self) -> float | None:
        """The share of the incidents of this cause that were right."""
        return self.right / self.given if self.given else None

    @property
    def recall(self) -> float | None:
        """The share of the true troubles of this cause that were named."""
        return self.right / self.true if self.true else None


def read_expected(data: bytes) -> tuple[Expected, ...]:
    """Read expected.json.

    :raises msgspec.MsgspecError: not JSON, or not of that form
    """
    return msgspec.json.decode(data, type=tuple[Expected, ...], strict=False)


def match(folder: str, expected: Sequence[Expected], incidents: Sequence[Incident]) -> list[Pair]:
    """Pair expected troubles with incidents."""
    candidates = [
        (overlap, -e, -i)
        for e, truth in enumerate(expected)
        for i, incident in enumerate(incidents)
        if _same_subject(truth, incident) and (overlap := _overlap(truth, incident)) > 0
    ]
    taken_e: dict[int, int] = {}
    taken_i: set[int] = set()
    for _, minus_e, minus_i in sorted(candidates, reverse=True):
        if -minus_e not in taken_e and -minus_i not in taken_i:
            taken_e[-minus_e] = -minus_i
            taken_i.add(-minus_i)
    pairs = [
        Pair(folder=folder, expected=truth, incident=incidents[taken_e[e]] if e in taken_e else None)
        for e, truth in enumerate(expected)
    ]
    return pairs + [
        Pair(folder=folder, expected=None, incident=incident)
        for i, incident in enumerate(incidents)
        if i not in taken_i
    ]


def confusion(pairs: Sequence[Pair]) -> dict[tuple[str, str], int]:
    """(true cause, given cause) to count."""
    counts: dict[tuple[str, str], int] = {}
    for pair in pairs:
        key = (pair.truth, pair.given)
        counts[key] = counts.get(key, 0) + 1
    return counts


def scores(pairs: Sequence[Pair]) -> list[CauseScore]:
    """Precision and recall per cause, by name; `none` is not a cause."""
    causes = sorted({cause for pair in pairs for cause in (pair.truth, pair.given)} - {NONE})
    return [
        CauseScore(
            cause=cause,
            right=sum(pair.truth == cause == pair.given for pair in pairs),
            given=sum(pair.given == cause for pair in pairs),
            true=sum(pair.truth == cause for pair in pairs),
        )
        for cause in causes
    ]


def _same_subject(truth: Expected, incident: Incident) -> bool:
    if truth.target is None:
        return incident.target is None and bool(set(truth.affected) & set(incident.affected))
    return truth.target == incident.target or truth.target in incident.members


def _overlap(truth: Expected, incident: Incident) -> float:
    """Seconds that both last, with the slack; an open incident lasts on."""
    end = incident.closed_at if incident.closed_at is not None else max(truth.end, incident.updated_at)
    return min(truth.end + SLACK_S, end) - max(truth.start - SLACK_S, incident.opened_at)
