"""Who answers: the TLS keys and issuers that a target is known by. Pure.

A certificate that verifies clears nothing when its key is new: whoever receives a name's traffic can get a
valid certificate for it within minutes (KLAYswap 2022, Celer 2022). A known key is different: only its
owner can answer with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SETTLED_S = 300.0
"""A key is known when it was first seen this long before the trouble."""

YOUNG_S = 60.0
"""A target younger than `SETTLED_S` is known by the keys of its first minute."""

KEPT_KEYS = 256
"""Keys remembered for one target; a large CDN shows dozens."""


class Identity(StrEnum):
    """How an answering key compares with the known ones."""

    UNKNOWN = "unknown"
    SAME = "same"
    NEW_KEY = "new_key"
    NEW_KEY_AND_ISSUER = "new_key_and_issuer"


@dataclass(slots=True)
class _Key:
    issuer: str | None
    first_at: float
    last_at: float


NEW_KEYS = (Identity.NEW_KEY, Identity.NEW_KEY_AND_ISSUER)
"""Somebody answers with a key that the target never had."""


class KeyMemory:
    """The keys that one target has answered with, whichever vantage saw them."""

    def __init__(self) -> None:
        self._keys: dict[str, _Key] = {}

    def add(self, spki: str, issuer: str | None, at: float) -> bool:
        """Remember that `spki` (SHA-256 of the SubjectPublicKeyInfo, hex) answered; whether it is another key."""
        key = self._keys.get(spki)
        if key is not None:
            key.last_at = at
            return False
        if len(self._keys) >= KEPT_KEYS:
            del self._keys[min(self._keys, key=lambda old: self._keys[old].last_at)]
        self._keys[spki] = _Key(issuer, at, at)
        return len(self._keys) > 1

    def forget(self, since: float, until: float, keep: frozenset[str]) -> None:
        """Unlearn keys first seen during trouble from `since` to `until`, but those that still answer (`keep`)."""
        known = self._known(since)
        for spki in [s for s, key in self._keys.items() if since - SETTLED_S <= key.first_at <= until]:
            if spki not in known and spki not in keep:
                del self._keys[spki]

    def compare(self, spki: str, issuer: str | None, onset: float) -> Identity:
        """Compare an answer's key with those that were known before `onset`."""
        known = self._known(onset)
        if not known:
            return Identity.UNKNOWN
        if spki in known:
            return Identity.SAME
        issuers = {key.issuer for key in known.values() if key.issuer}
        if issuer is not None and issuers and issuer not in issuers:
            return Identity.NEW_KEY_AND_ISSUER
        return Identity.NEW_KEY

    def _known(self, onset: float) -> dict[str, _Key]:
        settled = {spki: key for spki, key in self._keys.items() if key.first_at < onset - SETTLED_S}
        if settled:
            return settled
        # A young target: what it showed in its first minute is what it is known by.
        earliest = min((key.first_at for key in self._keys.values()), default=onset)
        limit = min(onset, earliest + YOUNG_S)
        return {spki: key for spki, key in self._keys.items() if key.first_at < limit}
