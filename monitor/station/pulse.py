"""Is a daemon alive, and does what it learns get out? Pure: told what happened, and the time.

Two questions, for two who listen. The service manager can only restart, so it is told of what a restart may
mend: rounds that no longer end, an outbox that no longer looks what is due (`stuck`). A mail server that refuses
or a full disk is none of that; a restart would lose what waits in memory. Whoever listens for our heartbeat wants
to know whether a page would reach anybody, so it falls silent for these too (`cut_off`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from monitor.agent.timetable import jobs_of
from monitor.diagnose.fact import Fact
from monitor.model.settings import Config
from probes import DnsObservation, HttpObservation, TraceObservation, clock

ROUNDS_MISSED = 3
SHORTEST_S = 60.0
"""Even of targets that are probed each second nothing may come for so long, on a machine that is busy."""

TURN_S = 60.0
"""The outbox looks every second."""

UNKEPT_S = 60.0
UNTOLD_S = 600.0
"""A server that asks to come back later (greylisting) means minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """Signs of life; times by the monotonic clock.

    `round_at`: when a round last ended, or the start; `round_within_s`: the longest that it may be ago, None:
    there is nothing to measure. `own_rounds`: whether it measures itself. `outbox_at`: when the outbox last
    looked, None: there is none. `unkept_since`: since when facts wait to be stored, `untold_since`: since when
    nobody takes what is to be told; None: they do not.
    """

    round_at: float
    round_within_s: float | None
    own_rounds: bool = True
    outbox_at: float | None = None
    unkept_since: float | None = None
    untold_since: float | None = None


class Pulse:
    """Follows facts from their measurement to their storage."""

    def __init__(self, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self._monotonic = monotonic
        self.round_at = monotonic()
        self.unkept_since: float | None = None

    def came(self, facts: Iterable[Fact]) -> None:
        """Facts came; that a round did not take place is a fact too, but no round."""
        if any(isinstance(fact, HttpObservation | DnsObservation | TraceObservation) for fact in facts):
            self.round_at = self._monotonic()
            if self.unkept_since is None:
                self.unkept_since = self.round_at

    def kept(self) -> None:
        """Some were stored; if others wait, the next ones that come begin to count anew."""
        self.unkept_since = None


def longest_pause_s(config: Config) -> float | None:
    """How long at most no round may end, with this configuration; None: it has none."""
    shortest = min((job.interval_s for job in jobs_of(config)), default=None)
    return None if shortest is None else max(SHORTEST_S, ROUNDS_MISSED * shortest)


def stuck(signs: Signs, now: float) -> str | None:
    """Why a restart may help; None: all goes on."""
    if signs.own_rounds and (reason := _no_round(signs, now)):
        return reason
    if signs.outbox_at is not None and now - signs.outbox_at > TURN_S:
        return f"the outbox has not looked for {now - signs.outbox_at:.0f} s"
    return None


def cut_off(signs: Signs, now: float) -> str | None:
    """Why nobody would hear of an outage now; None: they would."""
    if reason := stuck(signs, now) or _no_round(signs, now):
        return reason
    if signs.unkept_since is not None and now - signs.unkept_since > UNKEPT_S:
        return f"nothing was stored for {now - signs.unkept_since:.0f} s"
    if signs.untold_since is not None and now - signs.untold_since > UNTOLD_S:
        return f"nobody takes what is to be told for {now - signs.untold_since:.0f} s"
    return None


def _no_round(signs: Signs, now: float) -> str | None:
    if signs.round_within_s is None or now - signs.round_at <= signs.round_within_s:
        return None
    what = "no round has ended" if signs.own_rounds else "no vantage has sent a measurement"
    return f"{what} for {now - signs.round_at:.0f} s"
