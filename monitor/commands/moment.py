"""Moments as people write them on the command line: `24h` (ago), `now`, or ISO 8601 with its zone."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import click

from monitor.config import parse_duration


def parse_moment(text: str, now: float) -> float:
    """Unix seconds of `24h`, `7d`, `30m ago` (before `now`), `now`, or ISO 8601 such as `2026-01-31T08:00+01:00`.

    :raises ValueError: none of these, or an ISO time without a zone
    """
    text = text.strip().removesuffix(" ago")
    if text == "now":
        return now
    try:
        return now - parse_duration(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text[:40]!r} is neither an age (30m, 24h, 7d) nor an ISO 8601 time (2026-01-31T08:00Z)"
        ) from None
    if moment.tzinfo is None:
        raise ValueError(f"{text[:40]!r} has no time zone; add Z for UTC, or an offset such as +01:00")
    return moment.timestamp()


class Moment(click.ParamType[float]):
    """The click type of `--since` and `--until`."""

    name = "age|time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Unix seconds; ages count from now."""
        if isinstance(value, float):
            return value
        try:
            return parse_moment(str(value), time.time())
        except (ValueError, OverflowError) as error:
            self.fail(str(error), param, ctx)
