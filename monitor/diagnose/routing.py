"""What BGP says of a target's addresses: who may originate them, and who does. Pure.

Expected origins are, in this order: those declared in the configuration; else those of routes that were in
the table before (RIB entries), and of the prefix-to-AS table; else what was announced first. A route that
is *less* specific than the usual one carries no traffic while the usual one stands, so it says nothing.
Nothing here calls itself a hijack; that is the verdict's word.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.rib import PeerKey, Rib, Route
from monitor.bgp.rpki import VrpTable
from monitor.model.asn import Asn
from monitor.model.prefix import Address, Prefix, as_address, contains, covers
from monitor.model.route import AsPath
from monitor.model.target import Target
from monitor.model.vrp import Validity

FIRST_SIGHT_S = 120.0
"""Without any other knowledge, origins announced this soon after the first are trusted with it."""

CORRELATION_S = (180.0, 60.0)
"""A route event this long before, or after, the first bad observation belongs to it."""

WITHDRAWN_SHARE = 0.6
"""A prefix is withdrawn when this share of the peers that had it lost it."""

KEPT_ADDRESSES = 512


class AnomalyKind(StrEnum):
    """What is unusual about a route. `authorised` ones are unusual, but somebody allowed them."""

    NEW_MORE_SPECIFIC = "new_more_specific"
    NEW_ORIGIN = "new_origin"
    AUTHORISED = "authorised"
    WITHDRAWN = "withdrawn"


@dataclass(slots=True)
class Anomaly:
    """One unusual route towards a target's addresses, while it lasts and after.

    `peers` of `peers_of`: how many peers carried it at its peak, of those with any route to the addresses.
    """

    kind: AnomalyKind
    prefix: Prefix
    origin: Asn | None
    expected: frozenset[Asn]
    first_at: float
    last_at: float
    active: bool = True
    peers: int = 0
    peers_of: int = 0
    validity: Validity = Validity.UNKNOWN
    path: AsPath | None = None
    after_withdrawal: bool = False


@dataclass(frozen=True, slots=True)
class Routing:
    """The routing of one target at one moment.

    `quiet`: peers carry the usual route with the usual origin and nothing happened to it lately; None when
    no peer carries it, so that nothing can be said. `moved_peers` of `peers`: those whose path to the usual
    prefix changed lately.
    """

    anomalies: tuple[Anomaly, ...] = ()
    quiet: bool | None = None
    peers: int = 0
    moved_peers: int = 0
    moved_at: float | None = None
    example: tuple[AsPath | None, AsPath | None] = (None, None)


TableOrigins = dict[Prefix, frozenset[Asn]]
"""The origins that a RIB dump gave for each prefix: what was in the table before anything happened."""


@dataclass(slots=True)
class _Moves:
    """Recent path changes per peer of one prefix: when, from which path, to which."""

    by_peer: dict[PeerKey, tuple[float, AsPath | None, AsPath | None]] = field(default_factory=dict)


class TargetRouting:
    """Follows the routes towards one target: learns what is usual, and keeps what is not."""

    def __init__(
        self,
        target: Target,
        table: PrefixTable | None,
        vrps: VrpTable | None,
        dumped: TableOrigins,
    ) -> None:
        self._target = target
        self._dumped = dumped
        self._table = table
        self._vrps = vrps
        self._addresses: dict[Address, None] = {}
        self._trusted: dict[Prefix, set[Asn]] = {}
        self._first_sight: float | None = None
        self._anomalies: dict[tuple[AnomalyKind, Prefix, Asn | None], Anomaly] = {}
        self._moves: dict[Prefix, _Moves] = {}
        self._touched = True

    def learn_address(self, text: str) -> None:
        """An address that the target was resolved to or measured at."""
        address = as_address(text)
        if address is None or address in self._addresses or len(self._addresses) >= KEPT_ADDRESSES:
            return
        self._addresses[address] = None
        self._touched = True
        for prefix, origins in self._dumped.items():
            if contains(prefix, address):
                self.learn_dumped(prefix, origins)

    def learn_dumped(self, prefix: Prefix, origins: frozenset[Asn]) -> None:
        """A RIB dump's origins for a prefix; ignored when it does not concern this target."""
        if self.concerns(prefix):
            self._trusted.setdefault(prefix, set()).update(origins)

    def concerns(self, prefix: Prefix) -> bool:
        """Whether a route event on `prefix` can matter to this target."""
        declared = any(covers(d, prefix) or covers(prefix, d) for d in self._target.prefixes)
        return declared or any(contains(prefix, address) for address in self._addresses)

    @property
    def calm(self) -> bool:
        """Whether nothing changed since the last assessment, which found nothing unusual."""
        return not self._touched and not self._anomalies

    def touch(self, prefix: Prefix | None) -> None:
        """A route of `prefix` changed, or (None) any may have."""
        self._touched = self._touched or prefix is None or self.concerns(prefix)

    def moved(self, prefix: Prefix, peer: PeerKey, at: float, old: Route | None, new: Route | None) -> None:
        """A peer's path to `prefix` changed at `at`."""
        moves = self._moves.setdefault(prefix, _Moves()).by_peer
        moves[peer] = (at, old.path if old else None, new.path if new else None)

    def assess(self, rib: Rib, now: float) -> Routing:
        """The state of the routes at `now`; anomalies that ended are kept with `active` False."""
        self._touched = False
        for anomaly in self._anomalies.values():
            anomaly.active = False
        carrying: set[PeerKey] = set()
        usual: set[Prefix] = set()
        for address in self._addresses:
            prefixes = rib.covering(address)
            for prefix in prefixes:
                carrying.update(rib.routes(prefix))
            self._learn(rib, prefixes, now)
            usual |= self._usual(rib, address, prefixes)
        for prefix in self._target.prefixes:
            usual.add(prefix)
        candidates = {p for address in self._addresses for p in rib.covering(address)}
        candidates |= {p for declared in self._target.prefixes for p in (declared, *rib.inside(declared))}
        withdrawn_at = self._withdrawals(rib, usual, carrying, now)
        for prefix in sorted(candidates, key=str):
            self._check(rib, prefix, usual, len(carrying), withdrawn_at, now)
        return self._result(rib, usual, now)

    def expire(self, before: float) -> None:
        """Forget what ended before `before`."""
        for key in [
            key for key, anomaly in self._anomalies.items() if not anomaly.active and anomaly.last_at < before
        ]:
            del self._anomalies[key]

    def expected(self, prefix: Prefix) -> frozenset[Asn]:
        """The origins that may announce `prefix`; empty when nothing is known."""
        if self._target.origins:
            return self._target.origins
        trusted: set[Asn] = set()
        for known, origins in self._trusted.items():
            if covers(known, prefix) or covers(prefix, known):
                trusted.update(origins)
        if self._table is not None:
            for address in self._addresses:
                if contains(prefix, address):
                    trusted.update(self._table.lookup(address) or ())
            if any(covers(declared, prefix) for declared in self._target.prefixes):
                trusted.update(self._table.lookup(prefix.network_address) or ())
        return frozenset(trusted)

    def expected_at_addresses(self) -> frozenset[Asn]:
        """The networks that the target's addresses lie in, as far as anything trusted says so."""
        if self._target.origins:
            return self._target.origins
        found: set[Asn] = set().union(*self._trusted.values()) if self._trusted else set()
        if self._table is not None:
            for address in self._addresses:
                found.update(self._table.lookup(address) or ())
        return frozenset(found)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses learned so far, oldest first."""
        return tuple(str(address) for address in self._addresses)

    def _learn(self, rib: Rib, prefixes: list[Prefix], now: float) -> None:
        """Trust the first origins on sight where nothing else says who may originate."""
        if self._target.origins or not prefixes or (self._trusted and self._first_sight is None):
            return
        if any(self._table is not None and self._table.lookup(address) for address in self._addresses):
            return
        if self._first_sight is None:
            self._first_sight = now
        if now - self._first_sight <= FIRST_SIGHT_S:
            for prefix in prefixes:
                for route in rib.routes(prefix).values():
                    self._trusted.setdefault(prefix, set()).update(route.path.origins)

    def _usual(self, rib: Rib, address: Address, present: list[Prefix]) -> set[Prefix]:
        """The prefixes under which `address` is usually reached."""
        usual = {prefix for prefix in self._trusted if contains(prefix, address)}
        usual |= {prefix for prefix in self._target.prefixes if contains(prefix, address)}
        if self._table is not None and (found := self._table.lookup_prefix(address)) is not None:
            usual.add(found[0])
        if not usual and self._target.origins:
            usual = {prefix for prefix in present if self._carried_by(rib, prefix, self._target.origins)}
        return usual

    @staticmethod
    def _carried_by(rib: Rib, prefix: Prefix, origins: frozenset[Asn]) -> bool:
        return any(route.path.origins & origins for route in rib.routes(prefix).values())

    def _check(
        self,
        rib: Rib,
        prefix: Prefix,
        usual: set[Prefix],
        carrying: int,
        withdrawn_at: float | None,
        now: float,
    ) -> None:
        """Look for origins of `prefix` that are not expected there."""
        longest = max((u.prefixlen for u in usual if covers(u, prefix) or covers(prefix, u)), default=None)
        if longest is not None and prefix.prefixlen < longest and prefix not in usual:
            return
        expected = self.expected(prefix)
        if not expected:
            return
        by_origin: dict[Asn, list[Route]] = {}
        for route in rib.routes(prefix).values():
            if not route.path.origins & expected:
                for origin in route.path.origins:
                    by_origin.setdefault(origin, []).append(route)
        for origin, routes in by_origin.items():
            self._note(rib, prefix, origin, routes, expected, usual, carrying, withdrawn_at, now)

    def _note(
        self,
        rib: Rib,
        prefix: Prefix,
        origin: Asn,
        routes: list[Route],
        expected: frozenset[Asn],
        usual: set[Prefix],
        carrying: int,
        withdrawn_at: float | None,
        now: float,
    ) -> None:
        validity = self._vrps.validate(prefix, origin).state if self._vrps is not None else Validity.UNKNOWN
        kind = AnomalyKind.NEW_ORIGIN if prefix in usual else AnomalyKind.NEW_MORE_SPECIFIC
        if origin in self._target.allowed_origins or validity is Validity.VALID:
            kind = AnomalyKind.AUTHORISED
        first_at = rib.first_seen(prefix, origin)
        first_at = min(route.since for route in routes) if first_at is None else first_at
        anomaly = self._anomalies.get((kind, prefix, origin))
        if anomaly is None:
            anomaly = Anomaly(kind, prefix, origin, expected, first_at, now)
            anomaly.after_withdrawal = withdrawn_at is not None and first_at >= withdrawn_at
            self._anomalies[(kind, prefix, origin)] = anomaly
        anomaly.active, anomaly.last_at, anomaly.validity = True, now, validity
        anomaly.peers = max(anomaly.peers, len(routes))
        anomaly.peers_of = max(anomaly.peers_of, carrying, len(routes))
        anomaly.path = min(routes, key=lambda route: (route.since, str(route.path))).path

    def _withdrawals(self, rib: Rib, usual: set[Prefix], carrying: set[PeerKey], now: float) -> float | None:
        """Note a usual prefix that most peers lost; gives when that was, the median of the withdrawals."""
        latest = None
        for prefix in sorted(usual, key=str):
            lost = {peer: at for peer, (at, _) in rib.last_withdrawn(prefix).items() if peer not in carrying}
            had = len(lost) + len(rib.routes(prefix))
            if not lost or len(lost) < WITHDRAWN_SHARE * had:
                continue
            at = sorted(lost.values())[len(lost) // 2]
            anomaly = self._anomalies.setdefault(
                (AnomalyKind.WITHDRAWN, prefix, None),
                Anomaly(AnomalyKind.WITHDRAWN, prefix, None, self.expected(prefix), at, now),
            )
            anomaly.active, anomaly.last_at = True, now
            anomaly.peers, anomaly.peers_of = len(lost), had
            latest = at if latest is None else min(latest, at)
        return latest

    def _result(self, rib: Rib, usual: set[Prefix], now: float) -> Routing:
        peers: set[PeerKey] = set()
        moved: dict[PeerKey, tuple[float, AsPath | None, AsPath | None]] = {}
        genuine = False
        for prefix in usual:
            routes = rib.routes(prefix)
            peers.update(routes)
            expected = self.expected(prefix)
            genuine = genuine or any(route.path.origins & expected for route in routes.values())
            for peer, move in self._moves.get(prefix, _Moves()).by_peer.items():
                if peer in routes and now - move[0] <= sum(CORRELATION_S):
                    moved[peer] = move
        anomalies = tuple(self._anomalies.values())
        stirred = any(anomaly.active for anomaly in anomalies) or len(moved) > 0.1 * len(peers)
        newest = max(moved.values(), default=None, key=lambda move: move[0])
        return Routing(
            anomalies=anomalies,
            quiet=None if not genuine else not stirred,
            peers=len(peers),
            moved_peers=len(moved),
            moved_at=newest[0] if newest else None,
            example=(newest[1], newest[2]) if newest else (None, None),
        )
