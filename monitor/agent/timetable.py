"""When each probe of each target is due: a stable grid a job, spread over its interval. Pure.

A job's grid is the multiples of its interval since the epoch, shifted by a hash of (target, probe,
vantage). So rounds are spread evenly over time and over vantages, a restart keeps the same grid, and two
monitors with the same configuration agree on it. Random jitter would do neither, and it accumulates.

A boost lays a finer grid over a target's jobs for a while. Time is an argument everywhere; this file
knows neither the scheduler nor the probes.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import urlsplit

from monitor.model.prefix import parse_address
from monitor.model.settings import BoostSettings, Config
from monitor.model.target import mail_target

FIRST_ROUND_SPREAD_S = 2.0
"""The first rounds after a start are spread over this long, so that a start is neither late nor a burst."""

MOST_MISSED_ROUNDS = 1000
"""Missed rounds told one by one after one gap, the newest ones; a laptop that slept a week owes no more."""


class Probe(StrEnum):
    """What is measured of a target; the words of `NotMeasured.probe`."""

    HTTP = "http"
    DNS = "dns"
    TRACE = "trace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One probe of one target, due every `interval_s`, `offset_s` after each multiple of it since the epoch.

    `boosted_s`: its interval while the target is boosted, never longer than `interval_s`.
    """

    target: str
    probe: Probe
    interval_s: float
    offset_s: float
    boosted_s: float

    @property
    def key(self) -> str:
        """Unique among the jobs of one vantage."""
        return f"{self.probe} {self.target}"


def spread(target: str, probe: Probe, vantage: str) -> float:
    """Where in its interval a job stands, 0 <= share < 1; the same on every machine and in every process."""
    digest = hashlib.sha256("\0".join((target, probe, vantage)).encode()).digest()
    # 53 bits: what a float holds exactly, so that the share cannot round up to 1.
    return (int.from_bytes(digest[:8]) >> 11) / 2**53


def jobs_of(config: Config) -> tuple[Job, ...]:
    """Every job of a configuration: HTTP for targets and controls, DNS and traceroute for targets, DNS for
    their mail's domains.

    A name that the DNS does not hold (an address literal, a single label such as `localhost`) has no DNS
    job: asking a public resolver for it would only ever say NXDOMAIN.
    """
    jobs: list[Job] = []

    def add(target: str, probe: Probe, interval_s: float, boosted_s: float) -> None:
        share = spread(target, probe, config.vantage)
        offset_s = round(share * interval_s, 3)
        boosted_s = min(interval_s, boosted_s)
        jobs.append(Job(target=target, probe=probe, interval_s=interval_s, offset_s=offset_s, boosted_s=boosted_s))

    boosted_s = config.boost.interval_s
    for target in config.targets:
        add(target.name, Probe.HTTP, target.interval_s, boosted_s)
        if is_public_name(target.url):
            add(target.name, Probe.DNS, config.dns.interval_s, boosted_s)
        if target.mail is not None:
            # Never boosted: trouble of the target is no reason to ask for its mail hosts more often.
            add(mail_target(target.name), Probe.DNS, config.dns.interval_s, config.dns.interval_s)
        if config.traceroute.enabled:
            # A trace that waits for silent hops takes its whole deadline; a finer grid would only overlap.
            add(
                target.name, Probe.TRACE, config.traceroute.interval_s, max(boosted_s, config.traceroute.timeout_s)
            )
    for control in config.controls:
        add(control.name, Probe.HTTP, control.interval_s, boosted_s)
    return tuple(jobs)


def is_public_name(url: str) -> bool:
    """Whether the URL's host is a name that the public DNS may hold: not an address, more than one label."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        parse_address(host)
    except ValueError:
        return "." in host and not host.endswith((".localhost", ".local"))
    return False


class Timetable:
    """The jobs and the boosts; answers when a job is due. Holds no clock."""

    def __init__(self, jobs: Iterable[Job], boost: BoostSettings) -> None:
        self._boost = boost
        self._boosted_until: dict[str, float] = {}
        self._jobs: dict[str, Job] = {job.key: job for job in jobs}

    @property
    def jobs(self) -> Mapping[str, Job]:
        """The jobs by key."""
        return MappingProxyType(self._jobs)

    def replace(self, jobs: Iterable[Job], boost: BoostSettings) -> None:
        """Take the jobs of a new configuration; running boosts go on."""
        self._boost = boost
        self._jobs = {job.key: job for job in jobs}

    def first_due(self, job: Job, start: float) -> float:
        """A first round soon after `start`, not a whole interval later."""
        return start + job.offset_s / job.interval_s * min(FIRST_ROUND_SPREAD_S, job.interval_s / 2)

    def next_due(self, job: Job, after: float) -> float:
        """The round that follows one due at `after`: on the grid, at least half an interval later.

        The half interval only matters after a first round, which is off the grid: without it the two could
        fall together.
        """
        interval_s = job.boosted_s if after < self.boosted_until(job.target) else job.interval_s
        return self._on_grid(job, after + interval_s / 2, interval_s)

    def next_after(self, job: Job, now: float) -> float:
        """The first round on the grid after `now`, whatever ran before."""
        interval_s = job.boosted_s if now < self.boosted_until(job.target) else job.interval_s
        return self._on_grid(job, now, interval_s)

    def missed(self, job: Job, last: float, due: float) -> tuple[float, ...]:
        """The rounds strictly between the last one accounted for and the one now due, oldest first.

        A scheduler that wakes up late runs the newest due round only; these are the others. At most
        MOST_MISSED_ROUNDS, the newest.
        """
        # Jumps over what would be cut off, instead of walking through a week.
        start = max(last, due - (MOST_MISSED_ROUNDS + 1) * job.interval_s)
        rounds: list[float] = []
        at = self.next_due(job, start)
        # A hundredth of an interval is rounding, not a round.
        while at < due - job.boosted_s / 100:
            rounds.append(at)
            at = self.next_due(job, at)
        return tuple(rounds[-MOST_MISSED_ROUNDS:])

    def boost(self, target: str, now: float) -> bool:
        """Probe the target faster from now on; a boost that runs is extended, not stacked.

        True when the boost is new, so that its jobs' next rounds come earlier than planned.
        """
        fresh = now >= self.boosted_until(target)
        self._boosted_until[target] = now + self._boost.duration_s
        return fresh

    def boosted_until(self, target: str) -> float:
        """When the target's boost ends, Unix seconds; 0 when there was none."""
        return self._boosted_until.get(target, 0.0)

    def _on_grid(self, job: Job, after: float, interval_s: float) -> float:
        offset_s = math.fmod(job.offset_s, interval_s)
        periods = math.floor((after - offset_s) / interval_s) + 1
        due = round(periods * interval_s + offset_s, 3)
        # The division may round so that `after` itself comes out.
        return due if due > after else round((periods + 1) * interval_s + offset_s, 3)
