"""When to look closer: which targets deserve faster probing because of what has just been seen. Pure.

The boost is for the start of a trouble, when each second counts, not for its whole length: so it fires on
edges. They are: the first failure after success of a target at a vantage, a verdict that becomes a cause,
and an origin never seen before for a prefix that covers, or lies inside, a target's address space.

It does not boost: it names targets. It knows neither the schedule nor the clock.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from monitor.model.asn import Asn
from monitor.model.prefix import Address, Prefix, contains, covers, parse_address
from monitor.model.route import RouteEvent
from monitor.model.target import Target
from monitor.model.verdict import Cause, Verdict
from probes import HttpObservation, Observation

MOST_ADDRESSES = 64
"""Addresses remembered a target, the newest: pools rotate, and a forged answer could name any number."""

MOST_ROUTES = 100_000
"""(prefix, origins) pairs remembered, the newest; watched prefixes have some dozens."""

_NOT_A_CAUSE = frozenset({Cause.OK, Cause.INSUFFICIENT})


class Reaction:
    """Remembers just enough to see an edge."""

    def __init__(self, targets: Iterable[Target]) -> None:
        self._targets = {target.name: target for target in targets}
        self._failing: set[tuple[str, str, int | None]] = set()
        self._causes: dict[str, Cause] = {}
        self._addresses: dict[str, OrderedDict[Address, None]] = {name: OrderedDict() for name in self._targets}
        self._routes: OrderedDict[tuple[Prefix, frozenset[Asn]], None] = OrderedDict()

    def to_observations(self, observations: Iterable[Observation]) -> set[str]:
        """The targets that have just begun to fail."""
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
        return begun

    def to_verdicts(self, verdicts: Mapping[str, Verdict]) -> set[str]:
        """The targets whose verdict has just become a cause, or another one."""
        changed = {
            name
            for name, verdict in verdicts.items()
            if name in self._targets
            and verdict.cause not in _NOT_A_CAUSE
            and self._causes.get(name) is not verdict.cause
        }
        self._causes = {name: verdict.cause for name, verdict in verdicts.items()}
        return changed

    def to_routes(self, events: Iterable[RouteEvent]) -> set[str]:
        """The targets whose address space has just got an origin that it never had."""
        touched: set[str] = set()
        for event in events:
            route = (event.prefix, event.origins)
            if not event.origins or route in self._routes:
                continue
            self._routes[route] = None
            if len(self._routes) > MOST_ROUTES:
                self._routes.popitem(last=False)
            touched.update(name for name in self._targets if self._concerns(event.prefix, name))
        return touched

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
        if len(addresses) > MOST_ADDRESSES:
            addresses.popitem(last=False)

    def _concerns(self, prefix: Prefix, name: str) -> bool:
        declared = self._targets[name].prefixes
        return any(covers(prefix, own) or covers(own, prefix) for own in declared) or any(
            contains(prefix, address) for address in self._addresses[name]
        )
