"""Keeps the garbage collector from stopping the monitor: what lives long is looked at no more.

A full collection stops every probe, and the route feed, for as long as it takes to walk all objects: 80-100 ms for
the imported modules, nearly all of it with scapy, and as much for 60 peers' routes to a thousand watched prefixes.
It shows as a slow service, or as a hijack that is known late. Yet nearly nothing of the monitor's is garbage
that only the collector finds: what goes, goes with its last reference.

Called by `whydown run`, `hub` and `agent` before their loops start, and by nothing else: what becomes of the
heap is up to who owns the process, so no probe does it; and commands that end in seconds (`probe`, `once`) gain
less than it costs.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping

from probes.traceroute import prepare

MOST_IN_SIGHT = 10_000
"""What outlives a full collection is put away once it is more than this: walking it takes some 5 ms."""

FULL_EVERY = 3
"""Collections of the middle generation between two full ones (Python's own: 10). Each brings 7,000 objects,
and so a full one walks some 30,000."""

MOST_ADDED = 1_000_000
"""Objects that may be put away before all are looked at again, some 120 MB; or as many as there were the last
time, where that is more. So garbage that was put away when it was none yet can at most double the heap. With a
quarter of it a hub looked at all within its first minutes, for 0.4 s, while agents brought their backlogs."""


class _Keeper:
    """Puts away what outlives full collections, and has all looked at again when that has become much more."""

    def __init__(self) -> None:
        self._needed = gc.get_freeze_count()
        self._room = MOST_ADDED
        self._all_in_sight = False

    def collected(self, phase: str, info: Mapping[str, int]) -> None:
        """The collector's callback, in whichever thread it ran."""
        if phase != "stop" or info["generation"] < 2:
            return
        outlived = len(gc.get_objects(generation=2))
        if outlived <= MOST_IN_SIGHT:
            return
        gc.freeze()
        self._room -= outlived
        if self._all_in_sight or self._room < 0:
            # Counted seldom, since it walks all too. What was freed meanwhile makes room again.
            self._weigh(gc.get_freeze_count())

    def _weigh(self, put_away: int) -> None:
        """Decide whether so much may be garbage that all must be looked at."""
        if self._all_in_sight:
            self._needed, self._all_in_sight = put_away, False
        self._room = max(self._needed, MOST_ADDED) - (put_away - self._needed)
        if self._room < 0:
            # The next full collection walks all, and puts away what it leaves.
            gc.unfreeze()
            self._all_in_sight = True


def tame_collector(*, tracing: bool) -> None:
    """Put everything that was made up to now out of the collector's sight, and what will last when it shows.

    `tracing`: load before what the first traceroute would load. Garbage is collected first, since frozen garbage
    stays. Called once a process.
    """
    if tracing:
        prepare()
    gc.collect()
    gc.freeze()
    gc.callbacks.append(_Keeper().collected)
    gc.set_threshold(*gc.get_threshold()[:2], FULL_EVERY)
