"""What a DNS service says of an address's origin: the question to ask, and the answer read. Pure.

The form is Team Cymru's (https://www.team-cymru.com/ip-asn-mapping): the reversed octets, for IPv6 the reversed
nibbles, of an address under a zone have TXT records of

    "64500 64501 | 203.0.113.0/24 | NL | ripencc | 2010-07-14"

one for each announced prefix around the address, the origins of one prefix in one record. One question is asked
for all addresses of a /24 or /48: nothing longer is carried everywhere. Who answers may be anybody, so a record
that speaks of other space, or of half the Internet, says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.model import Address, Asn, Prefix, parse_asn, parse_prefix
from monitor.model.prefix import contains, is_internal
from monitor.model.target import ORIGINS_TARGET
from probes.observation import DnsObservation

Place = tuple[int, int]
"""IP version and first address of a /24 or /48."""

_PLACE_BITS = {4: 24, 6: 48}
_WIDEST = {4: 8, 6: 16}
"""Nothing wider is ever assigned to one network."""

_MAX_ORIGINS = 32
"""Of one record; prefixes with more than three origins are rare."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A place's announced prefix and who originates it; `prefix` None: nobody does, or nobody answered."""

    place: Place
    prefix: Prefix | None = None
    asns: frozenset[Asn] = frozenset()


def place_of(address: Address) -> Place | None:
    """The place to ask about for an address; None for one that is nobody else's business."""
    if is_internal(address) or address.is_loopback or address.is_unspecified or address.is_multicast:
        return None
    host_bits = address.max_prefixlen - _PLACE_BITS[address.version]
    return address.version, int(address) >> host_bits << host_bits


def question_name(place: Place, zone: str) -> str:
    """The name to ask TXT records of; the zone for IPv6 is the one for IPv4 with a 6 behind its first label."""
    version, first = place
    if version == 4:
        return ".".join(str(octet) for octet in first.to_bytes(4, "big")[::-1]) + f".{zone}"
    label, dot, rest = zone.partition(".")
    return ".".join(reversed(first.to_bytes(16, "big").hex())) + f".{label}6{dot}{rest}"


def read_origin(seen: DnsObservation, zone: str) -> Origin | None:
    """What an observation says; None: it is no such question.

    Of several prefixes it is the longest, which carries the traffic.
    """
    place = _asked(seen, zone)
    if place is None:
        return None
    found: dict[Prefix, frozenset[Asn]] = {}
    for prefix, asns in _records(seen.answers, place):
        found[prefix] = found.get(prefix, frozenset()) | asns
    if not found:
        return Origin(place)
    longest = max(found, key=lambda prefix: prefix.prefixlen)
    return Origin(place, longest, found[longest])


def _asked(seen: DnsObservation, zone: str) -> Place | None:
    """The place that a question was about."""
    if seen.target != ORIGINS_TARGET or seen.rrtype != "TXT":
        return None
    labels = seen.name.removesuffix(".").split(".")
    # A digit a label; longer ones would make a number that no address has.
    version, count = (6, 32) if len(labels) > 32 and all(len(label) == 1 for label in labels[:32]) else (4, 4)
    try:
        digits = labels[:count][::-1]
        first = int("".join(digits), 16) if version == 6 else int.from_bytes(bytes(map(int, digits)), "big")
    except ValueError:
        return None
    place = (version, first)
    return place if seen.name.removesuffix(".").lower() == question_name(place, zone).lower() else None


def _records(answers: Iterable[str], place: Place) -> Iterable[tuple[Prefix, frozenset[Asn]]]:
    version, first = place
    for text in answers:
        fields = [field.strip() for field in text.strip('"').split("|")]
        try:
            prefix = parse_prefix(fields[1])
            asns = frozenset(parse_asn(word) for word in fields[0].split()[: _MAX_ORIGINS + 1])
        except (ValueError, IndexError):
            continue
        around = prefix.version == version and contains(prefix, type(prefix.network_address)(first))
        if around and prefix.prefixlen >= _WIDEST[version] and 0 < len(asns) <= _MAX_ORIGINS and 0 not in asns:
            yield prefix, asns
