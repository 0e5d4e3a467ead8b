"""What NSEC (RFC 4034 section 4) and NSEC3 (RFC 5155) records prove of names and types that are not there.

The records given here are authentic already; this module only asks what follows from them. Three questions
are answered: has a name DS records, does a name exist, has it a type. Both kinds of record answer by "this
one is here, with these types" (match) and by "nothing is between these two" (cover).

A record from the parent's side of a zone cut (NS without SOA in its types), or of a name with DNAME, knows
nothing of names below its owner: RFC 6840 section 4.1 and RFC 5155 section 8.3 tell of the attack.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

import dns.dnssec
import dns.name
import dns.rrset
from dns.rdatatype import RdataType
from dns.rdtypes.ANY.NSEC import NSEC
from dns.rdtypes.ANY.NSEC3 import NSEC3

from probes.dnssec.verdict import InsecureError, upwards

MAX_ITERATIONS = 150
"""Of an NSEC3 hash, beyond which a zone counts as unsigned (RFC 9276 section 3.2): the limit that BIND and Unbound
chose in 2021. RFC 9276 has zones use 0."""

_OPT_OUT = 1
_SHA1 = 1


class Cut(Enum):
    """What is proven of a name that has no DS records."""

    UNSIGNED = auto()
    """A zone begins there, or may begin there (opt-out), and it is not signed."""
    NONE = auto()
    """No zone begins there; the name may exist or not."""
    UNPROVEN = auto()


Point = tuple[bytes, ...]
"""A place in the order of a zone: a name's labels from the root down, in lower case, which compare as RFC 4034
section 6.1 has it; or a hash, alone."""


@dataclass(frozen=True, slots=True)
class _Range:
    """One record: it stands for `start`, has these types, and nothing is from there to `end`."""

    owner: dns.name.Name
    start: Point
    end: Point
    types: tuple[tuple[int, bytes], ...]
    opt_out: bool = False

    def has(self, *rdtypes: RdataType) -> bool:
        return any(_in_bitmap(self.types, rdtype) for rdtype in rdtypes)

    @property
    def knows_below(self) -> bool:
        """Whether it may deny names below its owner."""
        return not self.has(RdataType.DNAME) and not (self.has(RdataType.NS) and not self.has(RdataType.SOA))

    def covers(self, point: Point) -> bool:
        """Between the two ends; the last record of a zone wraps round to its first."""
        if self.start < self.end:
            return self.start < point < self.end
        return point > self.start or point < self.end


class Denial:
    """The denial that the authentic NSEC and NSEC3 records of `zone` amount to.

    :raises InsecureError: NSEC3 with a hash that we do not know, or more iterations than `MAX_ITERATIONS`
    """

    def __init__(self, zone: dns.name.Name, records: Iterable[dns.rrset.RRset]) -> None:
        self._zone = zone
        listed = [(rrset.name, rdata) for rrset in records for rdata in rrset]
        self._names = [
            _Range(owner, _place(owner), _place(one.next), one.windows)
            for owner, one in listed
            if isinstance(one, NSEC) and owner.is_subdomain(zone)
        ]
        hashed = [
            (owner, one) for owner, one in listed if isinstance(one, NSEC3) and owner.labels[1:] == zone.labels
        ]
        self._parameters = _parameters(hashed)
        self._hashes = [
            _Range(owner, (_from_base32(owner.labels[0]),), (one.next,), one.windows, bool(one.flags & _OPT_OUT))
            for owner, one in hashed
            if (one.algorithm, one.iterations, one.salt) == self._parameters
        ]
        self._known: dict[dns.name.Name, Point] = {}

    def no_ds(self, name: dns.name.Name) -> Cut:
        """What is proven of a cut at `name`, which is below the zone's apex (RFC 4035 section 5.2)."""
        match = self._match(name)
        if match is not None:
            if match.has(RdataType.DS, RdataType.SOA):  # SOA: the record is from the child's side
                return Cut.UNPROVEN
            return Cut.UNSIGNED if match.has(RdataType.NS) else Cut.NONE
        return self._uncovered_cut(name)

    def _uncovered_cut(self, name: dns.name.Name) -> Cut:
        if self._hashes:
            cover = self._next_closer_cover(name)
            if cover is None:
                return Cut.UNPROVEN
            return Cut.UNSIGNED if cover.opt_out else Cut.NONE
        # Where the name is an empty non-terminal, a cover proves no less that no zone begins there.
        return Cut.UNPROVEN if self._cover(name) is None else Cut.NONE

    def no_name(self, name: dns.name.Name) -> bool:
        """Whether it is proven that `name` does not exist, and that no wildcard stands for it.

        :raises InsecureError: it may exist in an unsigned zone that was left out of the chain (opt-out)
        """
        encloser = self._encloser(name)
        if encloser is None or self._is_empty_non_terminal(name):
            return False
        cover = self._next_closer_cover(name)
        wildcard = _wildcard(encloser)
        if cover is None or (self._cover(wildcard) is None):
            return False
        if cover.opt_out:
            raise InsecureError(f"{self._zone} leaves unsigned delegations out of its proofs (NSEC3 opt-out)")
        return True

    def no_type(self, name: dns.name.Name, rdtype: RdataType) -> bool:
        """Whether it is proven that `name`, or the wildcard that stands for it, has no records of that type.

        :raises InsecureError: as `no_name`
        """
        match = self._match(name)
        if match is not None:
            from_parent = match.has(RdataType.NS) and not match.has(RdataType.SOA)
            return not match.has(rdtype, RdataType.CNAME) and (rdtype == RdataType.DS or not from_parent)
        if self._is_empty_non_terminal(name):
            return True
        encloser, cover = self._encloser(name), self._next_closer_cover(name)
        if encloser is None or cover is None:
            return False
        standing = self._match(_wildcard(encloser))
        if standing is not None:
            return not standing.has(rdtype, RdataType.CNAME)
        if cover.opt_out:
            raise InsecureError(f"{self._zone} leaves unsigned delegations out of its proofs (NSEC3 opt-out)")
        return False

    def no_closer(self, name: dns.name.Name, labels: int) -> bool:
        """Whether it is proven that nothing stands between `name` and its ancestor of so many labels, so that
        the wildcard below that ancestor may stand for `name` (RFC 4035 section 5.3.4)."""
        next_closer = name.split(labels + 2)[1]
        return self._cover(next_closer) is not None and not self._is_empty_non_terminal(next_closer)

    def _match(self, name: dns.name.Name) -> _Range | None:
        for one in self._names:
            if one.start == _place(name):
                return one
        return next((one for one in self._hashes if one.start == self._hash(name)), None)

    def _cover(self, name: dns.name.Name) -> _Range | None:
        for one in self._names:
            if one.covers(_place(name)) and (one.knows_below or not name.is_subdomain(one.owner)):
                return one
        return next((one for one in self._hashes if one.covers(self._hash(name))), None)

    def _encloser(self, name: dns.name.Name) -> dns.name.Name | None:
        """The closest ancestor of `name` that is proven to exist; None where that is not proven."""
        if self._hashes:
            for ancestor in list(upwards(name, self._zone))[1:]:
                match = self._match(ancestor)
                if match is not None:
                    return ancestor if match.knows_below else None
            return None
        cover = self._cover(name)
        if cover is None:
            return None
        # Both ends of the range exist, and so do all names above them (RFC 4592 section 2.2.2).
        shared = max(_shared(_place(name), cover.start), _shared(_place(name), cover.end))
        encloser = name.split(shared)[1]
        return encloser if encloser.is_subdomain(self._zone) else None

    def _next_closer_cover(self, name: dns.name.Name) -> _Range | None:
        """What covers the name one label below the closest encloser; with NSEC, what covers the name."""
        if not self._hashes:
            return self._cover(name)
        encloser = self._encloser(name)
        return None if encloser is None else self._cover(name.split(len(encloser.labels) + 1)[1])

    def _is_empty_non_terminal(self, name: dns.name.Name) -> bool:
        """With NSEC: nothing stands at `name`, but the next name is below it, so it exists."""
        place = _place(name)
        return any(one.covers(place) and one.end[: len(place)] == place for one in self._names)

    def _hash(self, name: dns.name.Name) -> Point:
        if name not in self._known:
            algorithm, iterations, salt = self._parameters
            text = dns.dnssec.nsec3_hash(name, salt, iterations, algorithm)
            self._known[name] = (base64.b32hexdecode(text),)
        return self._known[name]


def _parameters(hashed: list[tuple[dns.name.Name, NSEC3]]) -> tuple[int, int, bytes]:
    """Algorithm, iterations and salt of the first record; RFC 5155 section 8.2 has others passed over."""
    if not hashed:
        return _SHA1, 0, b""
    owner, first = hashed[0]
    if first.algorithm != _SHA1 or first.iterations > MAX_ITERATIONS:
        raise InsecureError(
            f"{owner.parent()} hashes names by algorithm {first.algorithm} in {first.iterations} iterations"
        )
    return first.algorithm, first.iterations, first.salt


def _from_base32(label: bytes) -> bytes:
    """The hash that an owner's first label stands for; a label that is none stands for nothing."""
    try:
        return base64.b32hexdecode(label.upper() + b"=" * (-len(label) % 8))
    except ValueError:
        return label


def _place(name: dns.name.Name) -> Point:
    return tuple(reversed(name.canonicalize().labels))


def _shared(one: Point, other: Point) -> int:
    """How many labels the two begin with alike."""
    return next(
        (count for count, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _in_bitmap(windows: tuple[tuple[int, bytes], ...], rdtype: RdataType) -> bool:
    window, position = divmod(int(rdtype), 256)
    octet, bit = divmod(position, 8)
    return any(
        number == window and octet < len(bitmap) and bool(bitmap[octet] & (0x80 >> bit))
        for number, bitmap in windows
    )


def _wildcard(encloser: dns.name.Name) -> dns.name.Name:
    """`*` below that name; the name itself where it is too long to have one (then nothing can stand there)."""
    try:
        return dns.name.Name((b"*", *encloser.labels))
    except dns.name.NameTooLong:
        return encloser
