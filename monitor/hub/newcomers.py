"""Observations with addresses that were not met lately: what the feeds have to learn of. Pure.

A partition sees every fact of its targets, the feeds need only what widens the space that they watch. After
`AGAIN_S` an address counts as new once more, for feeds that have begun anew meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from probes import DnsObservation, HttpObservation, Observation, TraceObservation

AGAIN_S = 600.0

MOST_KNOWN = 200_000
"""Addresses remembered: routers on the ways of a thousand vantages."""


class Newcomers:
    """Remembers (target, address)."""

    def __init__(self) -> None:
        self._known: set[tuple[str, str]] = set()
        self._since: float | None = None

    def among(self, seen: Iterable[Observation], now: float) -> Iterator[Observation]:
        """Those of the observations that bring an address; `now`: Unix seconds."""
        if self._since is None or now - self._since >= AGAIN_S or len(self._known) > MOST_KNOWN:
            self._since = now
            self._known.clear()
        for one in seen:
            places = {(one.target, address) for address in _addresses(one)}
            if places - self._known:
                self._known |= places
                yield one


def _addresses(seen: Observation) -> Iterator[str]:
    match seen:
        case HttpObservation():
            # One without an address says at least that its target was tried: the feeds wait for that.
            yield seen.address or ""
        case DnsObservation():
            yield seen.server
            yield from seen.answers
        case TraceObservation():
            yield from (hop.address for hop in seen.hops if hop.address is not None)
