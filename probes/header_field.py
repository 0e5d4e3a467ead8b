"""A header field that goes out with a request: what may be sent as one (RFC 9110 section 5). Pure."""

from __future__ import annotations

import re

# RFC 9110 section 5.6.2: what the name of a field is made of.
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

_FRAMING = frozenset({"content-length", "transfer-encoding"})
"""They say where our body ends, which is for him to say who sends it (RFC 9112 section 6)."""


def check_field(name: str, value: str) -> None:
    """Refuse what no server would be sent.

    :raises ValueError: the name is no token, or says how long the body is; the value has a control character,
        or space around it, which is not part of a value (RFC 9110 section 5.5)
    """
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"header cannot be sent, its name is no token: {name[:80]!r}")
    if name.lower() in _FRAMING:
        raise ValueError(f"header cannot be sent, the body has its own length: {name!r}")
    if _CONTROL.search(value):
        raise ValueError(f"header cannot be sent, its value has a control character: {name!r}")
    if value != value.strip(" \t"):
        raise ValueError(f"header cannot be sent, its value has space around it: {name!r}")
