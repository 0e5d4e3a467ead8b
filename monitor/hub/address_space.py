"""Whose address space a route touches: prefixes and addresses with their owners. Pure.

A start brings a route for each of thousands of watched prefixes, each to be asked about, so the question must
not cost a step for every target: those inside the route's prefix are one slice of a sorted list, those around
it at most one look-up a length.
"""

from __future__ import annotations

from bisect import bisect_left, insort

from monitor.model.prefix import Address, Prefix

_Place = tuple[int, int, bool]
"""First address, prefix length, whether it is an address: sorted, a prefix comes before all that is inside it."""


class AddressSpace:
    """Owners by name, any number for the same space. An address is not the same as the prefix of just it."""

    def __init__(self) -> None:
        self._owners: dict[int, dict[_Place, set[str]]] = {4: {}, 6: {}}
        self._order: dict[int, list[_Place]] = {4: [], 6: []}

    def add(self, space: Prefix | Address, owner: str) -> None:
        """Note that the space is `owner`'s; twice is as good as once."""
        place = _place(space)
        owners = self._owners[space.version]
        if place not in owners:
            owners[place] = set()
            insort(self._order[space.version], place)
        owners[place].add(owner)

    def remove(self, space: Prefix | Address, owner: str) -> None:
        """Take back `add` of the same arguments."""
        place, order = _place(space), self._order[space.version]
        owners = self._owners[space.version]
        owners[place].discard(owner)
        if not owners[place]:
            del owners[place]
            del order[bisect_left(order, place)]

    def touched(self, prefix: Prefix) -> set[str]:
        """The owners of space that covers the prefix or lies inside it."""
        first, length, _ = _place(prefix)
        owners, order = self._owners[prefix.version], self._order[prefix.version]
        size = 1 << prefix.max_prefixlen - length
        found: set[str] = set()
        for place in order[
            bisect_left(order, (first, length, False)) : bisect_left(order, (first + size, 0, False))
        ]:
            found |= owners[place]
        for shorter in range(length):
            wide = prefix.max_prefixlen - shorter
            found |= owners.get((first >> wide << wide, shorter, False), set())
        return found


def _place(space: Prefix | Address) -> _Place:
    if isinstance(space, Prefix):
        return int(space.network_address), space.prefixlen, False
    return int(space), space.max_prefixlen, True
