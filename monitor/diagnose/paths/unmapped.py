"""Traceroutes that wait for the answers to whose their hops are. Pure.

The question is asked when a hop is met for the first time, so its answer comes a moment after the trace. Taken in
at once, the trace would show nothing at just the hop that is new.
"""

from __future__ import annotations

from collections.abc import Callable

from monitor.bgp.address_owners import AddressOwners
from monitor.bgp.dns_origins import Place
from monitor.model.prefix import as_address
from probes.observation import TraceObservation

PATIENCE_S = 10.0
"""Longer than a question may take; then the hops that nobody answered for count as silent."""

MOST_WAITING = 1_000
"""Further ones do not wait."""

Held = tuple[TraceObservation, float]
"""A trace and when it was known, Unix seconds."""


class UnmappedTraces:
    """Holds traces back until every public hop has been asked about."""

    def __init__(self, owners: AddressOwners) -> None:
        self._owners = owners
        self._held: list[tuple[Held, set[Place]]] = []

    def hold(self, trace: TraceObservation, known_at: float) -> bool:
        """Keep a trace that must wait; False: it need not."""
        places = {
            place
            for hop in trace.hops
            if hop.address is not None
            and (address := as_address(hop.address)) is not None
            and (place := self._owners.unasked(address)) is not None
        }
        if not places or len(self._held) >= MOST_WAITING:
            return False
        self._held.append(((trace, known_at), places))
        return True

    def told(self, place: Place) -> list[Held]:
        """The traces that waited for this place and no other any more."""
        for _, places in self._held:
            places.discard(place)
        return self._release(lambda held, places: not places)

    def overdue(self, now: float) -> list[Held]:
        """The traces that have waited for long enough."""
        return self._release(lambda held, places: now - held[1] >= PATIENCE_S)

    def _release(self, goes: Callable[[Held, set[Place]], bool]) -> list[Held]:
        released = [held for held, places in self._held if goes(held, places)]
        if released:
            self._held = [(held, places) for held, places in self._held if not goes(held, places)]
        return released
