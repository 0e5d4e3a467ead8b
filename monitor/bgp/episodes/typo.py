"""Slips of the hand at a router: a prepend count typed as an AS number, a prefix with a wrong digit. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, ip_network

from monitor.bgp.ip_to_as import PrefixTable
from monitor.model import Asn, Prefix

MOST_PREPENDED = 64
"""`prepend 10` on a router that wants AS numbers announces AS10; nobody prepends more often than this."""


def prepended_count(sequence: tuple[Asn, ...], expected: frozenset[Asn]) -> bool:
    """Whether the path ends in a rightful origin and a small number behind it: it was meant as a count."""
    return len(sequence) >= 2 and sequence[-2] in expected and 0 < sequence[-1] <= MOST_PREPENDED


def meant_prefix(prefix: Prefix, origin: Asn, table: PrefixTable) -> Prefix | None:
    """A prefix of the same length, one slip away, that the table gives to `origin`; None: there is none."""
    if not isinstance(prefix, IPv4Network):
        return None
    for meant in _one_slip_away(prefix):
        found = table.lookup(meant.network_address)
        if found and origin in found:
            return meant
    return None


def _one_slip_away(prefix: IPv4Network) -> Iterator[IPv4Network]:
    """Prefixes that differ by one digit, one digit too many or too few, or two digits exchanged."""
    parts = str(prefix.network_address).split(".")
    seen = {prefix}
    for index, part in enumerate(parts[: (prefix.prefixlen + 7) // 8]):
        for other in _slips(part):
            text = ".".join([*parts[:index], other, *parts[index + 1 :]])
            network = ip_network(f"{text}/{prefix.prefixlen}", strict=False)
            if isinstance(network, IPv4Network) and network not in seen:
                seen.add(network)
                yield network


def _slips(part: str) -> Iterator[str]:
    """Other numbers from 0 to 255 that a hand could have meant."""
    made = [part[:at] + digit + part[at + 1 :] for at in range(len(part)) for digit in "0123456789"]
    made += [part[:at] + digit + part[at:] for at in range(len(part) + 1) for digit in "0123456789"]
    made += [part[:at] + part[at + 1 :] for at in range(len(part)) if len(part) > 1]
    made += [part[:at] + part[at + 1] + part[at] + part[at + 2 :] for at in range(len(part) - 1)]
    for text in dict.fromkeys(made):
        if text != part and int(text) <= 255 and str(int(text)) == text:
            yield text
