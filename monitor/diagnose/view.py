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

PACE_OF = 8
"""The newest observations that the measured pace is taken from."""

SLOW = frozenset({Symptom.THINK_TIME, Symptom.NETWORK_SLOW, Symptom.LOST_SYN})
"""Symptoms of an exchange that worked: one alone is noise, for latency has heavy tails."""

WINDOW_ROUNDS = 3.5
"""A view is current while its newest observation is at most this many intervals old."""

LONGEST_TIMEOUT_S = 10.0
"""Slack for a failing exchange, which is known only when its time is up."""


class View:
    """The series of one (target, vantage): baselines, the recent past, and when trouble began in it.

    What is asked at every moment is worked out once, when an observation comes in:
    `fresh`: the newest observation is bad. `failing`: it is bad and not merely slow. `confirmed`: two of
    the last three are bad, or the last two to one of several addresses. `run`: how many of the newest are
    bad in a row. `bad_since`: when the present badness was first known, None when there is none.
    `interval_s`: the measured pace, at least the configured one.
    """

    def __init__(self, vantage: str, interval_s: float) -> None:
        self.vantage = vantage
        self.usual: dict[int | None, Usual] = {}
        self.bad_since: float | None = None
        self.latest: Judged | None = None
        self.fresh = self.failing = self.confirmed = False
        self.run = 0
        self.interval_s = interval_s
        self._configured_s = interval_s
        self._recent: deque[Judged] = deque(maxlen=KEPT)

    def add(self, observation: HttpObservation, known_at: float) -> Judged | None:
        """Judge one observation and learn from it if it is clean and nothing bad surrounds it."""
        usual = self.usual.setdefault(observation.family, Usual())
        judged = judge(observation, usual, known_at)
        if judged is None:
            return None
        self._recent.append(judged)
        self.latest = judged
        self.fresh = judged.bad
        self.failing = judged.bad and judged.symptom not in SLOW
        self.run = self.run + 1 if judged.bad else 0
        if judged.bad:
            if self.bad_since is None:
                self.bad_since = known_at
        elif not any(other.bad for other in self._last(3)):
            self.bad_since = None
            usual.learn(judged)
        self.confirmed = self._is_confirmed()
        self.interval_s = self._pace()
        return judged

    def current(self, now: float) -> bool:
        """Whether this vantage measures the target at all, at `now`."""
        if self.latest is None:
            return False
        return now - self.latest.known_at <= WINDOW_ROUNDS * self.interval_s + LONGEST_TIMEOUT_S

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

    def _is_confirmed(self) -> bool:
        if self.bad_since is None:
            return False
        if sum(judged.bad for judged in self._last(3)) >= 2:
            return True
        by_address: dict[str | None, list[bool]] = {}
        for judged in self._last(8):
            by_address.setdefault(judged.observation.address, []).append(judged.bad and judged.symptom not in SLOW)
        return len(by_address) > 1 and any(len(bads) >= 2 and all(bads[-2:]) for bads in by_address.values())

    def _pace(self) -> float:
        times = sorted({judged.observation.at for judged in self._last(PACE_OF)})
        if len(times) < 4:
            return self._configured_s
        return max(self._configured_s, median(later - earlier for earlier, later in pairwise(times)))

    def _last(self, count: int) -> list[Judged]:
        size = len(self._recent)
        return [self._recent[index] for index in range(max(0, size - count), size)]
