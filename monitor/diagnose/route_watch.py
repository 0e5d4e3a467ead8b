"""What of BGP matters to the targets: tells the detector what is theirs, and what it found of each. Pure.

Watched for a target are its declared prefixes and, as they are met, its addresses, its name servers', its mail
hosts' and the routers' on its way, each in its own role. It is the one place where observations and routes meet
before a verdict; it judges neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from monitor.bgp.address_owners import AddressOwners, Owners
from monitor.bgp.dns_origins import Origin
from monitor.bgp.episodes import Declared, Episode, EpisodeChange, EpisodeKind, Place, Role, RouteDetector
from monitor.bgp.episodes.detector import KEPT_S
from monitor.bgp.rib import PeerKey
from monitor.bgp.vrp_view import VrpView
from monitor.diagnose.fact import Fact
from monitor.diagnose.knowledge import Knowledge
from monitor.diagnose.routing import MOVES_KEPT_S, Move, Routing
from monitor.model.asn import Asn
from monitor.model.prefix import Address, as_address, contains
from monitor.model.route import PeerState, RouteEvent
from monitor.model.target import ORIGINS_TARGET, Target, names_observed
from monitor.model.vrp import VrpChange
from probes.observation import DnsObservation, HttpObservation, TraceObservation

MOST_ADDRESSES = {Role.TARGET: 512, Role.NAME_SERVER: 64, Role.MAIL: 64, Role.HOP: 128}
"""Addresses of each role that are watched for one target; a large CDN rotates through hundreds."""

_TELLING = frozenset(EpisodeKind) - {
    EpisodeKind.NEW_COVERING_ORIGIN,
    EpisodeKind.VISIBILITY_LOSS,
    EpisodeKind.RPKI_INVALID,
    EpisodeKind.VRP_CHANGE,
    EpisodeKind.OWN_DEAGGREGATION,
    EpisodeKind.BLACKHOLE,
    EpisodeKind.AS_SET,
    EpisodeKind.PREPENDING,
    EpisodeKind.PREPEND_TYPO,
}
"""Kinds that can tell one cause from another; the rest is for the list of route events."""


class RouteWatch:
    """The routes of all targets. `kept_s`: how long ended episodes are remembered.

    `owners`: whose an address is, by the table and by what was told since; None: there is neither.
    """

    def __init__(self, knowledge: Knowledge, *, kept_s: float = KEPT_S) -> None:
        vrps = knowledge.vrps
        self._vrps = VrpView(vrps).before(knowledge.vrp_changes) if vrps is not None else None
        self._vrp_changes: list[VrpChange] = []
        self.detector = RouteDetector(
            table=knowledge.prefix_table,
            vrps=self._vrps,
            relationships=knowledge.relationships,
            kept_s=kept_s,
        )
        zone, table = knowledge.origin_zone, knowledge.prefix_table
        self.told = AddressOwners(table, zone) if zone is not None else None
        self.owners: Owners | None = self.told or table
        self._declared = {target.name: _declared(target) for target in knowledge.targets}
        self._prefixes = {target.name: target.prefixes for target in knowledge.targets}
        self._names = names_observed(knowledge.targets)
        self._met: dict[tuple[str, Role], set[str]] = {}
        self._stirred: set[str] = set(self._declared)
        for target in knowledge.targets:
            for prefix in target.prefixes:
                self.detector.watch_prefix(target.name, prefix, self._declared[target.name])

    def take(self, fact: Fact) -> Iterable[EpisodeChange]:
        """Take in a fact: a route, or an observation that shows addresses to watch."""
        if isinstance(fact, RouteEvent | PeerState):
            return self.detector.apply(fact)
        if isinstance(fact, VrpChange):
            self._vrp_changes.append(fact)
        elif isinstance(fact, DnsObservation) and fact.target == ORIGINS_TARGET:
            self.take_origin(fact)
        elif isinstance(fact, HttpObservation | DnsObservation | TraceObservation):
            self._observe(fact)
        return ()

    def take_origin(self, seen: DnsObservation) -> Origin | None:
        """Take in what a DNS service says of a place; what is known of it now, if that is news."""
        origin = self.told.take(seen) if self.told is not None else None
        if origin is not None and origin.prefix is not None:
            self.detector.trust_told(origin.prefix, origin.asns)
        return origin

    def settle(self, now: float) -> list[EpisodeChange]:
        """Let time pass."""
        changes = [*self._revalidate(), *self.detector.settle(now)]
        self._stirred |= self.detector.take_stirred()
        return changes

    def _revalidate(self) -> list[EpisodeChange]:
        """Judge by the VRPs as they are now. Changes are taken together: one ROA for another is no gap between."""
        changed, self._vrp_changes = self._vrp_changes, []
        if not changed or self._vrps is None:
            return []
        self._vrps = self._vrps.after(changed)
        return self.detector.revalidate(self._vrps, changed[-1].at, {change.vrp.prefix for change in changed})

    def is_stirred(self, target: str) -> bool:
        """Whether routes of a target changed since its routing was last asked for."""
        return target in self._stirred

    def routing(self, target: str, now: float, since: float | None = None) -> Routing:
        """The routing of a target at `now`.

        `since`: when the trouble began that goes on, so that what moved then is remembered while it lasts; None:
        there is none.
        """
        self._stirred.discard(target)
        kept_from = (now if since is None else since) - MOVES_KEPT_S
        unusual = self.detector.episodes(target)
        episodes = tuple(filter(_tells, unusual))
        peers: set[PeerKey] = set()
        moved: dict[PeerKey, Move] = {}
        genuine = False
        for prefix, expected in self.detector.carriers(target):
            routes = self.detector.rib.routes(prefix)
            peers.update(routes)
            genuine = genuine or any(route.path.origins & expected for route in routes.values())
            for peer, move in self.detector.moves(prefix).items():
                if peer in routes and move[0] >= kept_from:
                    moved[peer] = max(move, moved.get(peer, move), key=lambda item: item[0])
        if any(episode.active for episode in episodes):
            self._stirred.add(target)
        return Routing(
            episodes=episodes,
            genuine=genuine if peers else None,
            peers=len(peers),
            moves=tuple(sorted(moved.values(), key=lambda move: move[0])),
            parts_since=tuple(one.first_at for one in unusual if _is_part(one)),
            blackholed=any(one.active and one.kind is EpisodeKind.BLACKHOLE for one in unusual),
            vrps=self._vrps,
            part_networks=frozenset(self._part_networks(one for one in unusual if one.first_at >= kept_from)),
        )

    def _part_networks(self, unusual: Iterable[Episode]) -> Iterator[Asn]:
        """The networks on the ways to parts of a target's space that nobody is known to have taken."""
        ours = [one for one in unusual if one.active and one.role is Role.TARGET and not one.taken]
        for prefix in {one.prefix for one in ours if one.place is Place.MORE_SPECIFIC}:
            for route in self.detector.rib.routes(prefix).values():
                yield from route.path.sequence

    def episodes(self, target: str) -> tuple[Episode, ...]:
        """The episodes of a target that can tell one cause from another."""
        return tuple(episode for episode in self.detector.episodes(target) if _tells(episode))

    def home(self, target: str) -> frozenset[Asn]:
        """The networks that a target's addresses lie in."""
        declared = self._declared[target].origins
        return declared or self.detector.home(target)

    def doors(self, target: str) -> frozenset[Asn]:
        """The networks right before the rightful origin on the ways of a target's usual prefixes that peers carry,
        but those of which an episode tells: who was never there before may have put himself there.
        """
        strange = {one.link[0] if one.link is not None else one.offender for one in self.episodes(target)}
        return frozenset(way[-2] for way in self._ways_home(target) if len(way) > 1) - strange

    def carrying(self, target: str) -> frozenset[Asn]:
        """All networks on the ways to the rightful origin that peers have now."""
        return frozenset(asn for way in self._ways_home(target) for asn in way)

    def _ways_home(self, target: str) -> Iterator[tuple[Asn, ...]]:
        for prefix, expected in self.detector.carriers(target):
            for route in self.detector.rib.routes(prefix).values():
                way = route.path.sequence
                if way and way[-1] in expected:
                    yield way

    def _observe(self, seen: HttpObservation | DnsObservation | TraceObservation) -> None:
        """Only what the zone's own servers, or no one else, answered is a target's address."""
        target = self._names.get(seen.target)
        if target is None:
            return
        if isinstance(seen, DnsObservation):
            if seen.role == "authoritative":
                self._observe_names(seen, target)
            return
        if seen.address is not None:
            self._meet(seen.target, seen.address, Role.TARGET)
        if isinstance(seen, TraceObservation) and self.owners is not None:
            for hop in seen.hops:
                if hop.address is not None and hop.address != seen.address:
                    self._meet(seen.target, hop.address, Role.HOP)

    def _observe_names(self, seen: DnsObservation, target: str) -> None:
        """What the servers of a zone answered, and where they are; of the mail's domain only its hosts matter."""
        is_mail = seen.target != target
        if not is_mail:
            self._meet(target, seen.server, Role.NAME_SERVER)
        if seen.rrtype in ("A", "AAAA"):
            for answer in seen.answers:
                self._meet(target, answer, Role.MAIL if is_mail else Role.TARGET)

    def _meet(self, target: str, text: str, role: Role) -> None:
        met = self._met.setdefault((target, role), set())
        if text in met or len(met) >= MOST_ADDRESSES[role]:
            return
        address = as_address(text)
        if address is None:
            return
        met.add(text)
        declared = self._declared[target] if role is Role.TARGET and self._is_own(target, address) else Declared()
        if self.detector.watch_address(target, address, role, declared):
            self._stirred.add(target)

    def _is_own(self, target: str, address: Address) -> bool:
        """Whether what is declared of a target's origins is meant of this address too.

        One outside of all declared prefixes, or in another network than declared, may come from a poisoned
        resolver: it belongs to whoever the table says, and that network's own announcements take nothing from
        anybody.
        """
        prefixes = self._prefixes[target]
        if prefixes:
            return any(contains(prefix, address) for prefix in prefixes)
        declared = self._declared[target]
        found = self.owners.lookup_prefix(address) if self.owners is not None else None
        if found is None or not declared.origins:
            return True
        return not found[1].isdisjoint(declared.origins | declared.allowed | declared.siblings)


def _tells(episode: Episode) -> bool:
    """Whether an episode can tell one cause from another: of a router on the way or a mail host, only that its
    space is taken."""
    harmless = episode.kind not in _TELLING and episode.disowned_by is None
    if harmless or episode.place in (Place.BESIDE, Place.LESS_SPECIFIC):
        return False
    return episode.role not in (Role.HOP, Role.MAIL) or episode.taken


def _is_part(episode: Episode) -> bool:
    """Whether packets to the target follow a part of a usual prefix that its own network announces."""
    own = episode.kind in (EpisodeKind.OWN_DEAGGREGATION, EpisodeKind.RPKI_INVALID)
    return (
        own
        and episode.disowned_by is None
        and episode.place is Place.MORE_SPECIFIC
        and episode.role is Role.TARGET
    )


def _declared(target: Target) -> Declared:
    return Declared(target.origins, target.allowed_origins, target.siblings)
