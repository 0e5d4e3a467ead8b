"""Validity of a route's origin against validated ROA payloads (RFC 6811), read from validators' JSON.

Reads what rpki-client, Routinator, OctoRPKI and StayRTR write: an object with `roas`, or the bare list;
`asn` as a number or `AS123`. Where the file comes from is `sources`' business. Pure; it is told the time.

Theory of operation: 600,000 VRPs are kept as one packed integer each, ordered by prefix. Those that cover a
route are found by `PrefixRanges` from the most specific one outwards; only these few become values.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec

from monitor.bgp.prefix_key import BITS, key_at, parse_place, prefix_of
from monitor.bgp.prefix_ranges import NONE, PrefixRanges
from monitor.model import Asn, Prefix, Validity, ValidityResult, Vrp, VrpChange, parse_asn

_KEPT_ERRORS = 8
_MAX_ANCHORS = 255
"""Trust anchors told apart by name: there are five, and local exceptions. Further ones go unnamed."""
_MAX_ANCHOR_NAME = 64

# A packed VRP, from the lowest bit: trust anchor, origin, maximum length, prefix length, first address. All but
# the address is the payload, which fits into a machine word.
_ANCHOR_BITS, _ASN_BITS, _LENGTH_BITS = 8, 32, 8
_MAX_LENGTH_AT = _ANCHOR_BITS + _ASN_BITS
_LENGTH_AT = _MAX_LENGTH_AT + _LENGTH_BITS
_PAYLOAD_BITS = _LENGTH_AT + _LENGTH_BITS
_ANCHOR_MASK, _ASN_MASK, _LENGTH_MASK = (1 << _ANCHOR_BITS) - 1, (1 << _ASN_BITS) - 1, (1 << _LENGTH_BITS) - 1

# Looked up in their class they would cost a tenth of a check.
_VALID, _INVALID = Validity.VALID, Validity.INVALID
_UNKNOWN = ValidityResult(Validity.UNKNOWN)
_NOT_FOUND = ValidityResult(Validity.NOT_FOUND)
# `Asn` is a call that returns what it is given.
_make_vrp: Callable[..., Vrp] = Vrp


class VrpError(ValueError):
    """The bytes are not a list of VRPs."""


class _Roa(msgspec.Struct):
    """One entry; `maxLength` may be absent (the prefix's own length then) and a number in text."""

    prefix: str
    asn: int | str
    maxLength: int | str | None = None  # noqa: N815  the validators' spelling
    ta: str = ""
    expires: int | None = None


class _Metadata(msgspec.Struct):
    """When the export was made: Routinator's and StayRTR's words for it, and rpki-client's."""

    generated: int | None = None
    buildtime: str | None = None


class _Export(msgspec.Struct):
    roas: list[msgspec.Raw]
    metadata: msgspec.Raw = msgspec.Raw(b"{}")


_EXPORT = msgspec.json.Decoder(_Export)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ROA = msgspec.json.Decoder(_Roa)
_METADATA = msgspec.json.Decoder(_Metadata)


class VrpTable:
    """VRPs by prefix. `bad`: entries that were passed over; `errors`: why, the first few.

    `made_at`: when the validator wrote them, Unix seconds; None: nobody said. Older than `max_age_s` they stay
    in force, since the last known ROAs are better than none, but `stale_s` says so; None: they never are.

    An empty table answers `unknown`: there was nobody to ask, which is not `not-found`.
    """

    def __init__(self, made_at: float | None = None, max_age_s: float | None = None) -> None:
        self.made_at = made_at
        self.max_age_s = max_age_s
        self.bad = 0
        self.errors: list[str] = []
        self._families = {4: _Family(4, []), 6: _Family(6, [])}
        self._count = 0
        self._anchors: list[str] = [""]
        self._expiries = array("Q")

    def __len__(self) -> int:
        return self._count

    @classmethod
    def from_json(cls, data: bytes, *, made_at: float | None = None, max_age_s: float | None = None) -> VrpTable:
        """Read a validator's JSON; an entry that is none is counted, not fatal.

        `made_at` is taken where the export does not say it itself.

        :raises VrpError: neither an object with `roas` nor a list
        """
        entries, said_at = _entries(data)
        table = cls(made_at if said_at is None else said_at, max_age_s)
        anchors = {"": 0}
        expiries: list[int] = []
        packed: dict[int, list[int]] = {4: [], 6: []}
        for number, raw in enumerate(entries):
            try:
                roa = _ROA.decode(raw)
                version, entry = _packed(roa, anchors)
            except (ValueError, msgspec.MsgspecError, RecursionError) as error:
                table._note(number, error)
                continue
            packed[version].append(entry)
            if roa.expires is not None and 0 <= roa.expires < 1 << 64:
                expiries.append(roa.expires)
        table._anchors = list(anchors)
        table._expiries = array("Q", sorted(expiries))
        table._families = {version: _Family(version, found) for version, found in packed.items()}
        table._count = sum(map(len, table._families.values()))
        return table

    def validate(self, prefix: Prefix, origin: Asn | None) -> ValidityResult:
        """RFC 6811 section 2 for a route; `origin` None: its path ends in an AS_SET, which nothing matches."""
        length = prefix.prefixlen
        found = self._families[prefix.version].covering(int(prefix.network_address), length)
        if found:
            return self._judged(prefix, length, origin, found)
        return _NOT_FOUND if self._count else _UNKNOWN

    def stale_s(self, now: float) -> float | None:
        """The age at `now` of VRPs that are older than they may be, in seconds; None: fresh, or of unknown age."""
        if self.made_at is None or self.max_age_s is None or now - self.made_at <= self.max_age_s:
            return None
        return now - self.made_at

    def expired(self, now: float) -> int:
        """How many entries say that they expired before `now`: rpki-client and Routinator note it for each."""
        return bisect_right(self._expiries, max(int(now), 0))

    def vrps(self) -> Iterator[Vrp]:
        """Every VRP: IPv4 first, in order of address, length, maximum length and origin."""
        for version, family in self._families.items():
            for first, payload in family.entries():
                prefix = prefix_of(version, key_at(version, first, payload >> _LENGTH_AT))
                yield self._vrp(prefix, payload)

    def changes_since(
        self, before: VrpTable, wanted: Callable[[Prefix], bool], at: float
    ) -> tuple[VrpChange, ...]:
        """What came and went since `before`, of the prefixes that are wanted; a new trust anchor is no change.

        `at` is when we learned of it, Unix seconds.

        Takes seconds for whole tables, and 100 MB while it runs: not for an event loop.
        """
        changes: list[VrpChange] = []
        for version, family in self._families.items():
            now, then = family.packed(), before._families[version].packed()
            for entry in sorted(now ^ then):
                length = entry >> _LENGTH_AT & _LENGTH_MASK
                prefix = prefix_of(version, key_at(version, entry >> _PAYLOAD_BITS, length))
                if wanted(prefix):
                    vrp = Vrp(prefix, entry >> _MAX_LENGTH_AT & _LENGTH_MASK, _asn(entry))
                    changes.append(VrpChange(at=at, vrp=vrp, added=entry in now))
        return tuple(changes)

    def _note(self, number: int, error: Exception) -> None:
        self.bad += 1
        if len(self.errors) < _KEPT_ERRORS:
            self.errors.append(f"entry {number}: {str(error)[:120]!a}")

    def _judged(self, prefix: Prefix, length: int, origin: Asn | None, found: list[int]) -> ValidityResult:
        """Every VRP whose prefix covers the route's is covering; valid if one has its origin and length.

        AS 0 matches no route (RFC 6483 section 4), so that its VRPs can only make one invalid.
        """
        matched: tuple[Vrp, ...] = ()
        wrong_origin: tuple[Vrp, ...] = ()
        wrong_length: tuple[Vrp, ...] = ()
        for payload in found:
            wide = payload >> _LENGTH_AT
            vrp = self._vrp(prefix if wide == length else _around(prefix, wide), payload)
            if vrp.asn != origin or not origin:
                wrong_origin += (vrp,)
            elif length > vrp.max_length:
                wrong_length += (vrp,)
            else:
                matched += (vrp,)
        return ValidityResult(_VALID if matched else _INVALID, matched, wrong_origin, wrong_length)

    def _vrp(self, prefix: Prefix, payload: int) -> Vrp:
        return _make_vrp(
            prefix, payload >> _MAX_LENGTH_AT & _LENGTH_MASK, payload >> _ANCHOR_BITS & _ASN_MASK,
            self._anchors[payload & _ANCHOR_MASK],
        )  # fmt: skip


class _Family:
    """The VRPs of one IP version: prefixes, and the payloads of each behind each other."""

    def __init__(self, version: int, packed: list[int]) -> None:
        """Take packed VRPs; those of several ROAs or trust anchors are one."""
        packed.sort()
        self._ranges = PrefixRanges(version)
        self._payloads = array("Q")
        self._starts = array("I", [0])
        firsts: list[int] = []
        lengths = array("B")
        before, known = -1, -1
        for entry in packed:
            place = entry >> _LENGTH_AT
            if entry >> _ANCHOR_BITS == known:
                continue
            known = entry >> _ANCHOR_BITS
            if place != before:
                before = place
                self._starts.append(len(self._payloads))
                firsts.append(place >> _LENGTH_BITS)
                lengths.append(place & _LENGTH_MASK)
            self._payloads.append(entry & (1 << _PAYLOAD_BITS) - 1)
        self._starts.append(len(self._payloads))
        self._ranges.fill(firsts, lengths)

    def __len__(self) -> int:
        return len(self._payloads)

    def covering(self, first: int, length: int) -> list[int]:
        """The payloads of the prefixes that cover the one of that place, those of the most specific one first."""
        found: list[int] = []
        ranges, starts, payloads = self._ranges, self._starts, self._payloads
        number = ranges.find(first)
        while number != NONE:
            start, end = starts[number], starts[number + 1]
            payload = payloads[start]
            if payload >> _LENGTH_AT <= length:
                found.append(payload)
                if end - start > 1:
                    found += payloads[start + 1 : end]
            number = ranges.parents[number]
        return found

    def entries(self) -> Iterator[tuple[int, int]]:
        """First address and payload of each VRP, in order."""
        for number, first in enumerate(self._ranges.starts(), 1):
            for payload in self._payloads[self._starts[number] : self._starts[number + 1]]:
                yield first, payload

    def packed(self) -> set[int]:
        """Every VRP packed as it came, but for its trust anchor."""
        return {
            first << _PAYLOAD_BITS | payload >> _ANCHOR_BITS << _ANCHOR_BITS for first, payload in self.entries()
        }


def _around(prefix: Prefix, length: int) -> Prefix:
    """The prefix of that length that covers a longer one."""
    version = prefix.version
    return prefix_of(version, key_at(version, int(prefix.network_address), length))


def _asn(packed: int) -> Asn:
    return Asn(packed >> _ANCHOR_BITS & _ASN_MASK)


def _entries(data: bytes) -> tuple[list[msgspec.Raw], float | None]:
    """The entries, and when the export says that it was made."""
    try:
        if data.lstrip()[:1] == b"[":
            return _LIST.decode(data), None
        export = _EXPORT.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise VrpError(f"not a validator's JSON: {str(error)[:120]!a}") from error
    return export.roas, _made_at(export.metadata)


def _made_at(metadata: msgspec.Raw) -> float | None:
    """Unix seconds; None where it is not said, or is the zero of a validator that has not run yet."""
    try:
        said = _METADATA.decode(metadata)
        if said.generated is not None:
            return float(said.generated) if said.generated > 0 else None
        return datetime.fromisoformat(said.buildtime).timestamp() if said.buildtime else None
    except (ValueError, OverflowError, msgspec.MsgspecError, RecursionError):
        return None


def _packed(roa: _Roa, anchors: dict[str, int]) -> tuple[int, int]:
    """IP version and the packed form of one entry.

    :raises ValueError: it is no VRP, or its maximum length is outside its prefix's (RFC 6482 section 3.3)
    """
    version, first, length = parse_place(roa.prefix)
    max_length = length if roa.maxLength is None else int(roa.maxLength)
    if not length <= max_length <= BITS[version]:
        raise ValueError(f"maxLength {max_length} not in {length}..{BITS[version]}")
    payload = max_length << _MAX_LENGTH_AT | parse_asn(roa.asn) << _ANCHOR_BITS | _anchor_number(roa.ta, anchors)
    return version, first << _PAYLOAD_BITS | length << _LENGTH_AT | payload


def _anchor_number(name: str, anchors: dict[str, int]) -> int:
    number = anchors.get(name)
    if number is None:
        if len(name) > _MAX_ANCHOR_NAME or not name.isprintable() or len(anchors) > _MAX_ANCHORS:
            return 0
        number = anchors[name] = len(anchors)
    return number
