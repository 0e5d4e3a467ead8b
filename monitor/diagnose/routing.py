"""What BGP says of a target's addresses: unusual routes, withdrawals, paths that moved, or quiet. Pure.

A route that is *less* specific than the usual one carries no traffic while the usual one stands, so it
says nothing. Nothing here calls itself a hijack; that is the verdict's word.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.rib import PeerKey, Rib, Route
from monitor.bgp.rpki import VrpTable
from monitor.diagnose.rightful import Rightful, TableOrigins
from monitor.model.asn import Asn
from monitor.model.prefix import Prefix, covers
from monitor.model.route import AsPath
from monitor.model.target import Target
from monitor.model.vrp import Validity

CORRELATION_S = (180.0, 60.0)
"""A route event this long before, or after, the first bad observation belongs to it."""

MOVES_KEPT_S = 3600.0
"""How long a change of path is remembered, for a slow schedule to find the trouble that it made."""

WITHDRAWN_SHARE = 0.6
"""A prefix is withdrawn when this share of the peers that had it lost it."""


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


Move = tuple[float, AsPath | None, AsPath | None]
"""When a peer's path changed, from which, to which."""


@dataclass(frozen=True, slots=True)
class Routing:
    """The routing of one target at one moment.

    `genuine`: whether peers carry a usual route with a rightful origin; None when no peer carries any, so
    that nothing can be said. `peers`: those with a usual prefix. `moves`: the last change of path of each
    of them within the last hour.
    """

    anomalies: tuple[Anomaly, ...] = ()
    genuine: bool | None = None
    peers: int = 0
    moves: tuple[Move, ...] = ()

    def moved_since(self, since: float) -> tuple[Move, ...]:
        """The moves at or after `since`, oldest first."""
        return tuple(move for move in self.moves if move[0] >= since)


@dataclass(frozen=True, slots=True)
class _Moment:
    """What one assessment looks at. `carrying`: the peers with any route to the target's addresses."""

    rib: Rib
    now: float
    usual: set[Prefix]
    carrying: set[PeerKey]


class TargetRouting:
    """Follows the routes towards one target, and keeps what is not usual."""

    def __init__(
        self,
        target: Target,
        table: PrefixTable | None,
        vrps: VrpTable | None,
        dumped: TableOrigins,
    ) -> None:
        self.rightful = Rightful(target, table, dumped)
        self._target = target
        self._vrps = vrps
        self._anomalies: dict[tuple[AnomalyKind, Prefix, Asn | None], Anomaly] = {}
        self._moves: dict[Prefix, dict[PeerKey, Move]] = {}
        self._touched = True

    def learn_address(self, text: str) -> None:
        """An address that the target was resolved to or measured at."""
        if self.rightful.learn_address(text):
            self._touched = True

    @property
    def calm(self) -> bool:
        """Whether nothing changed since the last assessment, which found nothing unusual."""
        return not self._touched and not self._anomalies

    def touch(self, prefix: Prefix | None) -> None:
        """A route of `prefix` changed, or (None) any may have."""
        self._touched = self._touched or prefix is None or self.rightful.concerns(prefix)

    def moved(self, prefix: Prefix, peer: PeerKey, at: float, old: Route | None, new: Route | None) -> None:
        """A peer's path to `prefix` changed at `at`."""
        if self.rightful.concerns(prefix):
            self._moves.setdefault(prefix, {})[peer] = (at, old.path if old else None, new.path if new else None)

    def assess(self, rib: Rib, now: float) -> Routing:
        """The state of the routes at `now`; anomalies that ended are kept with `active` False."""
        self._touched = False
        for anomaly in self._anomalies.values():
            anomaly.active = False
        self.rightful.learn_first(rib, now)
        present = self.rightful.present(rib)
        carrying = {peer for prefix in present for peer in rib.routes(prefix)}
        moment = _Moment(rib, now, self.rightful.usual(rib), carrying)
        withdrawn_at = self._withdrawals(moment)
        for prefix in sorted(present, key=str):
            self._check(moment, prefix, withdrawn_at)
        return self._result(moment)

    def expire(self, before: float) -> None:
        """Forget what ended before `before`."""
        ended = [key for key, gone in self._anomalies.items() if not gone.active and gone.last_at < before]
        for key in ended:
            del self._anomalies[key]

    def _check(self, moment: _Moment, prefix: Prefix, withdrawn_at: float | None) -> None:
        """Look for origins of `prefix` that are not expected there."""
        related = (usual for usual in moment.usual if covers(usual, prefix) or covers(prefix, usual))
        longest = max((usual.prefixlen for usual in related), default=0)
        if prefix.prefixlen < longest and prefix not in moment.usual:
            return
        expected = self.rightful.origins(prefix)
        if not expected:
            return
        by_origin: dict[Asn, list[Route]] = {}
        for route in moment.rib.routes(prefix).values():
            if not route.path.origins & expected:
                for origin in route.path.origins:
                    by_origin.setdefault(origin, []).append(route)
        for origin, routes in by_origin.items():
            anomaly = self._anomaly(moment, prefix, origin, withdrawn_at)
            anomaly.active, anomaly.last_at = True, moment.now
            anomaly.peers = max(anomaly.peers, len(routes))
            anomaly.peers_of = max(anomaly.peers_of, len(moment.carrying))
            anomaly.path = min(routes, key=lambda route: (route.since, str(route.path))).path

    def _anomaly(self, moment: _Moment, prefix: Prefix, origin: Asn, withdrawn_at: float | None) -> Anomaly:
        """The record of an origin that is not expected; a new one where it was not seen before."""
        validity = self._vrps.validate(prefix, origin).state if self._vrps is not None else Validity.UNKNOWN
        kind = AnomalyKind.NEW_ORIGIN if prefix in moment.usual else AnomalyKind.NEW_MORE_SPECIFIC
        if origin in self._target.allowed_origins or validity is Validity.VALID:
            kind = AnomalyKind.AUTHORISED
        anomaly = self._anomalies.get((kind, prefix, origin))
        if anomaly is None:
            seen_at = moment.rib.first_seen(prefix, origin)
            first_at = moment.now if seen_at is None else seen_at
            anomaly = Anomaly(kind, prefix, origin, self.rightful.origins(prefix), first_at, moment.now)
            anomaly.after_withdrawal = withdrawn_at is not None and first_at >= withdrawn_at
            self._anomalies[(kind, prefix, origin)] = anomaly
        anomaly.validity = validity
        return anomaly

    def _withdrawals(self, moment: _Moment) -> float | None:
        """Note a usual prefix that most peers lost; gives when that was, the median of the withdrawals."""
        first = None
        for prefix in sorted(moment.usual, key=str):
            withdrawn = moment.rib.last_withdrawn(prefix).items()
            lost = {peer: at for peer, (at, _) in withdrawn if peer not in moment.carrying}
            had = len(lost) + len(moment.rib.routes(prefix))
            if not lost or len(lost) < WITHDRAWN_SHARE * had:
                continue
            at = sorted(lost.values())[len(lost) // 2]
            anomaly = self._anomalies.setdefault(
                (AnomalyKind.WITHDRAWN, prefix, None),
                Anomaly(AnomalyKind.WITHDRAWN, prefix, None, self.rightful.origins(prefix), at, moment.now),
            )
            anomaly.active, anomaly.last_at = True, moment.now
            anomaly.peers, anomaly.peers_of = len(lost), had
            first = at if first is None else min(first, at)
        return first

    def _result(self, moment: _Moment) -> Routing:
        peers: set[PeerKey] = set()
        moved: dict[PeerKey, Move] = {}
        genuine = False
        for prefix in moment.usual:
            routes = moment.rib.routes(prefix)
            peers.update(routes)
            expected = self.rightful.origins(prefix)
            genuine = genuine or any(route.path.origins & expected for route in routes.values())
            for peer, move in self._moves.get(prefix, {}).items():
                if peer in routes and moment.now - move[0] <= MOVES_KEPT_S:
                    moved[peer] = max(move, moved.get(peer, move), key=lambda item: item[0])
        return Routing(
            anomalies=tuple(self._anomalies.values()),
            genuine=genuine if peers else None,
            peers=len(peers),
            moves=tuple(sorted(moved.values(), key=lambda move: move[0])),
        )
