"""Validated ROA payloads and the validity of a route (RFC 6811)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from monitor.model.asn import Asn
from monitor.model.prefix import Prefix


@dataclass(frozen=True, slots=True)
class Vrp:
    """One (prefix, maximum length, origin) taken from a ROA; AS 0 authorises nobody (RFC 6483 section 4)."""

    prefix: Prefix
    max_length: int
    asn: Asn


class Validity(StrEnum):
    """RFC 6811 section 2. `unknown` is ours: there were no VRPs to ask."""

    VALID = "valid"
    INVALID = "invalid"
    NOT_FOUND = "not-found"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ValidityResult:
    """A route's validity with the VRPs that decided it, so that it can be explained."""

    state: Validity
    matched: tuple[Vrp, ...] = ()
    wrong_origin: tuple[Vrp, ...] = ()
    wrong_length: tuple[Vrp, ...] = ()
