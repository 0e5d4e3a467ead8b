"""The window that `whydown history` is about: two moments or an incident, and the one it is compared with."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import click

from monitor.commands.incident_choice import chosen
from monitor.commands.moment import parse_moment
from monitor.config import parse_duration
from monitor.history import Reader

BEFORE = "before"
YESTERDAY = "yesterday"
_DAY_S = 86_400.0

_DEFAULT_BUCKETS_S = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 604_800)
# Buckets that are multiples of these, from a multiple on, are answered from the roll-ups.
_ROLLED_UP_S = (300, 60)

Shift = Callable[[float, float], float]


@dataclass(frozen=True, slots=True)
class Window:
    """[since, until) in Unix seconds."""

    since: float
    until: float

    def bucket_s(self, wanted: float | None, points: int, least_s: float) -> float:
        """The length of a bucket: what is wanted, or one of those with a name that makes `points` at most."""
        if wanted is not None:
            return wanted
        shortest = max((self.until - self.since) / points, least_s)
        if shortest < _DEFAULT_BUCKETS_S[0]:
            return shortest
        return next((length for length in _DEFAULT_BUCKETS_S if length >= shortest), shortest)

    def from_whole_minutes(self, bucket_s: float) -> Window:
        """Beginning where roll-ups do, if they can answer buckets of that length."""
        step = next((step for step in _ROLLED_UP_S if bucket_s % step == 0), None)
        return self if step is None else Window(self.since - self.since % step, self.until)


def incident_window(reader: Reader, name: str) -> Window:
    """From the first bad fact of an incident to its close, or until now."""
    incident = chosen(reader, name)
    since = incident.started_at if incident.started_at is not None else incident.opened_at
    return Window(since, incident.closed_at if incident.closed_at is not None else time.time())


class Other(click.ParamType[Shift]):
    """The click type of `--compare`: gives the other window's beginning, told this one's two ends."""

    name = "window"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Shift:
        """`before`, `yesterday`, how much earlier (`7d`), or a moment with its zone."""
        text = str(value).strip()
        if text == BEFORE:
            return lambda since, until: since - (until - since)
        if text == YESTERDAY:
            return lambda since, until: since - _DAY_S
        try:
            earlier = parse_duration(text)
        except ValueError:
            pass
        else:
            return lambda since, until: since - earlier
        try:
            moment = parse_moment(text, time.time())
        except (ValueError, OverflowError):
            self.fail(
                f"{text[:40]!r} is none of before, yesterday, an age (7d) and a moment (2026-01-31T08:00Z)",
                param,
                ctx,
            )
        return lambda since, until: moment
