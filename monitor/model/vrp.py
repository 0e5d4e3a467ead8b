"""Validated ROA payloads and the validity of a route (RFC 6811)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from monitor.model.asn import Asn
from monitor.model.prefix import Prefix


class Vrp(msgspec.Struct, frozen=True, gc=False):
    """One (prefix, maximum length, origin) taken from a ROA; AS 0 authorises nobody (RFC 6483 section 4).

    `ta` names the trust anchor under which the ROA was found, as the validator calls it; empty: it did not say.
    """

    prefix: Prefix
    max_length: int
    asn: Asn
    ta: str = ""

    def __str__(self) -> str:
        """`203.0.112.0/22-24 AS64500 (ripe)`, as router configurations spell it."""
        longest = "" if self.max_length == self.prefix.prefixlen else f"-{self.max_length}"
        return f"{self.prefix}{longest} AS{self.asn}" + (f" ({self.ta})" if self.ta else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class VrpChange:
    """A VRP that came (`added`) or went, as we learned at `at`, Unix seconds. It has no trust anchor."""

    at: float
    vrp: Vrp
    added: bool


class Validity(StrEnum):
    """RFC 6811 section 2. `unknown` is ours: there were no VRPs to ask."""

    VALID = "valid"
    INVALID = "invalid"
    NOT_FOUND = "not-found"
    UNKNOWN = "unknown"


class ValidityResult(msgspec.Struct, frozen=True, gc=False):
    """A route's validity with the VRPs that decided it, so that it can be explained."""

    state: Validity
    matched: tuple[Vrp, ...] = ()
    wrong_origin: tuple[Vrp, ...] = ()
    wrong_length: tuple[Vrp, ...] = ()
