"""Where an address is, as far as routes tell addresses apart, and where a target was met. Pure."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_network

from monitor.bgp.address_owners import Owners
from monitor.diagnose.name_agreement import SAME_PREFIX
from monitor.model.asn import Asn
from monitor.model.prefix import as_address

KEPT_PLACES = 4096
"""Prefixes of addresses remembered for one target; a large CDN rotates through hundreds."""


@lru_cache(maxsize=KEPT_PLACES)
def place_of(address: str) -> str:
    """The longest prefix around an address that BGP carries everywhere: one operator's, who may use all of it, and
    one way to all of it, as text, which is quick to look up. What is no address is a place of its own.
    """
    parsed = as_address(address)
    if parsed is None:
        return address
    return str(ip_network((parsed, SAME_PREFIX[parsed.version]), strict=False))


class PlaceMemory:
    """The places at which one target answered, and their networks, with the time of each one's first sight.

    `own`: the networks that it is declared to be in; `table` None: it is not known whose an address is.
    """

    def __init__(self, table: Owners | None, own: frozenset[Asn]) -> None:
        self.met = 0
        self._table = table
        self._own = own
        self._places: dict[str, float] = {}
        self._networks: dict[Asn, float] = {}

    def add(self, address: str, at: float) -> bool:
        """Remember that the target answered there; whether that is a new place."""
        place = place_of(address)
        is_new = place not in self._places
        if is_new:
            self._places[place] = at
            for asn in self._owners(address):
                self._networks.setdefault(asn, at)
            self.met += 1
        if len(self._places) > KEPT_PLACES:
            del self._places[next(iter(self._places))]
        return is_new

    def is_usual(self, address: str | None, onset: float) -> bool | None:
        """Whether the target was at this address, or beside it, before `onset`; None: nobody can tell.

        One never met that is in a network of the target's may be a server that was added, under load maybe, or one
        to which this many were never sent.
        """
        if address is None or not any(first_at < onset for first_at in self._places.values()):
            return None
        if self._places.get(place_of(address), onset) < onset:
            return True
        own = any(asn in self._own or self._networks.get(asn, onset) < onset for asn in self._owners(address))
        return None if own else False

    def _owners(self, address: str) -> frozenset[Asn]:
        """The networks that an address is in, by the prefix-to-AS table; empty: not known."""
        parsed = as_address(address)
        found = self._table.lookup(parsed) if self._table is not None and parsed is not None else None
        return found or frozenset()
