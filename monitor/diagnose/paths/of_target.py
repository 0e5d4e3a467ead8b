"""What the traceroutes of all vantages show of their ways to one target. Pure; nothing is concluded here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitor.bgp.address_owners import Owners
from monitor.diagnose.paths.belief import Belief, Reading, believe, readings
from monitor.diagnose.paths.memory import SETTLED_S, PathMemory, Walked
from monitor.diagnose.paths.trail import Trail
from monitor.diagnose.place import PlaceMemory
from monitor.model.asn import Asn
from probes.observation import TraceObservation

Networks = frozenset[Asn]


class TargetPaths:
    """The paths of every vantage, and what is believed of them. `table` None: no hop is mapped, so none is kept.

    `places`: where the target was met, for a way to where it never was says nothing of the way to it. What is
    asked again is worked out anew only when a trace, a place or a route came in: traces are minutes apart, moments
    seconds.
    """

    def __init__(self, table: Owners | None, places: PlaceMemory) -> None:
        self._table = table
        self._places = places
        self._memories: dict[str, PathMemory] = {}
        self._believed: tuple[object, dict[str, Belief]] = (None, {})
        self._read: dict[str, tuple[object, tuple[Reading, ...]]] = {}

    def add(self, trace: TraceObservation, at: float) -> bool:
        """Take a traceroute; whether it shows a path that is another than all before."""
        if self._table is None or not trace.hops:
            return False
        memory = self._memories.get(trace.vantage)
        if memory is None:
            memory = self._memories[trace.vantage] = PathMemory(self._table)
        return memory.add(trace, at)

    def forget(self, since: float, until: float) -> None:
        """Unlearn what was first seen from `since` to `until`."""
        for memory in self._memories.values():
            memory.forget(since, until)

    def changes(self, vantage: str) -> int:
        """How often something was added for a vantage."""
        memory = self._memories.get(vantage)
        return memory.changes if memory is not None else 0

    def usual(self, vantage: str, onset: float, families: Sequence[int] = (4, 6)) -> Trail | None:
        """The most telling of a vantage's ways that were usual before `onset`; None: none is known."""
        memory = self._memories.get(vantage)
        return (
            most_telling([trail for family in families for trail in memory.usual(onset, family)])
            if memory
            else None
        )

    def walked(self, vantage: str, since: float) -> Sequence[Walked]:
        """A vantage's traces since a moment."""
        memory = self._memories.get(vantage)
        return memory.walked(since) if memory is not None else ()

    def beliefs(self, vantages: Sequence[str], onset: float, told: Networks, home: Networks) -> dict[str, Belief]:
        """What is believed of the path of each vantage that has traced it since the onset.

        `told`: the networks that BGP says took the target's routes; `home`: those it may be in.
        """
        traced = tuple((name, self._memories[name].changes) for name in vantages if name in self._memories)
        asked = (onset, told, home, self._places.met, traced)
        if self._believed[0] != asked:
            self._believed = (asked, self._believe(vantages, onset, told, home))
        return self._believed[1]

    def _believe(self, vantages: Iterable[str], onset: float, told: Networks, home: Networks) -> dict[str, Belief]:
        seen = {name: own for name in vantages if (own := self.readings_of_target(name, onset, home))}
        odd = {name: own[-1] for name, own in seen.items() if own[-1].change.is_change}
        return {
            name: believe(own, [reading for other, reading in odd.items() if other != name], told)
            for name, own in seen.items()
        }

    def readings_of_target(self, vantage: str, onset: float, home: Networks) -> tuple[Reading, ...]:
        """Its readings without those of ways to where the target never was."""
        return tuple(
            reading
            for reading in self.readings(vantage, onset, home)
            if self._places.is_usual(reading.series.address, onset)
            or self._memories[vantage].has_traced(reading.series.address, onset - SETTLED_S)
        )

    def readings(self, vantage: str, onset: float, home: Networks) -> tuple[Reading, ...]:
        """What one vantage's traces since the onset show."""
        memory = self._memories.get(vantage)
        if memory is None:
            return ()
        asked = (onset, home, memory.changes)
        if vantage not in self._read or self._read[vantage][0] != asked:
            self._read[vantage] = (asked, readings(memory, onset, home))
        return self._read[vantage][1]


def most_telling(trails: Sequence[Trail]) -> Trail | None:
    """The most telling of some usual trails: one that reached, with the most networks."""
    return max(trails, key=lambda trail: (trail.reached, len(trail.ases), trail.ases), default=None)
