"""What a good answer looks like, and which of it an answer misses. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """The expectations on an answer. `checks_failed` of an observation names them by these fields' names.

    `status`: accepted codes. `headers`: (lower-case name, text that the value must contain).
    `max_wait`, `max_total`: seconds, from request sent to first byte and for the whole exchange.
    """

    status: tuple[int, ...] = (200,)
    body_contains: str | None = None
    body_regex: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    max_wait: float | None = None
    max_total: float | None = None
