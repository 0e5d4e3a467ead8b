"""Autonomous system numbers (RFC 4893, RFC 5396 "asplain")."""

from __future__ import annotations

from typing import NewType

Asn = NewType("Asn", int)

MAX_ASN = 2**32 - 1


def parse_asn(text: str | int) -> Asn:
    """Read `64500`, `"64500"` or `"AS64500"`; dotted form is not used.

    :raises ValueError: not an AS number, or not in 0..4294967295
    """
    if isinstance(text, bool):
        raise ValueError(f"not an AS number: {text!r}")
    if isinstance(text, int):
        number = text
    else:
        digits = text.strip()
        digits = digits[2:] if digits[:2].upper() == "AS" else digits
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 10):
            raise ValueError(f"not an AS number: {text[:40]!r}")
        number = int(digits)
    if not 0 <= number <= MAX_ASN:
        raise ValueError(f"AS number out of range 0..{MAX_ASN}: {number}")
    return Asn(number)
