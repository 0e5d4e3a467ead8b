"""Validity of a route's origin against validated ROA payloads (RFC 6811), read from validators' JSON.

Reads what rpki-client, Routinator, OctoRPKI and StayRTR write: an object with `roas`, or the bare list;
`asn` as a number or `AS123`. Where the file comes from is `sources`' business. Pure.
"""

from __future__ import annotations

import msgspec

from monitor.bgp.prefix_key import BITS, PrefixKey, key_of, parse_key, prefix_of
from monitor.model import Asn, Prefix, Validity, ValidityResult, Vrp, parse_asn

_MEMO_SIZE = 100_000
_KEPT_ERRORS = 8


class VrpError(ValueError):
    """The bytes are not a list of VRPs."""


class _Roa(msgspec.Struct):
    """One entry; `maxLength` may be absent (the prefix's own length then) and a number in text."""

    prefix: str
    asn: int | str
    maxLength: int | str | None = None  # noqa: N815  the validators' spelling


class _Export(msgspec.Struct):
    roas: list[msgspec.Raw]


_EXPORT = msgspec.json.Decoder(_Export)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ROA = msgspec.json.Decoder(_Roa)

_Payload = tuple[int, Asn]
"""Maximum length and origin; the prefix is the key under which it is kept."""


class VrpTable:
    """VRPs by prefix. `bad`: entries that were passed over; `errors`: why, the first few.

    An empty table answers `unknown`: there was nobody to ask, which is not `not-found`.
    """

    def __init__(self, vrps: dict[tuple[int, PrefixKey], tuple[_Payload, ...]] | None = None) -> None:
        self.bad = 0
        self.errors: list[str] = []
        self._vrps = vrps or {}
        self._count = sum(map(len, self._vrps.values()))
        self._memo: dict[tuple[int, PrefixKey, Asn], ValidityResult] = {}

    def __len__(self) -> int:
        return self._count

    @classmethod
    def from_json(cls, data: bytes) -> VrpTable:
        """Read a validator's JSON; an entry that is none is counted, not fatal.

        :raises VrpError: neither an object with `roas` nor a list
        """
        vrps: dict[tuple[int, PrefixKey], tuple[_Payload, ...]] = {}
        errors: list[str] = []
        bad = 0
        for number, raw in enumerate(_entries(data)):
            try:
                which, payload = _vrp(raw)
            except (ValueError, msgspec.MsgspecError, RecursionError) as error:
                bad += 1
                if len(errors) < _KEPT_ERRORS:
                    errors.append(f"entry {number}: {str(error)[:120]!a}")
                continue
            known = vrps.get(which, ())
            # The same payload can come from several ROAs and trust anchors.
            if payload not in known:
                vrps[which] = (*known, payload)
        table = cls(vrps)
        table.bad, table.errors = bad, errors
        return table

    def validate(self, prefix: Prefix, origin: Asn | None) -> ValidityResult:
        """RFC 6811 section 2 for a route; `origin` None: its path ends in an AS_SET, which nothing matches."""
        if not self._vrps:
            return ValidityResult(Validity.UNKNOWN)
        asked = (prefix.version, key_of(prefix), Asn(-1) if origin is None else origin)
        result = self._memo.get(asked)
        if result is None:
            if len(self._memo) >= _MEMO_SIZE:
                self._memo.clear()
            result = self._memo[asked] = self._validate(*asked)
        return result

    def _validate(self, version: int, key: PrefixKey, origin: Asn) -> ValidityResult:
        """Every VRP whose prefix covers the route's is covering; valid if one has its origin and length.

        AS 0 matches no route (RFC 6483 section 4), so that its VRPs can only make one invalid.
        """
        length = key.bit_length() - 1
        matched: list[Vrp] = []
        wrong_origin: list[Vrp] = []
        wrong_length: list[Vrp] = []
        while key:
            for max_length, asn in self._vrps.get((version, key), ()):
                vrp = Vrp(prefix_of(version, key), max_length, asn)
                if asn != origin or asn == 0:
                    wrong_origin.append(vrp)
                elif length > max_length:
                    wrong_length.append(vrp)
                else:
                    matched.append(vrp)
            key >>= 1
        covered = wrong_origin or wrong_length
        state = Validity.VALID if matched else Validity.INVALID if covered else Validity.NOT_FOUND
        return ValidityResult(state, tuple(matched), tuple(wrong_origin), tuple(wrong_length))


def _entries(data: bytes) -> list[msgspec.Raw]:
    try:
        return _LIST.decode(data) if data.lstrip()[:1] == b"[" else _EXPORT.decode(data).roas
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise VrpError(f"not a validator's JSON: {str(error)[:120]!a}") from error


def _vrp(raw: msgspec.Raw) -> tuple[tuple[int, PrefixKey], _Payload]:
    """:raises ValueError: the entry is no VRP, or its maximum length is outside its prefix's (RFC 6482 §3.3)."""
    roa = _ROA.decode(raw)
    version, key = parse_key(roa.prefix)
    length = key.bit_length() - 1
    max_length = length if roa.maxLength is None else int(roa.maxLength)
    if not length <= max_length <= BITS[version]:
        raise ValueError(f"maxLength {max_length} not in {length}..{BITS[version]}")
    return (version, key), (max_length, parse_asn(roa.asn))
