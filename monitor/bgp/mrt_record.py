"""One MRT record between cutting and decoding, and what decoding it gives. Pure values."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.bgp.prefix_filter import PrefixFilter
from monitor.model import RouteFact


class BadRecordError(ValueError):
    """A record is not what its type says; says why."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record: `at` Unix seconds UTC, type and subtype (RFC 6396 section 4), the message without header."""

    at: float
    kind: int
    subtype: int
    body: bytes
    collector: str
    wanted: PrefixFilter | None = None


@dataclass(frozen=True, slots=True)
class Decoded:
    """The facts of a record, and how many elements it held, wanted or not."""

    facts: list[RouteFact]
    elements: int
