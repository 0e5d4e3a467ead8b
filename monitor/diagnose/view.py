"""One vantage's view of one target: its latest judged observations, and whether they add up to trouble.

A single series only triggers; whether there is trouble is decided across vantages, elsewhere. One
observation is never believed alone: a view is *confirmed* bad when two of its last three are.
"""

from __future__ import annotations

from collections import Counter, deque
from itertools import pairwise
from statistics import median

from monitor.diagnose.symptom import Judged, Symptom, Usual, judge
from probes.observation import HttpObservation

KEPT = 24
"""Judged observations kept; enough for several addresses at a boosted rate."""

WINDOW_ROUNDS = 3.5
"""A view is current while its newest observation is at most this many intervals old."""

LONGEST_TIMEOUT_S = 10.0
"""Slack for a failing exchange, which is known only when its time is up."""


class View:
    """The series of one (target, vantage): baselines, the recent past, and when trouble began in it."""

    def __init__(self, vantage: str, interval_s: float) -> None:
        self.vantage = vantage
        self.usual: dict[int | None, Usual] = {}
        self.bad_since: float | None = None
        self._interval_s = interval_s
        self._recent: deque[Judged] = deque(maxlen=KEPT)

    def add(self, observation: HttpObservation, known_at: float) -> Judged | None:
        """Judge one observation and learn from it if it is clean and nothing bad surrounds it."""
        usual = self.usual.setdefault(observation.family, Usual())
        judged = judge(observation, usual, known_at)
        if judged is None:
            return None
        self._recent.append(judged)
        if judged.bad:
            if self.bad_since is None:
                self.bad_since = known_at
        elif not any(other.bad for other in self._last(3)):
            self.bad_since = None
            usual.learn(judged)
        return judged

    @property
    def interval_s(self) -> float:
        """The measured pace of this series, at least the configured one while there is too little of it."""
        times = sorted({judged.observation.at for judged in self._recent})
        if len(times) < 4:
            return self._interval_s
        gaps = [later - earlier for earlier, later in pairwise(times)]
        return max(self._interval_s, median(gaps))

    def current(self, now: float) -> bool:
        """Whether this vantage measures the target at all, at `now`."""
        if not self._recent:
            return False
        return now - self._recent[-1].known_at <= WINDOW_ROUNDS * self.interval_s + LONGEST_TIMEOUT_S

    @property
    def latest(self) -> Judged | None:
        """The newest judged observation."""
        return self._recent[-1] if self._recent else None

    @property
    def fresh(self) -> bool:
        """Whether the newest observation is bad."""
        return bool(self._recent) and self._recent[-1].bad

    @property
    def confirmed(self) -> bool:
        """Whether two of the last three are bad, or the last two to one of the target's addresses."""
        if sum(judged.bad for judged in self._last(3)) >= 2:
            return True
        by_address: dict[str | None, list[bool]] = {}
        for judged in self._last(8):
            by_address.setdefault(judged.observation.address, []).append(judged.bad)
        return len(by_address) > 1 and any(len(bads) >= 2 and all(bads[-2:]) for bads in by_address.values())

    @property
    def run(self) -> int:
        """How many of the newest observations in a row are bad."""
        count = 0
        for judged in reversed(self._recent):
            if not judged.bad:
                break
            count += 1
        return count

    def bad_since_start(self, since: float) -> list[Judged]:
        """The bad observations among the recent ones that were known at or after `since`, oldest first."""
        return [judged for judged in self._recent if judged.bad and judged.known_at >= since]

    def since(self, since: float) -> list[Judged]:
        """The recent observations known at or after `since`, oldest first."""
        return [judged for judged in self._recent if judged.known_at >= since]

    def symptom(self) -> Symptom:
        """The commonest symptom of the last bad observations; the newest wins a tie; NONE when all is well."""
        bad = [judged.symptom for judged in reversed(self._last(6)) if judged.bad][:3]
        if not bad:
            return Symptom.NONE
        counts = Counter(bad)
        return max(bad, key=lambda symptom: (counts[symptom], -bad.index(symptom)))

    def _last(self, count: int) -> list[Judged]:
        size = len(self._recent)
        return [self._recent[index] for index in range(max(0, size - count), size)]
