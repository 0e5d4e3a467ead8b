"""Whether a resolver's answer can be what the zone's own servers mean: same, plausibly other, or contradicting.

A balanced or mirrored service answers everybody differently, so different addresses prove nothing. An answer
counts as the same when each of its addresses is one of theirs, or near one of theirs: same prefix, same AS,
same certificate. What is left may still have an innocent reason (an answer made for the client's network, an
alias into somebody else's network, a cache, servers that disagree among themselves), and only what has none
contradicts. RFC 7871 and the experience of OONI's and Satellite's comparisons are behind the order of the
rules. Pure: the look-ups are the caller's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitor.model.prefix import as_address, contains, parse_prefix
from probes.observation import DnsObservation, Failure

SAME_PREFIX = {4: 24, 6: 48}
"""Lengths of the longest prefixes that BGP carries everywhere: one operator's, at one place."""

_ADDRESS_TYPES = ("A", "AAAA")
_SAYS_NOTHING = (Failure.DNS_NXDOMAIN, Failure.DNS_NO_ANSWER)

Networks = Callable[[str], Collection[int]]
"""An address to the AS numbers that originate it; empty when it is not known."""

Certificate = Callable[[str], str | None]
"""An address to the hash of the certificate or key that was seen there; None when it is not known."""


class Agreement(StrEnum):
    """How a resolver's answer stands to those of the zone's own servers."""

    SAME = "same"
    DIFFERS_PLAUSIBLY = "differs_plausibly"
    CONTRADICTS = "contradicts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`reason` says what decided it; `foreign` are the answers that nothing of the zone's own vouches for."""

    agreement: Agreement
    reason: str
    foreign: tuple[str, ...] = ()


def compare(
    recursive: DnsObservation,
    authoritative: Sequence[DnsObservation],
    *,
    networks: Networks = lambda address: (),
    certificate: Certificate = lambda address: None,
    earlier: Collection[str] = (),
) -> Comparison | None:
    """Compare one answer of a resolver with those of the zone's own servers to the same question.

    `earlier`: addresses that these servers gave before. None when either side said nothing that can be
    compared (no answer came, or a server failed): silence contradicts nobody.
    """
    own = [one for one in authoritative if one.rrtype == recursive.rrtype and _has_said(one)]
    if not own or not _has_said(recursive):
        return None
    by_signature = _signed(recursive)
    if by_signature is not None:
        return by_signature
    if not recursive.answers or not any(one.answers or one.cnames for one in own):
        return _with_silence(recursive, own)
    if recursive.rrtype not in _ADDRESS_TYPES:
        return _as_text(recursive, own)
    genuine = {answer for one in own for answer in one.answers}
    foreign = tuple(
        address for address in recursive.answers if not _vouched(address, genuine, networks, certificate)
    )
    if not foreign:
        return Comparison(agreement=Agreement.SAME, reason=_likeness(recursive, genuine))
    excuse = _excuse(recursive, own, foreign, genuine, networks, earlier)
    if excuse is not None:
        return Comparison(agreement=Agreement.DIFFERS_PLAUSIBLY, reason=excuse, foreign=foreign)
    return Comparison(
        agreement=Agreement.CONTRADICTS, reason=_contradiction(foreign, genuine, networks), foreign=foreign
    )


def _has_said(one: DnsObservation) -> bool:
    return one.rcode is not None and (one.failure is None or one.failure in _SAYS_NOTHING)


def _signed(recursive: DnsObservation) -> Comparison | None:
    """What our own validation settles; the resolver's word about it (no reason) settles nothing."""
    if recursive.dnssec_reason is None:
        return None
    if recursive.dnssec == "secure":
        return Comparison(agreement=Agreement.SAME, reason="the zone's own signature is on it")
    if recursive.dnssec == "bogus":
        return Comparison(
            agreement=Agreement.CONTRADICTS, reason=f"not what the zone signed: {recursive.dnssec_reason}",
            foreign=recursive.answers,
        )  # fmt: skip
    return None


def _with_silence(recursive: DnsObservation, own: Sequence[DnsObservation]) -> Comparison:
    """One side has no records."""
    silent = [one for one in own if not one.answers and not one.cnames]
    if not recursive.answers:
        if len(silent) == len(own):
            agreement = Agreement.SAME
            reason = f"no {recursive.rrtype} records here and there"
        elif silent:
            agreement, reason = Agreement.DIFFERS_PLAUSIBLY, "its own servers disagree whether there are records"
        elif recursive.cnames and any(one.cnames[:1] == recursive.cnames[:1] for one in own):
            agreement, reason = Agreement.DIFFERS_PLAUSIBLY, "the same alias, and nothing behind it"
        else:
            agreement = Agreement.CONTRADICTS
            reason = f"{recursive.rcode} without records; its own servers have {_first(own)}"
        return Comparison(agreement=agreement, reason=reason)
    reason = f"{recursive.answers[0]}, where its own servers have no records ({own[0].rcode})"
    return Comparison(agreement=Agreement.CONTRADICTS, reason=reason, foreign=recursive.answers)


def _as_text(recursive: DnsObservation, own: Sequence[DnsObservation]) -> Comparison:
    """Other types: equal, or only different. Nothing can be said of how near two texts are."""
    if any(set(recursive.answers) == set(one.answers) for one in own):
        return Comparison(agreement=Agreement.SAME, reason="the same records")
    return Comparison(
        agreement=Agreement.DIFFERS_PLAUSIBLY,
        reason=f"other {recursive.rrtype} records; a cache may hold earlier ones",
        foreign=tuple(answer for answer in recursive.answers if all(answer not in one.answers for one in own)),
    )


def _vouched(address: str, genuine: Collection[str], networks: Networks, certificate: Certificate) -> bool:
    if address in genuine or any(_prefix(address) == _prefix(one) for one in genuine):
        return True
    origins = set(networks(address))
    if origins and any(origins & set(networks(one)) for one in genuine):
        return True
    shown = certificate(address)
    return shown is not None and any(shown == certificate(one) for one in genuine)


def _prefix(text: str) -> object:
    address = as_address(text)
    if address is None:
        return text
    return ipaddress.ip_network((address, SAME_PREFIX[address.version]), strict=False)


def _likeness(recursive: DnsObservation, genuine: Collection[str]) -> str:
    if set(recursive.answers) <= set(genuine):
        return "addresses of its own servers' answer"
    return "addresses beside those of its own servers' answer: same prefix, network or certificate"


def _excuse(
    recursive: DnsObservation,
    own: Sequence[DnsObservation],
    foreign: tuple[str, ...],
    genuine: Collection[str],
    networks: Networks,
    earlier: Collection[str],
) -> str | None:
    """The innocent reason that a difference may have; None when there is none."""
    if any(_nowhere(address, networks) for address in foreign) and not any(
        _nowhere(address, networks) for address in genuine
    ):
        return None
    if set(foreign) <= set(earlier):
        return "addresses that its own servers gave earlier; a cache may hold them"
    if any(one.cnames and one.cnames[0] in recursive.cnames for one in own):
        return f"the same alias, {recursive.cnames[0]}, whose owner chooses addresses"
    if any(_scope(one) > 0 for one in (recursive, *own)):
        return "the answer is made for the client's network"
    spread = {frozenset(networks(address)) for address in genuine}
    if len(spread) > 1:
        return "its own servers give addresses in several networks too"
    if any(not networks(address) for address in foreign) or not any(networks(one) for one in genuine):
        return "addresses whose network is not known"
    return None


def _nowhere(text: str, networks: Networks) -> bool:
    """Addresses that no public service has: private, loopback, unspecified; unless the table maps them, which
    makes them public in its world (labs have no others)."""
    address = as_address(text)
    if address is None or networks(text):
        return False
    return (
        address.is_loopback
        or address.is_unspecified
        or address.is_link_local
        or any(contains(network, address) for network in _PRIVATE)
    )


_PRIVATE = tuple(map(parse_prefix, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")))


def _scope(one: DnsObservation) -> int:
    """Bits of the client's address that the answer was made for (RFC 7871); 0: for everybody."""
    scope = (one.ecs or "").rpartition("/")[2]
    return int(scope) if scope.isascii() and scope.isdigit() and len(scope) < 4 else 0


def _contradiction(foreign: tuple[str, ...], genuine: Collection[str], networks: Networks) -> str:
    nowhere = [address for address in foreign if _nowhere(address, networks)]
    if nowhere:
        return f"{nowhere[0]} is no public address"
    theirs = sorted({asn for address in genuine for asn in networks(address)})
    return (
        f"{foreign[0]} is in AS {_asns(networks(foreign[0]))}, its own servers' answers are in AS {_asns(theirs)}"
    )


def _asns(numbers: Collection[int]) -> str:
    return ", ".join(str(number) for number in sorted(numbers)[:3]) or "unknown"


def _first(own: Sequence[DnsObservation]) -> str:
    return next(text for one in own for text in (*one.answers, *one.cnames))
