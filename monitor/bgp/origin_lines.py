"""Who originates which prefix, out of the lines of a text: `prefix ASN`, or CAIDA's three columns. Pure.

A full table has 1.2 million lines, of which 99 in 100 name a prefix and one origin. Such a line is appended to the
columns at once; whatever else there is goes the long way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from monitor.bgp.origin_entries import SET_ASIDE, OriginEntries
from monitor.bgp.prefix_key import place_of
from monitor.model import parse_asn

MAX_LINE = 4096

_COMMENT = re.compile(r"[#;]")
_ORIGINS_SEPARATOR = re.compile(r"[_,]")
_ASN_DIGITS = 9
"""Whatever so many digits say is an AS number."""


def line_origins(lines: Iterable[str | bytes]) -> OriginEntries:
    """The entries of lines as `PrefixTable.parse` describes them; a bad line is noted."""
    entries = OriginEntries()
    takes = {
        version: (of.firsts.append, of.lengths.append, of.origins.single.append)
        for version, of in entries.of.items()
    }
    for number, line in enumerate(lines, 1):
        try:
            text = line if isinstance(line, str) else line.decode("ascii")
            found = _one_origin(text)
            if found is None:
                _take(text, entries)
                continue
        except ValueError as error:
            entries.note(f"line {number}: {str(error)[:120]!a}")
            continue
        version, first, length, origin = found
        take_first, take_length, take_origin = takes[version]
        take_first(first)
        take_length(length)
        take_origin(origin)
    return entries


def _one_origin(text: str) -> tuple[int, int, int, int] | None:
    """IP version, first address, length and the one AS of a line; None: look closer."""
    words = text.split(None, 3)
    if len(words) == 3:
        address, digits, said = words
    elif len(words) == 2:
        (address, _, digits), said = words[0].partition("/"), words[1]
    else:
        return None
    if not (said.isdecimal() and said.isascii() and len(said) <= _ASN_DIGITS):
        return None
    origin = int(said)
    try:
        return (*place_of(address, digits), origin) if origin != SET_ASIDE else None
    except ValueError:
        return None


def _take(text: str, entries: OriginEntries) -> None:
    """Take any line.

    :raises ValueError: it is neither an entry nor a comment
    """
    words = _words(text)
    if words is not None:
        address, digits, origins = words
        version, first, length = place_of(address, digits)
        entries.of[version].add(first, length, frozenset(map(parse_asn, _ORIGINS_SEPARATOR.split(origins))))


def _words(text: str) -> tuple[str, str, str] | None:
    """Address, length and origins of a line; None for a comment.

    :raises ValueError: neither
    """
    if len(text) > MAX_LINE:
        raise ValueError(f"line of {len(text)} characters, above {MAX_LINE}")
    words = _COMMENT.split(text, maxsplit=1)[0].split()
    if len(words) == 3:
        return words[0], words[1], words[2]
    if not words:
        return None
    if len(words) == 2:
        address, slash, digits = words[0].partition("/")
        if slash:
            return address, digits, words[1]
    raise ValueError(f"neither `prefix ASN` nor `address length ASN`: {text[:60]!r}")
