"""Text from strangers made safe to show: one line, printable, bounded.

Evidence may hold host names, certificate issuers, server banners: whoever attacks the target writes them.
What could forge a header (line ends), drive a terminal (escape sequences) or reverse the reading order
(bidirectional controls, UAX #9) becomes a visible escape such as `\\x1b`, so that a person still sees that
it was there. Markup is not this module's: HTML is escaped by the template, rich is given no markup.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

# Controls, formats (bidi, zero-width), surrogates, private use, unassigned, line and paragraph separators.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def one_line(text: str, limit: int) -> str:
    """`text` as one printable line of at most `limit` characters; cut text ends in an ellipsis."""
    # Escaping and joining blanks only need so much of a text that may be of any length.
    head = text[: 4 * limit]
    shown = "".join(_visible(character) for character in " ".join(head.split()))
    return shown if len(shown) <= limit and len(head) == len(text) else shown[: limit - 1] + "…"


def listed(names: Iterable[str], most: int, *, limit: int = 64) -> str:
    """`a, b, c and 4 more`: at most `most` names of at most `limit` characters each."""
    everyone = tuple(names)
    shown = ", ".join(one_line(name, limit) for name in everyone[:most])
    left = len(everyone) - most
    return f"{shown} and {left} more" if left > 0 else shown


def _visible(character: str) -> str:
    if unicodedata.category(character) not in _UNSAFE:
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
