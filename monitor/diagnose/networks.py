"""Which vantages are independent witnesses: three behind one transit see one thing three times. Pure.

Vantages of one AS, and vantages whose way to the target begins with the same transit, fail together when that AS
or that transit does, so they count as one. Where neither the AS nor the way is known, a vantage counts as itself.
Only the first transit joins: every way shares its last networks with all others, for they are the target's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitor.diagnose.paths.trail import Trail
from monitor.model.asn import Asn


@dataclass(frozen=True, slots=True)
class Connection:
    """How a vantage is connected: its own AS and the first transit on its usual way; None: not known, or none."""

    own: Asn | None = None
    transit: Asn | None = None


def connection(asn: Asn | None, usual: Trail | None) -> Connection:
    """The connection of a vantage by its declared AS and its usual way to the target.

    Without a declared AS the first mapped hop's is taken. The last network of a way is the target's, or as far as
    one can see: no transit.
    """
    if usual is None or not usual.ases:
        return Connection(asn)
    own = asn if asn is not None else usual.ases[0]
    beyond = [each for each in usual.ases[:-1] if each != own]
    return Connection(own, beyond[0] if beyond else None)


def independent(connections: Mapping[str, Connection]) -> dict[str, str]:
    """Vantage to the network that it witnesses for: an AS, or its own name; equal ones are one witness."""
    groups: list[set[str]] = []
    for name, found in connections.items():
        keys = {name, *(f"AS{asn}" for asn in (found.own, found.transit) if asn is not None)}
        like = [group for group in groups if not group.isdisjoint(keys)]
        groups = [group for group in groups if group.isdisjoint(keys)] + [keys.union(*like)]
    used = Counter(f"AS{asn}" for found in connections.values() for asn in (found.own, found.transit) if asn)
    return {name: _label(group, used) for group in groups for name in group if name in connections}


def _label(group: Iterable[str], used: Counter[str]) -> str:
    """The AS that most of a group have; of a lone vantage its own name."""
    return min(group, key=lambda key: (-used[key], key))


def weight(seen: Iterable[str], of: Iterable[str]) -> float:
    """The share of the independent networks `of` that `seen` are, 0..1; one half seen counts half."""
    sizes = Counter(of)
    return sum(1.0 / sizes[network] for network in seen if network in sizes) / len(sizes) if sizes else 0.0
