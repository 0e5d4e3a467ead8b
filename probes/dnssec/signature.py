"""Whether a zone's keys signed a set of records, and whether a parent's DS records vouch for a zone's keys.

RFC 4034, RFC 4035 sections 5.2 and 5.3, algorithms as RFC 8624 has them for validation. dnspython does the
cryptography of one signature and one key; which pairs are tried, and how many, is decided here: a zone with
many keys of one tag and many signatures would otherwise cost a validator minutes (CVE-2023-50387).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import dns.dnssec
import dns.exception
import dns.name
import dns.rdataset
import dns.rdatatype
import dns.rrset
from dns.dnssectypes import Algorithm, DSDigest
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS
from dns.rdtypes.ANY.RRSIG import RRSIG

from probes.dnssec.verdict import BogusError, InsecureError

ALGORITHMS = frozenset({
    Algorithm.RSASHA1, Algorithm.RSASHA1NSEC3SHA1, Algorithm.RSASHA256, Algorithm.RSASHA512,
    Algorithm.ECDSAP256SHA256, Algorithm.ECDSAP384SHA384, Algorithm.ED25519, Algorithm.ED448,
})  # fmt: skip
"""What a validator must or should support (RFC 8624 section 3.1); a zone with others only counts as unsigned."""

DIGESTS = frozenset({DSDigest.SHA1, DSDigest.SHA256, DSDigest.SHA384})
"""RFC 8624 section 3.3."""

MAX_CHECKS = 100
"""Signatures checked for one verdict; a chain of six zones takes some 20. Unbound allows 16 a set of records."""

_MAX_SIGNATURES = 8  # looked at of one set of records; two during a roll-over is usual
_MAX_KEYS = 64  # looked at of one zone; seven during a roll-over of the root
_MAX_KEYS_OF_A_TAG = 4  # BIND and Unbound chose the same after CVE-2023-50387
_ZONE_KEY, _REVOKED, _PROTOCOL = 0x0100, 0x0080, 3  # RFC 4034 section 2.1, RFC 5011 section 2.1


@dataclass(frozen=True, slots=True)
class ZoneKeys:
    """A zone and the keys that may sign in it."""

    zone: dns.name.Name
    keys: tuple[DNSKEY, ...]


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that holds: until when, and of how many labels the signed owner was (fewer: a wildcard)."""

    expires_at: float
    labels: int


class Checker:
    """Checks signatures at one moment (`now`, Unix seconds), not more than `MAX_CHECKS`, and remembers how
    long those that hold will."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._left = MAX_CHECKS
        self.expires_at: float | None = None

    def check(self, rrset: dns.rrset.RRset, signed: dns.rrset.RRset | None, by: ZoneKeys) -> Signed:
        """The signature among `signed` by which `rrset` is authentic: of those that hold, the last to end.

        :raises BogusError: there is none
        """
        what = f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)}"
        candidates = [sig for sig in signed or () if isinstance(sig, RRSIG) and sig.signer == by.zone]
        if not candidates:
            raise BogusError(f"{what} has no signature by {by.zone}, which is signed")
        candidates.sort(key=lambda sig: sig.expiration, reverse=True)
        problem = BogusError("")
        for sig in candidates[:_MAX_SIGNATURES]:
            try:
                self._check_one(rrset, sig, by, f"{what} by {by.zone} key {sig.key_tag}")
            except BogusError as exc:
                problem = exc if not problem.args[0] else problem
                continue
            self._note(float(sig.expiration))
            return Signed(float(sig.expiration), sig.labels)
        raise problem

    def _check_one(self, rrset: dns.rrset.RRset, sig: RRSIG, by: ZoneKeys, what: str) -> None:
        if sig.expiration < self._now:
            raise BogusError(f"signature of {what} expired", float(sig.expiration))
        if sig.inception > self._now:
            raise BogusError(f"signature of {what} is not valid yet")
        if sig.labels > _labels(rrset.name):
            raise BogusError(f"signature of {what} is for a longer name")
        keys = [key for key in by.keys if key.algorithm == sig.algorithm and dns.dnssec.key_id(key) == sig.key_tag]
        if not keys:
            raise BogusError(f"signature of {what}: the zone has no such key")
        if not any(self._holds(rrset, sig, key, by.zone) for key in keys[:_MAX_KEYS_OF_A_TAG]):
            raise BogusError(f"signature of {what} does not match the records")

    def _holds(self, rrset: dns.rrset.RRset, sig: RRSIG, key: DNSKEY, zone: dns.name.Name) -> bool:
        self._left -= 1
        if self._left < 0:
            raise BogusError(f"more than {MAX_CHECKS} signatures to check")
        keys = dns.rdataset.from_rdata(rrset.ttl, key)
        try:
            dns.dnssec.validate_rrsig(rrset, sig, {zone: keys}, now=self._now)
        except (dns.exception.DNSException, ValueError):
            # ValueError: a public key that is no point of its curve, or a number that is no RSA modulus.
            return False
        return True

    def _note(self, expires_at: float) -> None:
        self.expires_at = expires_at if self.expires_at is None else min(self.expires_at, expires_at)

    def keys_of(
        self,
        zone: dns.name.Name,
        vouched: Sequence[DS],
        keys: dns.rrset.RRset | None,
        signed: dns.rrset.RRset | None,
    ) -> ZoneKeys:
        """The zone's keys, where one that a DS record vouches for has signed them all (RFC 4035 section 5.2).

        :raises InsecureError: no DS record is of an algorithm and a digest that we know
        :raises BogusError: the keys are missing, none is vouched for, or they are not signed by one that is
        """
        usable = _usable(vouched)
        if not usable:
            raise InsecureError(f"{zone} is signed with algorithms that are not supported ({_tags(vouched)})")
        if keys is None:
            raise BogusError(f"{zone} has no DNSKEY records; its parent has DS records {_tags(vouched)}")
        own = [key for key in list(keys)[:_MAX_KEYS] if isinstance(key, DNSKEY) and _may_sign(key)]
        entry = tuple(key for key in own if any(_vouches(ds, zone, key) for ds in usable))
        if not entry:
            raise BogusError(f"no key of {zone} matches the DS records of its parent {_tags(usable)}")
        self.check(keys, signed, ZoneKeys(zone, entry))
        return ZoneKeys(zone, tuple(own))


def _usable(vouched: Sequence[DS]) -> list[DS]:
    known = [ds for ds in vouched if ds.algorithm in ALGORITHMS and ds.digest_type in DIGESTS]
    # RFC 4509 section 3: SHA-1 digests are ignored where there is a better one.
    better = [ds for ds in known if ds.digest_type != DSDigest.SHA1]
    return better or known


def _may_sign(key: DNSKEY) -> bool:
    return bool(key.flags & _ZONE_KEY) and not key.flags & _REVOKED and key.protocol == _PROTOCOL


def _vouches(ds: DS, zone: dns.name.Name, key: DNSKEY) -> bool:
    if ds.algorithm != key.algorithm or ds.key_tag != dns.dnssec.key_id(key):
        return False
    made = dns.dnssec.make_ds(zone, key, DSDigest(ds.digest_type), validating=True)
    return bool(made.digest == ds.digest)


def _tags(vouched: Sequence[DS]) -> str:
    return ", ".join(sorted({f"{ds.key_tag}/{ds.algorithm}" for ds in vouched})[:4])


def _labels(name: dns.name.Name) -> int:
    """Labels as RRSIG counts them: without the root and a leading `*` (RFC 4034 section 3.1.3)."""
    return len(name.labels) - 1 - (name.labels[0] == b"*")
