"""Which prefixes of a feed are wanted, with a quick look that passes over most of a feed unread.

Of a collector's routes perhaps one in a thousand is watched, so the time goes into the others. Asking for
each prefix costs a microsecond. The quick look cuts a field of prefixes into pieces by one regular
expression, and compares these with those that may be wanted by one set operation, both inside the
interpreter: 0.2 µs a prefix. Fields of a few prefixes each, as most messages have, are cut together, with
something between them that is no prefix. Only what meets there is asked for exactly, so the quick look is
coarse, but never wrong. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter

from monitor.bgp.nlri import NlriError, read_prefixes
from monitor.bgp.prefix_key import PrefixKey
from monitor.model import Prefix

Wanted = Callable[[int, PrefixKey], bool]
"""Whether a prefix, given as IP version and key, is worth decoding its route."""

# Prefixes of IPv4 up to this length are compared whole; hardly one in a thousand is longer. Those of IPv6 are
# compared by their first bytes, since the sub-prefixes of one /32 would be too many.
_LONGEST_V4 = 24
_HEAD_V6 = 4

_MOST_SUSPECTS = 1 << 19
"""A watched /8 of IPv4 has 131,071 sub-prefixes up to /24. Above this, about 40 MB, there is no quick look."""


def _canonical(length: int) -> bytes:
    """Matches a prefix of this length whose last byte has zeros behind it.

    What has not is the same prefix (RFC 4271 section 4.3) in one of many forms, and gets a closer look.
    """
    size, open_bits = (length + 7) // 8, -length % 8
    last = b"".join(b"\\x%02x" % value for value in range(0, 256, 1 << open_bits)) if open_bits else rb"\x00-\xff"
    return b"\\x%02x.{%d}[%s]" % (length, size - 1, last)


def _alternatives(patterns: list[bytes]) -> re.Pattern[bytes]:
    """The first that matches; a piece of one byte is what none of them matches, and the default route."""
    return re.compile(b"|".join([*patterns, b"."]), re.DOTALL)


# The most frequent lengths stand first.
_SHORT_V4 = [_canonical(length) for length in range(_LONGEST_V4, 0, -1)]
_PIECES_V4 = _alternatives(_SHORT_V4)
# For the closer look: longer prefixes are pieces too.
_ALL_PIECES_V4 = _alternatives([*_SHORT_V4, b"[\\x%02x-\\x20].{4}" % (_LONGEST_V4 + 1)])
_ALL_V6 = [
    *(b"[\\x%02x-\\x%02x].{%d}" % (8 * size - 7, 8 * size, size) for size in (6, 5, *range(7, 17))),
    *(_canonical(length) for length in range(8 * _HEAD_V6, 0, -1)),
]
_PIECES_V6 = _alternatives(_ALL_V6)

# Stands between fields that are cut together: no prefix begins so. Where a field's last prefix is cut short, it
# takes some of the first bytes, never the last one, and the next piece is a single 0xff.
_BETWEEN = b"\xff" * 17 + b"\xfe"
_JOINED_V4 = _alternatives([_BETWEEN, *_SHORT_V4])
_JOINED_V6 = _alternatives([_BETWEEN, *_ALL_V6])
_TORN = b"\xff"
_TOGETHER = 64

_LONG_PIECE_V4 = 5
_head_v6 = itemgetter(slice(1, 1 + _HEAD_V6))


_Suspects = dict[bytes, None]
"""In place of a set, which Python's collector of garbage looks through: 10 ms for those of 1,000 prefixes."""


class PrefixFilter:
    """`wanted` is the exact question. It may be answered yes only for prefixes that equal, are inside or
    cover one of `watched`."""

    def __init__(self, wanted: Wanted, watched: Iterable[Prefix]) -> None:
        self.wanted = wanted
        # Pieces of IPv4 and heads of IPv6 that deserve a closer look; the head of a piece of one byte is "".
        # None: everything does.
        self._suspects_v4: _Suspects | None = dict.fromkeys(bytes([byte]) for byte in range(256))
        self._suspects_v6: _Suspects | None = {b"": None}
        for prefix in watched:
            if prefix.version == 4:
                self._suspects_v4 = _with_relatives(self._suspects_v4, prefix, _LONGEST_V4, 0)
            else:
                self._suspects_v6 = _with_relatives(self._suspects_v6, prefix, 8 * _HEAD_V6, 1)

    def count_unwanted(self, data: bytes, start: int, end: int, version: int) -> int | None:
        """How many prefixes the field `data[start:end]` holds; None: one is wanted, or the field is malformed."""
        if version == 4 and (few := self._suspects_v4) is not None:
            pieces = _PIECES_V4.findall(data, start, end)
            if few.keys().isdisjoint(pieces):
                return len(pieces)
        try:
            keys, count = self.pick(data, start, end, version)
        except NlriError:
            return None
        return None if keys else count

    def pass_over(self, fields: Sequence[bytes], version: int) -> tuple[list[int], int]:
        """Which of many fields hold something wanted or are malformed, and how many prefixes the others hold."""
        left: list[int] = []
        total = 0
        for first in range(0, len(fields), _TOGETHER):
            some = fields[first : first + _TOGETHER]
            suspects, count = self._suspect_fields(some, version)
            total += count
            for place in suspects:
                alone = self.count_unwanted(some[place], 0, len(some[place]), version)
                if alone is None:
                    left.append(first + place)
                else:
                    total += alone
        return left, total

    def _suspect_fields(self, fields: Sequence[bytes], version: int) -> tuple[Iterable[int], int]:
        """Those of a few fields that deserve a closer look, and how many prefixes the others hold."""
        few, cut = (self._suspects_v4, _JOINED_V4) if version == 4 else (self._suspects_v6, _JOINED_V6)
        if few is None:
            return range(len(fields)), 0
        pieces = cut.findall(_BETWEEN.join(fields))
        heads = pieces if version == 4 else list(map(_head_v6, pieces))
        between = pieces.count(_BETWEEN)
        if between != len(fields) - 1:
            # A field has what stands between them, or took some of it.
            return range(len(fields)), 0
        if few.keys().isdisjoint(heads):
            return (), len(pieces) - between
        if _TORN in pieces:
            return range(len(fields)), 0
        suspects: dict[int, None] = {}
        place = 0
        for piece, head in zip(pieces, heads, strict=True):
            if piece == _BETWEEN:
                place += 1
            elif head in few:
                suspects[place] = None
        return suspects, len(pieces) - between - sum(len(cut.findall(fields[place])) for place in suspects)

    def pick(
        self, data: bytes, start: int, end: int, version: int, add_path: bool = False
    ) -> tuple[list[PrefixKey], int]:
        """The wanted prefixes of the field `data[start:end]`, and how many it holds (see `nlri.read_prefixes`).

        :raises NlriError: the field is malformed
        """
        look = self._suspects_in_v4 if version == 4 else self._suspects_in_v6
        found = None if add_path else look(data, start, end)
        if found is None:
            return self._wanted_in(data, start, end, version, add_path)
        suspects, count = found
        return self._wanted_in(suspects, 0, len(suspects), version, False)[0] if suspects else [], count

    def _suspects_in_v4(self, data: bytes, start: int, end: int) -> tuple[bytes, int] | None:
        """The prefixes that deserve a closer look, and how many there are in all; None: it cannot be told."""
        few = self._suspects_v4
        if few is None:
            return None
        pieces = _PIECES_V4.findall(data, start, end)
        suspects = list(filter(few.__contains__, pieces))
        if _has_odd(suspects):
            # Mostly a prefix longer than what is in the set.
            pieces = _ALL_PIECES_V4.findall(data, start, end)
            suspects = [piece for piece in pieces if piece in few or len(piece) == _LONG_PIECE_V4]
        return None if _has_odd(suspects) else (b"".join(suspects), len(pieces))

    def _suspects_in_v6(self, data: bytes, start: int, end: int) -> tuple[bytes, int] | None:
        """As `_suspects_in_v4`."""
        few = self._suspects_v6
        if few is None:
            return None
        pieces = _PIECES_V6.findall(data, start, end)
        if few.keys().isdisjoint(map(_head_v6, pieces)):
            return b"", len(pieces)
        suspects = [piece for piece in pieces if _head_v6(piece) in few]
        return None if _has_odd(suspects) else (b"".join(suspects), len(pieces))

    def _wanted_in(
        self, data: bytes, start: int, end: int, version: int, add_path: bool
    ) -> tuple[list[PrefixKey], int]:
        """As `pick`, by asking for each."""
        keys = read_prefixes(data, start, end, version, add_path)
        wanted = self.wanted
        return [key for key in keys if wanted(version, key)], len(keys)


def _has_odd(pieces: list[bytes]) -> bool:
    """Whether one is what no pattern matched: behind it the field may have been cut in the wrong places."""
    return bool(pieces) and len(min(pieces, key=len)) == 1


def _with_relatives(suspects: _Suspects | None, prefix: Prefix, longest: int, cut: int) -> _Suspects | None:
    """Add what covers the prefix or is inside it, as a message carries it but for the first `cut` bytes.

    What is longer than `longest` bits is not added. None: they are too many.
    """
    length, bits = prefix.prefixlen, prefix.max_prefixlen
    if suspects is None or len(suspects) + (1 << max(longest + 1 - length, 0)) > _MOST_SUSPECTS:
        return None
    first = int(prefix.network_address)
    for covering in range(1, min(length, longest) + 1):
        suspects[_packed(first, covering, bits)[cut:]] = None
    for inside in range(length + 1, longest + 1):
        step = 1 << bits - inside
        behind = first + (1 << bits - length)
        suspects |= dict.fromkeys(_packed(address, inside, bits)[cut:] for address in range(first, behind, step))
    return suspects


def _packed(first: int, length: int, bits: int) -> bytes:
    """The prefix of this length that the address is in, as a message carries it."""
    size = (length + 7) // 8
    return bytes([length]) + (first >> bits - length << 8 * size - length).to_bytes(size, "big")
