"""The chain of trust from the root's anchors to an answer, link by link (RFC 4033 to 4035, RFC 5155).

`validate` is a generator and opens nothing: it yields the records it wants next, is sent what a server said,
and returns a verdict. Given the same responses and the same time it returns the same verdict.

Theory of operation. An answer is as true as the least of its sets of records. To check a set, walk from the
root towards the zone that signed it: at each name on the way ask for DS records. Those that the zone above
has signed lead to the keys of the next zone; a signed denial of them tells whether an unsigned zone begins
there (then all below is insecure, which is no fault) or no zone at all (then walk on). Neither is bogus:
somebody removed what should be there. An answer without records must come with a signed denial of its own.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence

import dns.exception
import dns.name
import dns.rdatatype
import dns.rrset
from dns.rdatatype import RdataType
from dns.rdtypes.ANY.DS import DS
from dns.rdtypes.ANY.RRSIG import RRSIG

from probes.dnssec.denial import Cut, Denial
from probes.dnssec.signature import Checker, ZoneKeys
from probes.dnssec.trust_anchor import ROOT_ANCHORS
from probes.dnssec.verdict import (
    BogusError,
    InsecureError,
    Response,
    Status,
    Verdict,
    Wanted,
    signatures,
    upwards,
)

MAX_ALIASES = 16
"""Followed in one answer; dnspython's resolver has the same limit, BIND's is 16."""

_MAX_DENIALS = 16  # NSEC and NSEC3 records looked at of one response; the longest proof needs three

Asking = Generator[Wanted, Response, Verdict]


def validate(
    name: dns.name.Name,
    rdtype: RdataType,
    response: Response,
    *,
    now: float,
    anchors: Sequence[DS] = ROOT_ANCHORS,
    whole: bool = True,
) -> Asking:
    """The verdict on `response` as the answer to a question for `name` and `rdtype` at `now` (Unix seconds).

    Yields what it wants to know: send the `Response` to each. It never wants the same twice. `whole` False:
    the server need not follow aliases into other zones, which an authoritative one cannot.
    """
    chain = _Chain(Checker(now), anchors, whole=whole)
    try:
        reason = yield from chain.judge(name, rdtype, response)
    except InsecureError as exc:
        return Verdict(status=Status.INSECURE, reason=str(exc), expires_at=chain.expires_at)
    except BogusError as exc:
        return Verdict(status=Status.BOGUS, reason=str(exc), expires_at=exc.expires_at)
    return Verdict(status=Status.SECURE, reason=reason, expires_at=chain.expires_at)


class _Chain:
    """The links checked so far."""

    def __init__(self, checker: Checker, anchors: Sequence[DS], *, whole: bool) -> None:
        self._checker = checker
        self._anchors = anchors
        self._whole = whole
        self._zones: dict[dns.name.Name, ZoneKeys] = {}
        self._not_cut: set[dns.name.Name] = set()
        self._asked_again: set[dns.name.Name] = set()

    @property
    def expires_at(self) -> float | None:
        """The earliest end of the signatures that held."""
        return self._checker.expires_at

    def judge(
        self, name: dns.name.Name, rdtype: RdataType, response: Response
    ) -> Generator[Wanted, Response, str]:
        """Check all that the answer consists of; the reason why it is secure.

        :raises InsecureError: a part of it is in an unsigned zone
        :raises BogusError: a part of it is not what its zone signed
        """
        owner = name
        for _ in range(MAX_ALIASES):
            try:
                rrset = response.find(owner, rdtype)
                if rrset is not None:
                    zone = yield from self._check(rrset, response.answer, response.authority)
                    return f"{owner} {dns.rdatatype.to_text(rdtype)} is signed by {zone.zone}"
                target = yield from self._alias(owner, response)
                if target is None:
                    return (yield from self._nothing(owner, rdtype, response, aliased=owner != name))
                owner = target
            except BogusError as broken:
                if owner == name:
                    raise
                response = yield from self._again(owner, rdtype, response, broken)
        raise BogusError(f"more than {MAX_ALIASES} aliases")

    def _again(
        self, owner: dns.name.Name, rdtype: RdataType, response: Response, broken: BogusError
    ) -> Generator[Wanted, Response, Response]:
        """What is said of an alias's target when it is asked for alone, where that is the same.

        What comes along with an alias often lacks proofs, or brings wrong ones (NSD 4.6 behind a DNAME), which
        is why resolvers ask for the target anew. Other records than were said at first remain `broken`.
        """
        if owner in self._asked_again:
            raise broken
        self._asked_again.add(owner)
        fresh = yield Wanted(owner, rdtype)
        if _said(fresh, rdtype) != _said(response, rdtype):
            raise broken
        return fresh

    def _nothing(
        self, owner: dns.name.Name, rdtype: RdataType, response: Response, *, aliased: bool
    ) -> Generator[Wanted, Response, str]:
        """The reason why nothing more is said of `owner`."""
        told = any(one.rdtype == RdataType.SOA for one in response.authority)
        if aliased and not self._whole and not told:
            return f"the alias to {owner} is signed"
        return (yield from self._denied(owner, rdtype, response))

    def _alias(
        self, owner: dns.name.Name, response: Response
    ) -> Generator[Wanted, Response, dns.name.Name | None]:
        """Where the answer's alias for `owner` leads, checked; None where it has none."""
        alias = response.find(owner, RdataType.CNAME)
        for above in upwards(owner):
            dname = response.find(above, RdataType.DNAME)
            if dname is None or above == owner:
                continue
            # The CNAME beside a DNAME is made up on the spot and not signed (RFC 6672 section 5.3.1).
            yield from self._check(dname, response.answer, response.authority)
            return _below(owner, above, dname[0].target)
        if alias is None:
            return None
        yield from self._check(alias, response.answer, response.authority)
        target: dns.name.Name = alias[0].target
        return target

    def _check(
        self,
        rrset: dns.rrset.RRset,
        section: tuple[dns.rrset.RRset, ...],
        authority: tuple[dns.rrset.RRset, ...],
    ) -> Generator[Wanted, Response, ZoneKeys]:
        """The zone that signed `rrset`, once the signature holds."""
        signed = signatures(section, rrset)
        from_parent = rrset.rdtype == RdataType.DS and rrset.name != dns.name.root
        zone = yield from self._zone_of(_signer(signed, rrset.name.parent() if from_parent else rrset.name))
        good = self._checker.check(rrset, signed, zone)
        if good.labels < len(rrset.name.labels) - 1 - (rrset.name.labels[0] == b"*"):
            denial = self._authentic(authority, zone)
            if not denial.no_closer(rrset.name, good.labels):
                raise BogusError(
                    f"{rrset.name} comes from a wildcard, and no proof says that it has no own records"
                )
        return zone

    def _denied(
        self, name: dns.name.Name, rdtype: RdataType, response: Response
    ) -> Generator[Wanted, Response, str]:
        """The reason why it is proven that there is nothing to answer."""
        signed = [sig for one in response.authority if one.rdtype == RdataType.RRSIG for sig in one]
        zone = yield from self._zone_of(_signer(signed, name))
        denial = self._authentic(response.authority, zone)
        if response.exists and denial.no_type(name, rdtype):
            return f"{zone.zone} proves that {name} has no {dns.rdatatype.to_text(rdtype)}"
        if not response.exists and denial.no_name(name):
            return f"{zone.zone} proves that {name} does not exist"
        claim = f"has no {dns.rdatatype.to_text(rdtype)}" if response.exists else "does not exist"
        raise BogusError(f"no proof that {name} {claim}; its zone {zone.zone} is signed")

    def _zone_of(self, name: dns.name.Name) -> Generator[Wanted, Response, ZoneKeys]:
        """The zone that `name` is in, with its keys, reached from the root.

        :raises InsecureError: the chain ends above it
        :raises BogusError: the chain is broken above it
        """
        zone = yield from self._keys(dns.name.root, self._anchors)
        for child in list(upwards(name))[-2::-1]:
            if child in self._not_cut:
                continue
            if child not in self._zones:
                yield from self._step(zone, child)
            zone = self._zones.get(child, zone)
        return zone

    def _step(self, zone: ZoneKeys, child: dns.name.Name) -> Generator[Wanted, Response, None]:
        """From `zone` to the next name below it: a signed zone begins there, or none does."""
        response = yield Wanted(child, RdataType.DS)
        vouched = response.find(child, RdataType.DS)
        if vouched is not None:
            self._checker.check(vouched, signatures(response.answer, vouched), zone)
            yield from self._keys(child, [ds for ds in vouched if isinstance(ds, DS)])
            return
        alias = response.find(child, RdataType.CNAME)
        if alias is not None:
            self._checker.check(alias, signatures(response.answer, alias), zone)
        else:
            self._no_cut(zone, child, response)
        self._not_cut.add(child)

    def _no_cut(self, zone: ZoneKeys, child: dns.name.Name, response: Response) -> None:
        match self._authentic(response.authority, zone).no_ds(child):
            case Cut.UNSIGNED:
                raise InsecureError(f"{zone.zone} delegates {child} without DS records")
            case Cut.UNPROVEN:
                raise BogusError(f"{zone.zone} is signed, and no proof says that {child} has no DS records")
            case Cut.NONE:
                pass

    def _keys(self, zone: dns.name.Name, vouched: Sequence[DS]) -> Generator[Wanted, Response, ZoneKeys]:
        if zone not in self._zones:
            response = yield Wanted(zone, RdataType.DNSKEY)
            keys = response.find(zone, RdataType.DNSKEY)
            signed = None if keys is None else signatures(response.answer, keys)
            self._zones[zone] = self._checker.keys_of(zone, vouched, keys, signed)
        return self._zones[zone]

    def _authentic(self, authority: tuple[dns.rrset.RRset, ...], zone: ZoneKeys) -> Denial:
        """The denial by those NSEC and NSEC3 records that the zone signed; others are another zone's to prove
        another thing with, where aliases lead from zone to zone, and prove nothing here.

        :raises BogusError: one of them is signed wrongly: what an attacker, or time, did to it
        """
        records = []
        for one in authority:
            signed = signatures(authority, one)
            if one.rdtype in (RdataType.NSEC, RdataType.NSEC3) and zone.zone in _signers(signed):
                self._checker.check(one, signed, zone)
                records.append(one)
        return Denial(zone.zone, records[:_MAX_DENIALS])


def _said(response: Response, rdtype: RdataType) -> tuple[bool, frozenset[object]]:
    """Whether the name exists, and the records of that type with their owners."""
    records = [(rrset.name, rdata) for rrset in response.answer if rrset.rdtype == rdtype for rdata in rrset]
    return response.exists, frozenset(records)


def _signers(signed: Iterable[object] | None) -> list[dns.name.Name]:
    return [sig.signer for sig in signed or () if isinstance(sig, RRSIG)]


def _signer(signed: Iterable[object] | None, name: dns.name.Name) -> dns.name.Name:
    """The name that the walk has to reach: the signer's, where it can have signed `name`, else `name` itself.

    It is a hint that saves questions: the zone found there must have signed, whatever the hint was.
    """
    signers = [signer for signer in _signers(signed) if name.is_subdomain(signer)]
    return max(signers, key=lambda signer: len(signer.labels)) if signers else name


def _below(name: dns.name.Name, old: dns.name.Name, new: dns.name.Name) -> dns.name.Name:
    """`name` with its ending `old` replaced by `new` (RFC 6672 section 2.2)."""
    try:
        return name.relativize(old).derelativize(new)
    except dns.name.NameTooLong as exc:
        raise BogusError(f"{name} becomes too long below {new}") from exc
