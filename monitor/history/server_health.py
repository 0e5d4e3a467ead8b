"""What is to be known of a history's server: for `doctor`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerHealth:
    """`version`: as people write it. `clock_ahead_s`: of this machine's, right to half of `round_trip_s`.

    `days`: of the table of requests, and the last of them, counted since 1970; None: there is none. `unsafe`:
    settings under which what was acknowledged may be lost. `bytes_there`: what the database takes.
    """

    version: str
    round_trip_s: float
    clock_ahead_s: float
    days: int
    last_day: int | None
    unsafe: tuple[str, ...]
    bytes_there: int
