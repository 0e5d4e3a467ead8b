"""The public key of a vantage, as it stands in a hub's configuration: `ed25519:BASE64`, or with its last day.

    ed25519:JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
    ed25519:JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs= until 2027-11-22

Ed25519 is RFC 8032; the text is the 32 bytes of its section 5.1.5. Pure: no cryptography happens here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

ALGORITHM = "ed25519"
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class VantageKey:
    """`public`: 32 bytes. `until`: Unix seconds from which on it opens nothing any more; None: never."""

    public: bytes
    until: float | None = None

    @property
    def id(self) -> str:
        """A short name for the key: 16 hex digits of its SHA-256."""
        return hashlib.sha256(self.public).hexdigest()[:16]

    def __str__(self) -> str:
        text = f"{ALGORITHM}:{base64.b64encode(self.public).decode()}"
        if self.until is None:
            return text
        last_day = datetime.fromtimestamp(self.until, UTC) - timedelta(days=1)
        return f"{text} until {last_day:%Y-%m-%d}"


def parse_vantage_key(text: str) -> VantageKey:
    """Read a key from its text; `until` is its last day, in UTC.

    :raises ValueError: it is not such a text
    """
    key, _, last_day = text.partition(" until ")
    algorithm, _, encoded = key.partition(":")
    try:
        public = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ValueError("the key is not base64") from error
    if algorithm != ALGORITHM or len(public) != KEY_BYTES:
        raise ValueError(f"a key is {ALGORITHM}: and the base64 of {KEY_BYTES} bytes")
    if not last_day:
        return VantageKey(public)
    end = datetime.strptime(last_day, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=1)
    return VantageKey(public, end.timestamp())
