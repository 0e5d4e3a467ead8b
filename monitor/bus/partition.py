"""Which partition a fact belongs to: targets that are judged together stay together. Pure.

Targets are joined to groups: a target with those that it depends on, with those whose declared prefixes overlap
its own, and with those on the same host. A group is one partition's, by the hash of its first name, so that every
role computes the same from the same configuration, and a group keeps its place when others come or go.

What concerns everybody goes to every partition in use: controls, contact with vantages, routes, and what was told
of addresses' origins. Faults of vantages, which each partition so could see, are named by the first one alone
(`VANTAGES`).

Not joined: targets that turn out only later to share an address, a network or a certificate. Such incidents stay
one in each partition; with few partitions, or a `depends_on`, they are linked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit
from zlib import crc32

from monitor.model.prefix import Prefix, covers
from monitor.model.target import Target, names_observed

VANTAGES = 0
"""The partition that names the faults of vantages."""


class Partitions:
    """How `count` partitions share these targets. `used`: those that have any, and `VANTAGES`, ascending."""

    def __init__(self, targets: Sequence[Target], count: int) -> None:
        self.count = count
        self._homes: dict[str, int] = {}
        for group in groups(targets):
            home = crc32(min(group).encode()) % count
            self._homes |= dict.fromkeys(group, home)
        self._names = names_observed(targets)
        self.used = tuple(sorted({VANTAGES, *self._homes.values()}))

    def place(self, name: str) -> int | None:
        """The partition of what an observation calls its target; None: it concerns everybody."""
        return self._homes.get(self._names.get(name, name))

    def members(self, partition: int) -> frozenset[str]:
        """The targets of a partition."""
        return frozenset(name for name, home in self._homes.items() if home == partition)


def groups(targets: Sequence[Target]) -> list[frozenset[str]]:
    """The names of targets, joined where what is seen of one says something of the other."""
    above = {target.name: target.name for target in targets}

    def root(name: str) -> str:
        while above[name] != name:
            above[name] = above[above[name]]
            name = above[name]
        return name

    for one, other in _ties(targets):
        if other in above:
            above[root(one)] = root(other)
    found: dict[str, set[str]] = {}
    for name in above:
        found.setdefault(root(name), set()).add(name)
    return [frozenset(group) for group in found.values()]


def _ties(targets: Sequence[Target]) -> Iterable[tuple[str, str]]:
    """Pairs of names that belong together; neighbours of a longer row are enough."""
    hosts: dict[str, str] = {}
    for target in targets:
        yield from ((target.name, upstream) for upstream in target.depends_on)
        host = urlsplit(target.url).hostname or target.url
        yield target.name, hosts.setdefault(host, target.name)
    yield from _of_shared_space(targets)


def _of_shared_space(targets: Sequence[Target]) -> Iterable[tuple[str, str]]:
    """In the order of addresses a prefix follows the one that covers it, so one pass over a stack finds all."""
    declared = [(prefix, target.name) for target in targets for prefix in target.prefixes]
    declared.sort(key=lambda one: (one[0].version, int(one[0].network_address), one[0].prefixlen))
    around: list[tuple[Prefix, str]] = []
    for prefix, name in declared:
        while around and not covers(around[-1][0], prefix):
            around.pop()
        if around:
            yield around[-1][1], name
        around.append((prefix, name))
