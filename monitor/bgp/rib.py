"""What each peer says now of each prefix: a routing table per peer (an Adj-RIB-In, RFC 4271 section 3.2).

Applies route facts in the order in which they come and says what each one changed. It keeps one route a
(prefix, peer): of several by ADD-PATH the last. A peer's fact that is older than what is known of that
peer and prefix is passed over, since feeds overlap and arrive late. A peer whose session went down has
unknown routes, which is not the same as withdrawn ones. Pure; it judges nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from monitor.bgp.prefix_key import PrefixKey, address_key, first_and_length, key_at, key_of
from monitor.model import Address, Asn, AsPath, PeerState, Prefix, RouteEvent, RouteKind

PeerKey = tuple[str, str]
"""(collector, peer's address)."""

MAX_WITHDRAWN = 100_000
MAX_ROUTES = 2_000_000
"""A route takes 0.3 kB; a watched prefix has some 1,500 in all of RIS and Route Views."""
MAX_PREFIXES = 100_000
"""A prefix takes 1 kB, and what the detector keeps of it more again; parts of a watched /32 of IPv6 can be made
up without end.
"""
_MAX_ORIGINS = 256
_KEPT_KEYS = 65_536


class Route(msgspec.Struct, frozen=True, gc=False):
    """A peer's route. `since`: first announced by this very path without interruption; `at`: last announced.

    Without `gc`, like its path, since neither can be part of a ring: of a hundred thousand routes that are ever
    replaced, each collection of young objects would walk all.
    """

    path: AsPath
    since: float
    at: float
    kind: RouteKind

    @property
    def origins(self) -> frozenset[Asn]:
        """The origin ASes of the path."""
        return self.path.origins


class RouteChangeKind(StrEnum):
    """What one route event changed.

    `new_prefix`: no peer was ever known to have the prefix; `new_origin`: the prefix is known, with this
    origin from nobody before. The rest speaks of the one peer: `new_peer`, it had no route that we know
    of; `restored`, it had withdrawn it; `path_changed`, by another path (maybe another known origin);
    `unchanged`, the same again; `withdrawn`.
    """

    NEW_PREFIX = "new_prefix"
    NEW_ORIGIN = "new_origin"
    NEW_PEER = "new_peer"
    PATH_CHANGED = "path_changed"
    WITHDRAWN = "withdrawn"
    RESTORED = "restored"
    UNCHANGED = "unchanged"


class RouteChange(NamedTuple):
    """One peer's route of one prefix before and after an event. `old`: what it had, also if withdrawn since.

    `which`: the prefix by version and key. A tuple, since one is made for each fact of a full feed.
    """

    at: float
    kind: RouteChangeKind
    prefix: Prefix
    which: tuple[int, PrefixKey]
    peer: PeerKey
    peer_asn: Asn
    old: Route | None
    new: Route | None


@dataclass(slots=True)
class _Entry:
    """A prefix: who has it, who had it, and since when each origin was seen with it."""

    prefix: Prefix
    routes: dict[PeerKey, Route] = field(default_factory=dict)
    withdrawn: dict[PeerKey, tuple[float, Route]] = field(default_factory=dict)
    first_seen: dict[Asn, float] = field(default_factory=dict)


_Which = tuple[int, PrefixKey]
_NO_ROUTES: Mapping[PeerKey, Route] = MappingProxyType({})
_NONE_WITHDRAWN: Mapping[PeerKey, tuple[float, Route]] = MappingProxyType({})


class Rib:
    """The routes of all peers, as far as facts were applied.

    Memory is bounded: at most `max_routes` present routes and `max_prefixes` (more are counted in `refused`) and
    `max_withdrawn` remembered withdrawals, of which the oldest goes first and takes along what was known of a
    prefix that nobody has any more.
    """

    def __init__(
        self, *, max_routes: int = MAX_ROUTES, max_prefixes: int = MAX_PREFIXES, max_withdrawn: int = MAX_WITHDRAWN
    ) -> None:
        self.refused = 0
        self._max_prefixes = max_prefixes
        self._max_routes = max_routes
        self._max_withdrawn = max_withdrawn
        self._entries: dict[_Which, _Entry] = {}
        self._by_peer: dict[PeerKey, set[_Which]] = {}
        self._withdrawals: OrderedDict[tuple[_Which, PeerKey], None] = OrderedDict()
        self._route_count = 0
        self._sorted: dict[int, list[tuple[int, int]]] = {}
        self._keys: dict[int, tuple[Prefix, _Which]] = {}

    def apply(self, fact: RouteEvent | PeerState) -> RouteChange | None:
        """Take in one fact; None where it changes no prefix's route: stale, refused, or about a session."""
        if isinstance(fact, PeerState):
            if not fact.up:
                self._forget_peer((fact.collector, fact.peer), fact.at)
            return None
        if fact.path is None:
            return self._withdraw(fact)
        return self._announce(fact, fact.path)

    def routes(self, prefix: Prefix) -> Mapping[PeerKey, Route]:
        """The routes of exactly this prefix, by peer, as a view that must not be kept over an `apply`."""
        entry = self._entries.get(self._which(prefix))
        return MappingProxyType(entry.routes) if entry else _NO_ROUTES

    def last_withdrawn(self, prefix: Prefix) -> Mapping[PeerKey, tuple[float, Route]]:
        """Peers that had this prefix and have it no more: when they withdrew it, and what they had."""
        entry = self._entries.get(self._which(prefix))
        return MappingProxyType(entry.withdrawn) if entry else _NONE_WITHDRAWN

    def covering(self, address: Address) -> list[Prefix]:
        """The present prefixes that contain an address, most specific first."""
        return self._upwards(address.version, address_key(address))

    def covering_prefix(self, prefix: Prefix) -> list[Prefix]:
        """The present prefixes that are wider than `prefix` and contain it, most specific first."""
        return self._upwards(prefix.version, key_of(prefix) >> 1)

    def inside(self, prefix: Prefix) -> list[Prefix]:
        """The present prefixes that are narrower than `prefix` and in it, by address."""
        version = prefix.version
        order = self._order(version)
        start = bisect_right(order, (int(prefix.network_address), prefix.prefixlen))
        end = bisect_left(order, (int(prefix.broadcast_address) + 1, 0))
        found = (self._entries[version, key_at(version, *place)] for place in order[start:end])
        return [entry.prefix for entry in found if entry.routes]

    def peers(self) -> frozenset[PeerKey]:
        """The peers that have given any route and whose session is not known to be down."""
        return frozenset(self._by_peer)

    def is_known(self, peer: PeerKey) -> bool:
        """Whether a peer has given any route and its session is not known to be down."""
        return peer in self._by_peer

    def has(self, which: tuple[int, PrefixKey]) -> bool:
        """Whether anything is remembered of a prefix, by version and key."""
        return which in self._entries

    def __len__(self) -> int:
        """The prefixes of which anything is remembered."""
        return len(self._entries)

    def first_seen(self, prefix: Prefix, origin: Asn) -> float | None:
        """When any peer first had the prefix from this origin; None: never."""
        entry = self._entries.get(self._which(prefix))
        return entry.first_seen.get(origin) if entry else None

    def _which(self, prefix: Prefix) -> _Which:
        """Version and key of a prefix. Feeds give equal prefixes as one object, whose identity spares the sum."""
        found = self._keys.get(id(prefix))
        if found is not None and found[0] is prefix:
            return found[1]
        if len(self._keys) >= _KEPT_KEYS:
            self._keys.clear()
        which = (prefix.version, key_of(prefix))
        self._keys[id(prefix)] = (prefix, which)
        return which

    def _upwards(self, version: int, key: PrefixKey) -> list[Prefix]:
        """The present prefixes among a key and all that cover it, up to 0/0, whose key is 1."""
        found: list[Prefix] = []
        while key:
            entry = self._entries.get((version, key))
            if entry is not None and entry.routes:
                found.append(entry.prefix)
            key >>= 1
        return found

    def _order(self, version: int) -> list[tuple[int, int]]:
        """All prefixes of a version by first address and length; made anew after one came or went."""
        if version not in self._sorted:
            self._sorted[version] = sorted(
                first_and_length(version, key) for family, key in self._entries if family == version
            )
        return self._sorted[version]

    def _announce(self, event: RouteEvent, path: AsPath) -> RouteChange | None:
        which, peer, at = self._which(event.prefix), (event.collector, event.peer), event.at
        entry = self._entries.get(which)
        old = entry.routes.get(peer) if entry is not None else None
        if entry is None or old is None:
            return self._announce_anew(event, path, which, peer, entry)
        if at < old.at:
            return None
        if old.path.segments == path.segments:
            kind, new = RouteChangeKind.UNCHANGED, Route(path, old.since, at, old.kind)
        else:
            kind = RouteChangeKind.NEW_ORIGIN if _see(entry, path, at) else RouteChangeKind.PATH_CHANGED
            new = Route(path, at, at, event.kind)
        entry.routes[peer] = new
        return RouteChange(at, kind, event.prefix, which, peer, event.peer_asn, old, new)

    def _announce_anew(
        self, event: RouteEvent, path: AsPath, which: _Which, peer: PeerKey, entry: _Entry | None
    ) -> RouteChange | None:
        """Take a route from a peer that has none of that prefix now."""
        withdrawn_at, old = entry.withdrawn.get(peer, (0.0, None)) if entry is not None else (0.0, None)
        if old is not None and event.at < withdrawn_at:
            return None
        # Prefixes without routes count too: they are kept for their first_seen.
        if self._route_count >= self._max_routes or (entry is None and len(self._entries) >= self._max_prefixes):
            self.refused += 1
            return None
        kind = RouteChangeKind.NEW_PREFIX
        if entry is None:
            entry = self._entries[which] = _Entry(event.prefix)
            self._sorted.pop(event.prefix.version, None)
            _see(entry, path, event.at)
        elif _see(entry, path, event.at):
            kind = RouteChangeKind.NEW_ORIGIN
        else:
            kind = RouteChangeKind.NEW_PEER if old is None else RouteChangeKind.RESTORED
        new = Route(path, event.at, event.at, event.kind)
        self._put(which, entry, peer, new)
        return RouteChange(event.at, kind, event.prefix, which, peer, event.peer_asn, old, new)

    def _put(self, which: _Which, entry: _Entry, peer: PeerKey, route: Route) -> None:
        self._route_count += 1
        self._by_peer.setdefault(peer, set()).add(which)
        if entry.withdrawn.pop(peer, None):
            del self._withdrawals[which, peer]
        entry.routes[peer] = route

    def _withdraw(self, event: RouteEvent) -> RouteChange | None:
        which, peer = self._which(event.prefix), (event.collector, event.peer)
        entry = self._entries.get(which)
        old = entry.routes.get(peer) if entry else None
        if entry is None or old is None or event.at < old.at:
            return None
        self._take(entry, peer)
        self._by_peer[peer].discard(which)
        entry.withdrawn[peer] = (event.at, old)
        self._withdrawals[which, peer] = None
        if len(self._withdrawals) > self._max_withdrawn:
            self._forget_oldest_withdrawal()
        return RouteChange(
            event.at, RouteChangeKind.WITHDRAWN, event.prefix, which, peer, event.peer_asn, old, None
        )

    def _take(self, entry: _Entry, peer: PeerKey) -> None:
        del entry.routes[peer]
        self._route_count -= 1

    def _forget_peer(self, peer: PeerKey, at: float) -> None:
        """Drop the routes that a peer had before its session went down at `at`; its later ones stay."""
        had = self._by_peer.pop(peer, set())
        later: set[_Which] = set()
        for which in had:
            entry = self._entries[which]
            if entry.routes[peer].at > at:
                later.add(which)
            else:
                self._take(entry, peer)
        if later:
            self._by_peer[peer] = later

    def _forget_oldest_withdrawal(self) -> None:
        (which, peer), _ = self._withdrawals.popitem(last=False)
        entry = self._entries[which]
        del entry.withdrawn[peer]
        if not entry.routes and not entry.withdrawn:
            del self._entries[which]
            self._sorted.pop(which[0], None)


def _see(entry: _Entry, path: AsPath, at: float) -> bool:
    """Note the origins of a path; whether one of them was never seen with the prefix."""
    new = False
    if path.segments and path.segments[-1] in entry.first_seen and entry.first_seen[path.segments[-1]] <= at:
        return False
    for origin in path.origins:
        seen = entry.first_seen.get(origin)
        new = new or seen is None
        if seen is not None:
            entry.first_seen[origin] = min(seen, at)
        elif len(entry.first_seen) < _MAX_ORIGINS:
            entry.first_seen[origin] = at
    return new
