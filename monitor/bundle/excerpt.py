"""The parts of the tables that a bundle's facts ask for, as the files of an incident folder. Pure.

A table of a million prefixes is cut to those that the facts have addresses in. An answer from the part is the
answer from the whole, for everything that the engine asks about these facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.rpki import VrpTable
from monitor.bgp.watch import Watch
from monitor.model import Asn, RouteEvent, RouteFact, as_address
from probes.observation import DnsObservation, HttpObservation, Observation, TraceObservation


def addresses_of(observations: Iterable[Observation]) -> set[str]:
    """Every address in the observations: of servers, routers and answers."""
    found: set[str] = set()
    for fact in observations:
        match fact:
            case HttpObservation(address=str(address)):
                found.add(address)
            case DnsObservation():
                found.add(fact.server)
                found.update(fact.answers)
            case TraceObservation():
                found.update(hop.address for hop in fact.hops if hop.address is not None)
                found.update(other for hop in fact.hops for other in hop.others)
                if fact.address is not None:
                    found.add(fact.address)
            case _:
                pass
    return found


def prefix_lines(table: PrefixTable, addresses: Iterable[str]) -> Iterator[str]:
    """The longest prefix around each address with its origins, as `prefix_to_as.txt` has it."""
    seen = set()
    for text in sorted(addresses):
        address = as_address(text)
        found = None if address is None else table.lookup_prefix(address)
        if found is not None and found[0] not in seen:
            seen.add(found[0])
            yield f"{found[0]}\t{'_'.join(str(asn) for asn in sorted(found[1]))}\n"


def vrps_json(table: VrpTable, watch: Watch) -> bytes:
    """The VRPs in, at and around watched space, in the validators' JSON.

    One other is kept where there is none: a table without entries would say that nobody knows, and not that nobody
    is authorised.
    """
    roas, other = [], None
    for vrp in table.vrps():
        if watch.covers_event(vrp.prefix):
            roas.append(vrp)
        elif other is None:
            other = vrp
    if not roas and other is not None:
        roas.append(other)
    metadata = {} if table.made_at is None else {"generated": int(table.made_at)}
    return msgspec.json.encode({
        "metadata": metadata,
        "roas": [
            {"prefix": str(vrp.prefix), "asn": int(vrp.asn), "maxLength": vrp.max_length, "ta": vrp.ta}
            for vrp in roas
        ],
    })  # fmt: skip


def networks_of(routes: Iterable[RouteFact], table: PrefixTable | None, addresses: Iterable[str]) -> set[Asn]:
    """Every network on an AS path of the routes, or that an address is in."""
    found: set[Asn] = set()
    for fact in routes:
        if isinstance(fact, RouteEvent) and fact.path is not None:
            for part in fact.path.segments:
                found.update(part if isinstance(part, frozenset) else (part,))
    for text in addresses if table is not None else ():
        address = as_address(text)
        if table is not None and address is not None:
            found.update(table.lookup(address) or ())
    return found
