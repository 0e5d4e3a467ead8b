"""The times of a request in two numbers, and the SQL that takes them out again. Pure.

A column costs SQLite a byte in each row's header, and a number of 2 bytes is 2 bytes however few of its bits are
used; nine times in columns of their own take 28 bytes, in two 63-bit numbers 18. Each time is a `Field`: so many
bits of `way` or `work`, enough for what a healthy exchange takes. What is larger has its upper bits in a third
number, `high`, which nearly every row is without, and what not even those can hold is text. So any value comes
back exactly as it was, small ones in fewer bytes.

A field holds `value + 1 + bias`; all bits zero is a time that was not measured.

`odd` is NULL in nearly every row. Else it is, by its type:

| an integer | `high` |
| a blob     | the digest of a body that came once, and in ASCII its length and, after a comma, `high` |
| a text     | times that fit nowhere else, `high`, such a length and such a digest in hex, each in its place |

A person with sqlite3 sees all of it: taking it out needs shifts, masks and `substr` only (`json_extract`, like a
function of our own, is refused where SQLite does not trust a file's views).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from monitor.history.http_rows import DIGEST_BYTES


@dataclass(frozen=True, slots=True)
class Field:
    """One time, microseconds: `bits` of `word` from `shift` on; of `high`, `high_bits`, signed, from `high_shift`.

    `bias`: how far below zero it goes before it needs them.
    """

    name: str
    word: str
    shift: int
    bits: int
    bias: int
    high_shift: int
    high_bits: int

    @property
    def sql(self) -> str:
        """The time in a row `f` with the columns `way work odd`; NULL where it was not measured."""
        low = f"(f.{self.word} >> {self.shift} & {(1 << self.bits) - 1})"
        half = 1 << self.high_bits - 1
        above = f"(({_HIGH} >> {self.high_shift} & {2 * half - 1}) + {half} & {2 * half - 1}) - {half}"
        code = f"({low} + CASE WHEN f.odd IS NULL THEN 0 ELSE ifnull({above}, 0) * {1 << self.bits} END)"
        odd = _place_sql(NAMES.index(self.name))
        return f"ifnull(nullif({code}, 0) - {1 + self.bias}, {odd})"


_PLACE = 20
"""Characters of each number in the text of `odd`: 63 bits are 19 digits, and a sign."""

_HIGH_PLACE, _LENGTH_PLACE, _DIGEST_PLACE = 9, 10, 11
_TAIL = f"CAST(substr(f.odd, {DIGEST_BYTES + 1}) AS TEXT)"
_HIGH_IN_TAIL = f"CASE WHEN instr({_TAIL}, ',') THEN CAST(substr({_TAIL}, instr({_TAIL}, ',') + 1) AS INTEGER) END"


def _place_sql(place: int) -> str:
    """A number in the text of `odd`; NULL where it is blank, or `odd` is no text."""
    text = f"nullif(trim(substr(f.odd, {place * _PLACE + 1}, {_PLACE})), '')"
    return f"CASE typeof(f.odd) WHEN 'text' THEN CAST({text} AS INTEGER) END"


_HIGH = f"""CASE typeof(f.odd) WHEN 'integer' THEN f.odd WHEN 'blob' THEN {_HIGH_IN_TAIL}
    ELSE {_place_sql(_HIGH_PLACE)} END"""

DIGEST_SQL = f"""CASE typeof(f.odd) WHEN 'blob' THEN substr(f.odd, 1, {DIGEST_BYTES})
    WHEN 'text' THEN nullif(substr(f.odd, {_DIGEST_PLACE * _PLACE + 1}), '') END"""
LENGTH_SQL = f"""CASE WHEN typeof(f.odd) != 'blob' THEN {_place_sql(_LENGTH_PLACE)}
    WHEN {_TAIL} != '' AND {_TAIL} NOT LIKE ',%' THEN CAST({_TAIL} AS INTEGER) END"""
"""The digest and the length of a row's own body."""


class _Width(NamedTuple):
    bits: int
    bias: int
    high_bits: int


# In the order of an exchange. The round trip is up to 262 ms without `high`, up to 4 s with it; what is kept as a
# difference (`over`, `under`) may be below zero: the connection's clock runs in this program, which may be late.
_WORDS: dict[str, dict[str, _Width]] = {
    "way": {
        "connect_us": _Width(18, 0, 5),
        "rtt_over_us": _Width(13, 4096, 7),
        "loop_lag_us": _Width(12, 0, 7),
        "rest_us": _Width(10, 0, 9),
        "receive_us": _Width(10, 0, 12),
    },
    "work": {
        "wait_over_us": _Width(18, 4096, 5),
        "dns_us": _Width(16, 0, 6),
        "tls_over_us": _Width(16, 4096, 6),
        "min_rtt_under_us": _Width(13, 1024, 6),
    },
}


def _fields() -> dict[str, Field]:
    fields: dict[str, Field] = {}
    high_shift = 0
    for word, widths in _WORDS.items():
        shift = 0
        for name, (bits, bias, high_bits) in widths.items():
            fields[name] = Field(name, word, shift, bits, bias, high_shift, high_bits)
            shift += bits
            high_shift += high_bits
    return fields


FIELDS = _fields()

NAMES = (
    "dns_us", "connect_us", "tls_over_us", "wait_over_us", "receive_us", "rest_us", "rtt_over_us",
    "min_rtt_under_us", "loop_lag_us",
)  # fmt: skip
"""In the order in which `pack` takes them."""

_IN_ORDER = tuple(
    (one.word == "way", one.shift, one.bits, (1 << one.bits) - 1, 1 + one.bias, one.high_shift,
     1 << one.high_bits - 1)
    for one in (FIELDS[name] for name in NAMES)
)  # fmt: skip
"""Of each: if it is in `way`; its shift, bits and mask there; what is added; its shift and half in `high`."""


class Packed(NamedTuple):
    """The columns of a row."""

    way: int
    work: int
    odd: int | bytes | str | None


def pack(times: Sequence[int | None], digest: bytes | None, length: int | None) -> Packed:
    """Times in the order of NAMES, microseconds, None: not measured; digest and length of the row's own body."""
    way = work = high = 0
    misfits: dict[int, int] = {}
    for place, (field, time) in enumerate(zip(_IN_ORDER, times, strict=True)):
        if time is None:
            continue
        in_way, shift, bits, mask, added, high_shift, half = field
        code = time + added
        above, low = code >> bits, code & mask
        if not -half <= above < half or not code:
            misfits[place] = time
            continue
        if above:
            high |= (above & 2 * half - 1) << high_shift
        if in_way:
            way |= low << shift
        else:
            work |= low << shift
    return Packed(way, work, _odd(misfits, high, digest, length))


def _odd(misfits: dict[int, int], high: int, digest: bytes | None, length: int | None) -> int | bytes | str | None:
    if misfits:
        if high:
            misfits[_HIGH_PLACE] = high
        if length is not None:
            misfits[_LENGTH_PLACE] = length
        numbers = "".join(f"{misfits.get(place, ''):{_PLACE}}" for place in range(_DIGEST_PLACE))
        return numbers + (digest or b"").hex()
    if digest is None:
        return high or None
    tail = ("" if length is None else str(length)) + (f",{high}" if high else "")
    return digest + tail.encode()
