"""When to look closer: which targets deserve faster probing because of what has just been seen. Pure.

The boost is for the start of a trouble, when each second counts, not for its whole length: so it fires on
edges. They are: the first failure after success of a target at a vantage, slow answers at several vantages at
once, a verdict that becomes a cause, and for a prefix that covers, or lies inside, a target's address space an
origin never seen before, or more peers without the prefix than there were when it last fired. These concern
everybody, and all but the routes also the targets that this one depends on: theirs may be the fault, and it must
be seen in the same seconds. That the round trip between one vantage and a target moved to another level concerns
that vantage: it shall look, and trace the path anew.

It does not boost: it names targets. It knows neither the schedule nor the clock.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf

from monitor.diagnose.latency_watch import ChangedSeries, LatencyWatch
from monitor.hub.address_space import AddressSpace
from monitor.model.asn import Asn
from monitor.model.prefix import Address, Prefix, parse_address
from monitor.model.route import RouteEvent
from monitor.model.target import Target
from monitor.model.verdict import Cause, Verdict
from probes import HttpObservation, Observation

MOST_ADDRESSES = 64
"""Addresses remembered a target, the newest: pools rotate, and a forged answer could name any number."""

MOST_ROUTES = 100_000
"""(prefix, origins) pairs remembered, the newest; watched prefixes have some dozens."""

MOST_WITHDRAWN = 10_000
"""Prefixes whose withdrawals are remembered, those withdrawn last."""

MOST_PEERS = 5_000
"""Peers remembered of a withdrawn prefix; all collectors of RIS and Route Views together have some 2,000."""

WITHDRAWN_AGAIN_S = 3600.0
"""After this long the same withdrawal is news again: one session that flaps must not boost for ever."""

LOOK_AGAIN_S = 900.0
"""A vantage is asked to look closer at a target for its latency once in so long: while it looks it measures six
times as often, so that a noisy way would ask for ever. With boosts of 180 s, a fifth of the time at the most."""

UNEASY_AGAIN_S = 600.0
"""Slowness at several vantages is news again after this long: a service that is slow every other minute must not
be probed fast all day. With boosts of 180 s, a third of the time at the most."""

_NOT_A_CAUSE = frozenset({Cause.OK, Cause.INSUFFICIENT})


@dataclass(slots=True)
class _Withdrawn:
    """The peers (by collector and address) that withdrew a prefix and have not announced it since.

    `told`, `told_at`: how many there were when it last fired, and the time of that event.
    """

    peers: set[tuple[str, str]] = field(default_factory=set)
    told: int = 0
    told_at: float = 0.0


class Reaction:
    """Remembers just enough to see an edge."""

    def __init__(self, targets: Iterable[Target]) -> None:
        self._targets = {target.name: target for target in targets}
        self._failing: set[tuple[str, str, int | None]] = set()
        self._causes: dict[str, Cause] = {}
        self._uneasy: dict[str, float] = {}
        self._addresses: dict[str, OrderedDict[Address, None]] = {name: OrderedDict() for name in self._targets}
        self._space = AddressSpace()
        for target in self._targets.values():
            for prefix in target.prefixes:
                self._space.add(prefix, target.name)
        self._routes: OrderedDict[tuple[Prefix, frozenset[Asn]], None] = OrderedDict()
        self._withdrawn: OrderedDict[Prefix, _Withdrawn] = OrderedDict()
        self._latency = LatencyWatch()
        self._looked: dict[tuple[str, str], float] = {}

    def continue_from(self, before: Reaction) -> None:
        """Take over what `before` remembers: after a reload nothing is an edge that was none without it."""
        self._failing = {series for series in before._failing if series[0] in self._targets}
        self._causes, self._uneasy = dict(before._causes), dict(before._uneasy)
        self._addresses |= {name: seen for name, seen in before._addresses.items() if name in self._targets}
        for name, seen in self._addresses.items():
            for address in seen:
                self._space.add(address, name)
        self._routes, self._withdrawn = before._routes, before._withdrawn
        self._latency, self._looked = before._latency, before._looked

    def to_observations(self, observations: Iterable[Observation]) -> set[str]:
        """The targets that have just begun to fail, and those that they depend on."""
        begun: set[str] = set()
        for seen in observations:
            if not isinstance(seen, HttpObservation) or seen.target not in self._targets:
                continue
            self._remember(seen)
            series = (seen.target, seen.vantage, seen.family)
            if seen.failure is None:
                self._failing.discard(series)
            elif series not in self._failing:
                self._failing.add(series)
                begun.add(seen.target)
        return self._with_upstreams(begun)

    def to_latency(self, observations: Iterable[Observation]) -> list[ChangedSeries]:
        """The round trips that have just moved, of vantages that have not looked closer for it lately."""
        found: list[ChangedSeries] = []
        for seen in observations:
            if not isinstance(seen, HttpObservation) or seen.target not in self._targets:
                continue
            moved, place = self._latency.add(seen), (seen.target, seen.vantage)
            # A clock that was set back asks at once: what it said of the last time is no longer true.
            if moved is not None and not 0.0 <= seen.at - self._looked.get(place, -LOOK_AGAIN_S) < LOOK_AGAIN_S:
                self._looked[place] = seen.at
                found.append(moved)
        return found

    def to_verdicts(self, verdicts: Mapping[str, Verdict]) -> set[str]:
        """The targets whose verdict has just become a cause, or another one, and those that they depend on."""
        changed = {
            name
            for name, verdict in verdicts.items()
            if name in self._targets
            and verdict.cause not in _NOT_A_CAUSE
            and self._causes.get(name) is not verdict.cause
        }
        self._causes = {name: verdict.cause for name, verdict in verdicts.items()}
        return self._with_upstreams(changed)

    def to_unease(self, uneasy: Mapping[str, float]) -> set[str]:
        """The targets that several vantages have just begun to see as bad, and those that they depend on.

        `uneasy`: since when, by target. Slowness comes and goes, so that it counts once in `UNEASY_AGAIN_S`.
        """
        begun = {
            name
            for name, since in uneasy.items()
            if name in self._targets and not 0.0 <= since - self._uneasy.get(name, -inf) < UNEASY_AGAIN_S
        }
        self._uneasy |= {name: uneasy[name] for name in begun}
        return self._with_upstreams(begun)

    def to_routes(self, events: Iterable[RouteEvent]) -> set[str]:
        """The targets whose address space has just got an origin that it never had, or lost routes."""
        touched: set[str] = set()
        for event in events:
            is_news = self._is_new(event) if event.origins else self._is_lost_further(event)
            if is_news:
                touched |= self._space.touched(event.prefix)
        return touched

    def _with_upstreams(self, names: set[str]) -> set[str]:
        return names.union(*(self._targets[name].depends_on for name in names)) & self._targets.keys()

    def _is_new(self, event: RouteEvent) -> bool:
        """Whether nobody announced the prefix with these origins before."""
        if event.prefix in self._withdrawn:
            self._withdrawn[event.prefix].peers.discard((event.collector, event.peer))
        route = (event.prefix, event.origins)
        if route in self._routes:
            return False
        self._routes[route] = None
        if len(self._routes) > MOST_ROUTES:
            self._routes.popitem(last=False)
        return True

    def _is_lost_further(self, event: RouteEvent) -> bool:
        """Whether more peers are without the prefix now than when that last boosted, or that was long ago."""
        withdrawn = self._withdrawn.setdefault(event.prefix, _Withdrawn())
        self._withdrawn.move_to_end(event.prefix)
        if len(self._withdrawn) > MOST_WITHDRAWN:
            self._withdrawn.popitem(last=False)
        if len(withdrawn.peers) < MOST_PEERS:
            withdrawn.peers.add((event.collector, event.peer))
        count = len(withdrawn.peers)
        if count <= withdrawn.told and event.at - withdrawn.told_at < WITHDRAWN_AGAIN_S:
            return False
        withdrawn.told, withdrawn.told_at = count, event.at
        return True

    def _remember(self, seen: HttpObservation) -> None:
        if seen.address is None:
            return
        try:
            address = parse_address(seen.address)
        except ValueError:
            return
        addresses = self._addresses[seen.target]
        addresses[address] = None
        addresses.move_to_end(address)
        self._space.add(address, seen.target)
        if len(addresses) > MOST_ADDRESSES:
            oldest, _ = addresses.popitem(last=False)
            self._space.remove(oldest, seen.target)
