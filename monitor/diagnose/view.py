"""One vantage's view of one target: its latest judged observations, and whether they add up to trouble.

A single series only triggers; whether there is trouble is decided across vantages, elsewhere. One
observation is never believed alone: a view is *confirmed* bad when two of its last three are.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import replace
from math import ceil, comb, inf, log, log10
from operator import sub

from monitor.diagnose.symptom import KEPT_ADDRESSES, Judged, Symptom, Usual, judge
from monitor.diagnose.usual_hours import UsualHours
from probes.observation import HttpObservation

KEPT = 24
"""Judged observations kept; enough for several addresses at a boosted rate."""

PACE_OF = 8
"""The newest observations that the measured pace is taken from."""

SLOW = frozenset({Symptom.THINK_TIME, Symptom.NETWORK_SLOW, Symptom.LOST_SYN, Symptom.RESENT})
"""Symptoms of an exchange that worked: one alone is noise, for latency has heavy tails."""

AGED = 400
"""Observations that the usual share of bad ones is taken from."""

USUAL_SHARE, USUAL_OF = 0.01, 50.0
"""What is taken for usual before anything is known, and how many observations that counts for."""

MOST_USUAL = 0.2
"""However bad a line always was, and however long trouble lasts, more than this share of bad ones is news."""

LOSS_SURPRISE = 4.0
"""The negative log10 of the chance that so many of the recent exchanges had packets sent again, on a usual day."""

FEWEST_RESENT = 3

RECENTLY = 8
"""A line that had nothing to send again in so many exchanges on end loses no more; what it loses then is news."""

LEARNT_IN_TROUBLE = 0.1
"""What an exchange counts for a usual share while more is lost, or bad, than usual: a bad hour is no custom."""

ENOUGH_CONNECTED = 5
"""Exchanges of which none had to send anything again, before a line is said to lose nothing."""

CHRONIC_OF_8 = 5
"""So many bad ones of the last eight are trouble even when good ones lie between."""

TURNED_AWAY = 5
"""So many exchanges in a row, and none served, late or well: who sheds load serves those whom it lets in."""

RELAPSES, RELAPSES_ALONE, RELAPSE_SURPRISE = 6, 8, 6.0
"""So many bad ones among those kept, one in three where others are well; and the negative log10 of the chance of
it, by how often it is bad anyway. Waves that a queue fills and drains between two looks leave no long run."""

FEWEST_WAVES, LULL = 3, 2
"""After a trouble that is over two lost packets are no relapse: that takes several waves, and lulls between."""

CHANCE = 0.05
"""A run of good observations must be rarer than this before a flapping view counts as well again."""

WINDOW_ROUNDS = 3.5
"""A view is current while its newest observation is at most this many intervals old."""

LONGEST_TIMEOUT_S = 10.0
"""Slack for a failing exchange, which is known only when its time is up."""


class View:
    """The series of one (target, vantage): baselines, the recent past, and when trouble began in it.

    What is asked at every moment is worked out once, when an observation comes in:
    `fresh`: the newest observation is bad. `failing`: it is bad and not merely slow. `confirmed`: two of
    the last three are bad, or the last two to one of several addresses. `chronic`: most of the last eight
    are. `run`: how many of the newest are bad in a row, of all or at one address. `settled`: good for long
    enough, by how often it was bad before. `bad_since`: when the present badness was first known, None when
    there is none. `losing`: more of the recent exchanges than usual had packets sent again.
    `interval_s`: the measured pace, at least the configured one. `misled`: somebody else answers it at present,
    so that nothing is learned from good answers. `nearer_since`: since when some address answers from nearer than
    ever before; None: none does. `hours`: what it was like before.
    """

    def __init__(self, vantage: str, interval_s: float, hours: UsualHours | None = None) -> None:
        self.vantage = vantage
        self.usual = Usual(hours)
        self.bad_since: float | None = None
        self.latest: Judged | None = None
        self.fresh = self.failing = self.confirmed = self.chronic = False
        self.settled = True
        self.losing = False
        self.misled = False
        self.run = 0
        self.interval_s = interval_s
        self._configured_s = interval_s
        self._recent: deque[Judged] = deque(maxlen=KEPT)
        self._times: deque[float] = deque(maxlen=PACE_OF)
        self._bad: tuple[int, list[Judged]] = (0, [])
        self._newest_at = -inf
        self._aged = self._aged_bad = 0.0
        self._connected = self._resent = 0.0
        self._in_a_row = 0
        self._kept_bad = self._kept_resent = 0
        self._clean = 0
        self._was_sound = False
        self._nearer: dict[str, float] = {}
        self.nearer_since: float | None = None
        self.changes = 0

    def add(self, observation: HttpObservation, known_at: float) -> Judged | None:
        """Judge one observation and learn from it if it is clean and nothing bad surrounds it."""
        judged = judge(observation, self.usual, known_at)
        if judged is None:
            return None
        self.changes += 1
        if not self.misled:
            self.usual.learn_hour(judged)
        if self.losing and judged.resent and not judged.bad:
            # One packet sent again is everyday life; on a line that loses them all the time it is the trouble.
            judged = replace(judged, symptom=Symptom.RESENT)
        if len(self._recent) == KEPT:
            self._age(self._recent[0])
            self._count(self._recent[0], -1)
        self._recent.append(judged)
        self._times.append(observation.at)
        self._count(judged, 1)
        self.latest = judged
        self._newest_at = max(self._newest_at, known_at)
        if judged.resent is not None:
            self._clean = 0 if judged.resent else self._clean + 1
            self._was_sound = self._was_sound or self._clean >= RECENTLY
        self.losing = self._is_losing()
        self._note_nearer(judged)
        self._note(judged)
        self.interval_s = self._pace()
        return judged

    def absolve(self) -> None:
        """Forget what was bad: the vantage was sick, or an incident that is over has told of it.

        Neither says anything of what comes next: it is no wave of a later trouble, nor is it usual.
        """
        self.changes += 1
        good = [judged for judged in self._recent if not judged.bad]
        self._recent.clear()
        self._recent.extend(good)
        self._times.clear()
        self._times.extend(judged.observation.at for judged in good)
        self._kept_bad, self._kept_resent = 0, sum(bool(judged.resent) for judged in good)
        self.latest = good[-1] if good else None
        self.fresh = self.failing = self.confirmed = self.chronic = False
        self.run, self._in_a_row, self.bad_since, self.settled = 0, 0, None, True

    def _note(self, judged: Judged) -> None:
        """Work out what is asked at every moment."""
        self.fresh = judged.bad
        self.failing = judged.bad and judged.symptom not in SLOW
        self._in_a_row = self._in_a_row + 1 if judged.bad else 0
        if judged.bad:
            if self.bad_since is None:
                self.bad_since = judged.known_at
        elif not self.losing and not self.bad_of(3):
            self.bad_since = None
            if not self.misled:
                self.usual.learn(judged)
        if not self._kept_bad:
            # As nearly always: what is asked of the bad ones has no need of them being looked for.
            self.run, self.confirmed, self.chronic, self.settled = 0, False, False, True
            return
        self.run = max(self._in_a_row, self._run_at_one_address())
        self.confirmed = self._is_confirmed()
        self.chronic = self.bad_of(8) >= CHRONIC_OF_8
        self.settled = self._is_settled()

    def _note_nearer(self, judged: Judged) -> None:
        """Whether it answers from nearer than ever: from when on, until it is as far as halfway back again."""
        address, rtt_s = judged.observation.address, judged.rtt_s
        if address is None or rtt_s is None:
            return
        halfway_s = self._nearer.get(address)
        if halfway_s is None:
            halfway_s = self.usual.halfway_nearer_s(judged)
            if halfway_s is not None and len(self._nearer) < KEPT_ADDRESSES:
                self._nearer[address] = halfway_s
                self.nearer_since = judged.known_at if self.nearer_since is None else self.nearer_since
        elif rtt_s > halfway_s:
            del self._nearer[address]
            self.nearer_since = self.nearer_since if self._nearer else None

    def current(self, now: float) -> bool:
        """Whether this vantage measures the target at all, at `now`."""
        if self.latest is None:
            return False
        return now - self.latest.known_at <= WINDOW_ROUNDS * self.interval_s + LONGEST_TIMEOUT_S

    def bad_since_start(self) -> list[Judged]:
        """The bad observations of the present trouble, oldest first; none when there is none."""
        if self.bad_since is None:
            return []
        if self._bad[0] != self.changes:
            bad = [judged for judged in self._recent if judged.bad and judged.known_at >= self.bad_since]
            self._bad = (self.changes, bad)
        return self._bad[1]

    def bad_share(self) -> float:
        """Of the exchanges of the present trouble, the bad ones; 1.0 when there is none to be vouched for."""
        lasting = self.since(self.bad_since) if self.bad_since is not None else []
        return sum(judged.bad for judged in lasting) / len(lasting) if lasting else 1.0

    def turned_away(self) -> bool:
        """Whether every exchange of the present trouble was refused by status, as soon as any answer comes."""
        lasting = self.since(self.bad_since) if self.bad_since is not None else []
        return len(lasting) >= TURNED_AWAY and all(
            judged.symptom is Symptom.SHEDDING
            and judged.think_s is not None
            and not self.usual.is_slow(judged.observation, judged.think_s, judged.known_at)
            for judged in lasting
        )

    def since(self, since: float) -> list[Judged]:
        """The recent observations known at or after `since`, oldest first."""
        if self._newest_at < since:
            return []
        return [judged for judged in self._recent if judged.known_at >= since]

    def surprise(self) -> float:
        """How unlikely its present trouble is, by how often it is bad anyway: log10 of the chance, at most 0."""
        lasting = len(self._recent) if self.bad_since is None else len(self.since(self.bad_since))
        bad = len(self.bad_since_start())
        known = self._aged + len(self._recent) - lasting + USUAL_OF
        usual = min((self._aged_bad + self._kept_bad - bad + USUAL_SHARE * USUAL_OF) / known, MOST_USUAL)
        return min(log10(comb(max(lasting, bad), bad)) + bad * log10(usual), 0.0)

    def relapses(self, *, alone: bool) -> bool:
        """Whether it was bad again and again of late, with good exchanges between, by more than chance.

        `alone`: others measure the same and do not bear it out.
        """
        bad = self._kept_bad
        if bad < (RELAPSES_ALONE if alone else RELAPSES) or self._waves() < FEWEST_WAVES:
            return False
        usual = (self._aged_bad + USUAL_SHARE * USUAL_OF) / (self._aged + USUAL_OF)
        return log10(comb(len(self._recent), bad)) + bad * log10(min(usual, MOST_USUAL)) <= -RELAPSE_SURPRISE

    def _waves(self) -> int:
        """How many times it was bad of late, with `LULL` good exchanges or more between."""
        count, good = 0, LULL
        for judged in self._recent:
            count += judged.bad and good >= LULL
            good = 0 if judged.bad else good + 1
        return count

    def loses(self) -> bool | None:
        """Whether its connections lose packets since it is bad, by more than chance; None: too few to tell."""
        connected = [judged.resent for judged in self.since(self.bad_since or inf) if judged.resent is not None]
        if any(connected):
            return True if self.losing else None
        return False if len(connected) >= ENOUGH_CONNECTED else None

    def bad_of(self, count: int) -> int:
        """How many of the newest `count` observations are bad."""
        return sum(judged.bad for judged in self._last(count)) if self._kept_bad else 0

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
        if self.bad_of(3) >= 2 or (self.losing and self.bad_of(RECENTLY) >= 2):
            return True
        by_address: dict[str | None, list[bool]] = {}
        for judged in self._last(8):
            by_address.setdefault(judged.observation.address, []).append(judged.bad and judged.symptom not in SLOW)
        return len(by_address) > 1 and any(len(bads) >= 2 and all(bads[-2:]) for bads in by_address.values())

    def _run_at_one_address(self) -> int:
        """The longest run of bad ones that some address ends with: the other family's good ones are no comfort."""
        runs: dict[str | None, int] = {}
        for judged in self._recent if self.bad_since is not None else ():
            address = judged.observation.address
            runs[address] = runs.get(address, 0) + 1 if judged.bad and judged.symptom not in SLOW else 0
        return max(runs.values(), default=0)

    def _is_losing(self) -> bool:
        """What is usual is counted over all that went before: some lines lose a packet in a hundred always, and of
        one that was never seen sound nobody knows yet that it was better.
        """
        if self._kept_resent < FEWEST_RESENT or not self._was_sound:
            return False
        connected = _since_lull([judged.resent for judged in self._recent if judged.resent is not None])
        again = sum(map(bool, connected))
        if again < FEWEST_RESENT:
            return False
        usual = (self._resent + 1.0) / (self._connected + 50.0)
        return log10(comb(len(connected), again)) + again * log10(usual) <= -LOSS_SURPRISE

    def _is_settled(self) -> bool:
        """Whether the good run since the last bad observation is too long for chance.

        A vantage that loses a third of its exchanges is not well after two good ones: with the share that
        was bad while it lasted, a run of good ones that long must be rarer than `CHANCE`.
        """
        bads = [index for index, judged in enumerate(self._recent) if judged.bad]
        if not bads:
            return True
        rate = min(len(bads) / (bads[-1] - bads[0] + 1), 0.95) if len(bads) > 1 else 0.5
        needed = max(2, ceil(log(CHANCE) / log(1.0 - rate)))
        return len(self._recent) - 1 - bads[-1] >= needed

    def _count(self, judged: Judged, change: int) -> None:
        """Keep count of the bad among the recent ones, and of those that had packets sent again."""
        self._kept_bad += change * judged.bad
        self._kept_resent += change * bool(judged.resent)

    def _age(self, judged: Judged) -> None:
        if self._aged >= AGED:
            self._aged, self._aged_bad = self._aged / 2, self._aged_bad / 2
            self._connected, self._resent = self._connected / 2, self._resent / 2
        weight = LEARNT_IN_TROUBLE if self.confirmed else 1.0
        self._aged += weight
        self._aged_bad += weight * judged.bad
        if judged.resent is not None:
            weight = LEARNT_IN_TROUBLE if self.losing else 1.0
            self._connected += weight
            self._resent += weight * (judged.resent > 0)

    def _pace(self) -> float:
        times = sorted(set(self._times))
        if len(times) < 4:
            return self._configured_s
        gaps: list[float] = sorted(map(sub, times[1:], times))
        half = len(gaps) // 2
        return max(self._configured_s, gaps[half] if len(gaps) % 2 else (gaps[half - 1] + gaps[half]) / 2)

    def _last(self, count: int) -> list[Judged]:
        size = len(self._recent)
        return [self._recent[index] for index in range(max(0, size - count), size)]


def _since_lull(resent: list[int]) -> list[int]:
    """What was sent again in the newest exchanges, back to `RECENTLY` in a row that had nothing to send again."""
    clean = 0
    for index in range(len(resent) - 1, -1, -1):
        clean = 0 if resent[index] else clean + 1
        if clean == RECENTLY:
            return resent[index + RECENTLY :]
    return resent
