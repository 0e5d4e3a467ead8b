"""The AS-level path of one traceroute. Pure.

Silent hops and public addresses that no table maps are wildcards, unmapped private hops are left out, and the
number of hops is never used, because load balancers and silent routers change it for no reason. The
destination's own answer is left out too: its address stays the same whoever answers, so it says nothing of who
did; the last network *before* it does.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

from monitor.bgp.address_owners import Owners
from monitor.model.asn import Asn
from monitor.model.prefix import as_address, is_internal
from probes.observation import HopReply, TraceObservation

_REFUSALS = (HopReply.HOST_UNREACHABLE, HopReply.NET_UNREACHABLE, HopReply.ADMIN_PROHIBITED)


@dataclass(frozen=True, slots=True)
class Trail:
    """The AS-level path of one traceroute: `ases` without repetition, nearest first.

    `silent`: how many wildcard hops lie before each of `ases`, and, last, behind the last of them; empty: none.
    """

    ases: tuple[Asn, ...]
    reached: bool
    silent: tuple[int, ...] = ()

    @property
    def tail(self) -> Asn | None:
        """The last network seen before the destination itself."""
        return self.ases[-1] if self.ases else None

    @property
    def gap_before_end(self) -> bool:
        """Whether wildcards lie between the last network and the end, so that others may lie there too."""
        return self.room(len(self.ases)) > 0

    def hands_over(self, near: Asn, far: Asn) -> bool:
        """Whether packets go from one network straight to another, and none can hide between them."""
        return any(
            pair == (near, far) and self.room(index) == 0
            for index, pair in enumerate(pairwise(self.ases), start=1)
        )

    def room(self, index: int) -> int:
        """How many networks may hide in front of `ases[index]` (`len(ases)`: behind the last)."""
        return self.silent[index] if self.silent else 0


def trail_of(trace: TraceObservation, table: Owners, wildcards: Collection[int] = ()) -> Trail:
    """The AS-level path of a traceroute under a prefix-to-AS table.

    An address of several ASes maps to the one before it if that is among them, else to the least. Hops at the
    TTLs `wildcards` count as silent.
    """
    ases: list[Asn] = []
    silent: list[int] = [0]
    for hop in trace.hops:
        if hop.address is None or hop.ttl in wildcards:
            silent[-1] += 1
            continue
        if hop.address == trace.address and hop.reply not in _REFUSALS:
            continue
        address = as_address(hop.address)
        if address is not None and table.is_exchange(address):
            continue  # an exchange's own network: which member answered, nobody can say
        mapped = table.lookup(address) if address is not None else None
        if not mapped:
            silent[-1] += address is None or not is_internal(address)
            continue
        asn = next((asn for asn in ases[-1:] if asn in mapped), min(mapped))
        if ases and ases[-1] == asn:
            silent[-1] = 0  # silent routers inside one network hide no other
            continue
        ases.append(asn)
        silent.append(0)
    return Trail(tuple(ases), trace.reached, tuple(silent))
