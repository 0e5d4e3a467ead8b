"""Which prefixes matter: those declared for targets, and those around the addresses that probes meet.

A prefix learned from an address comes from the prefix-to-AS table when that knows the address, else it is
the /24 or /48 around it, the longest that most networks accept. Asked for every prefix of a full feed,
so the question must be cheap: one set for what covers a watched prefix, one look-up a watched length for
what is inside. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.prefix_key import PrefixKey, address_key, key_of, prefix_of
from monitor.model import Address, Prefix

MAX_LEARNED = 10_000
"""Targets behind large CDNs answer with new addresses all the time; each learned prefix is a subscription."""

_AROUND = {4: 24, 6: 48}
_WIDEST_LEARNED = {4: 16, 6: 32}
"""A wider prefix of the table would subscribe to the churn of a whole carrier for the sake of one address."""


class Watch:
    """The watched prefixes. Adding one costs as many set entries as it has bits."""

    def __init__(
        self, declared: Iterable[Prefix] = (), table: PrefixTable | None = None, *, max_learned: int = MAX_LEARNED
    ) -> None:
        self.refused = 0
        self._max_learned = max_learned
        self._table = table
        self._learned = 0
        self._watched: dict[int, set[PrefixKey]] = {4: set(), 6: set()}
        self._covering: dict[int, set[PrefixKey]] = {4: set(), 6: set()}
        self._lengths: dict[int, tuple[int, ...]] = {4: (), 6: ()}
        for prefix in declared:
            self.add_prefix(prefix)

    def add_prefix(self, prefix: Prefix) -> bool:
        """Watch a prefix; whether it is new."""
        return self._add(prefix.version, key_of(prefix))

    def add_address(self, address: Address) -> bool:
        """Watch the prefix that an address is in; whether that is new. Counted in `refused` above the limit."""
        version, host = address.version, address_key(address)
        if self._is_inside(version, host):
            return False
        if self._learned >= self._max_learned:
            self.refused += 1
            return False
        self._learned += 1
        return self._add(version, self._around(address, host))

    def covers_event(self, prefix: Prefix) -> bool:
        """Whether a route event of this prefix matters: it equals, is inside or covers a watched one."""
        return self.wants(prefix.version, key_of(prefix))

    def wants(self, version: int, key: PrefixKey) -> bool:
        """`covers_event` by key, to filter a feed before its routes are decoded (`nlri.Wanted`)."""
        return key in self._covering[version] or self._is_inside(version, key)

    def prefixes(self) -> tuple[Prefix, ...]:
        """All watched prefixes, sorted by family, address and length."""
        return tuple(
            prefix
            for version in (4, 6)
            for prefix in sorted(prefix_of(version, key) for key in self._watched[version])
        )

    def subscriptions(self) -> tuple[Prefix, ...]:
        """The watched prefixes that are inside no other: with their more and less specifics they are all."""
        return tuple(
            prefix for prefix in self.prefixes() if not self._is_inside(prefix.version, key_of(prefix) >> 1)
        )

    def _add(self, version: int, key: PrefixKey) -> bool:
        watched = self._watched[version]
        if key in watched:
            return False
        watched.add(key)
        self._lengths[version] = tuple(sorted({*self._lengths[version], key.bit_length() - 1}))
        covering = self._covering[version]
        while key and key not in covering:
            covering.add(key)
            key >>= 1
        return True

    def _is_inside(self, version: int, key: PrefixKey) -> bool:
        """Whether a prefix equals a watched one or is inside it. Key 0, which covers 0/0, is not."""
        length = key.bit_length() - 1
        watched = self._watched[version]
        for wide in self._lengths[version]:
            if wide > length:
                return False
            if key >> length - wide in watched:
                return True
        return False

    def _around(self, address: Address, host: PrefixKey) -> PrefixKey:
        """The prefix to learn for an address."""
        found = self._table.lookup_prefix(address) if self._table else None
        if found and found[0].prefixlen >= _WIDEST_LEARNED[address.version]:
            return key_of(found[0])
        return host >> address.max_prefixlen - _AROUND[address.version]
