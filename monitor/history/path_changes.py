"""Path changes: a traceroute series in which known hops moved.

Routers answer when they like, so a silent hop is a wildcard: what is known of a path is put together over
the traces that agree with each other, and a change is a trace that contradicts it, at one TTL or in the
TTL of the destination. Then the new trace is what is known. Series are kept apart by address, method and
flow, because load balancers send other flows other ways (constant flow identifiers: Augustin et al., 2006).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.history.answers import PathChange
from monitor.history.connection import Connection
from monitor.history.glossary import ReadingGlossary
from monitor.history.scope import Scope
from monitor.history.trace_rows import decode_hops

Addresses = dict[int, str]
"""TTL -> address, only where one is known."""


@dataclass(slots=True)
class KnownPath:
    """What is known of one path of a series."""

    hops: Addresses = field(default_factory=dict)
    last_ttl: int | None = None
    """The destination's TTL; None: not reached yet."""

    def contradicts(self, hops: Addresses, last_ttl: int | None) -> bool:
        """Whether one trace cannot be of this path."""
        if last_ttl is not None and self.last_ttl is not None and last_ttl != self.last_ttl:
            return True
        return any(self.hops.get(ttl, address) != address for ttl, address in hops.items())

    def learn(self, hops: Addresses, last_ttl: int | None) -> None:
        """Add what a trace of this path knows."""
        self.hops.update(hops)
        self.last_ttl = last_ttl if self.last_ttl is None else self.last_ttl

    def addresses(self) -> tuple[str | None, ...]:
        """The path from TTL 1 on; None where nobody ever answered."""
        return tuple(self.hops.get(ttl) for ttl in range(1, max(self.hops, default=0) + 1))


def trace_addresses(stored: str, *, reached: bool) -> tuple[Addresses, int | None]:
    """Who answered where on a stored path, and the destination's TTL if it was reached."""
    hops = {hop.ttl: hop.address for hop in decode_hops(stored) if hop.address}
    return hops, max(hops, default=None) if reached else None


def path_changes(connection: Connection, glossary: ReadingGlossary, scope: Scope) -> list[PathChange]:
    """Changes of the address path as each was first seen, in that order; the same one of several flows is one."""
    known: dict[tuple[int, int, int], KnownPath] = {}
    last_path: dict[tuple[int, int, int], tuple[int, int]] = {}
    found: dict[tuple[object, ...], PathChange] = {}
    for target, done, vantage, aim, path, reached in connection.execute(
        f"SELECT target, done, vantage, aim, path, reached FROM trace WHERE {scope.condition}"  # noqa: S608
        " ORDER BY done, seq",
        scope.values,
    ):
        series = (target, vantage, aim)
        if last_path.get(series) == (path, reached):
            continue
        last_path[series] = (path, reached)
        hops, last_ttl = trace_addresses(glossary.text("path", path), reached=bool(reached))
        before = known.get(series)
        if before is None or before.contradicts(hops, last_ttl):
            now = known[series] = KnownPath(hops, last_ttl)
            if before is not None:
                _note(found, series, before.addresses(), now.addresses(), done / 1e6, glossary)
        else:
            before.learn(hops, last_ttl)
    return sorted(found.values(), key=lambda change: change.first_at)


def _note(
    found: dict[tuple[object, ...], PathChange],
    series: tuple[int, int, int],
    old: tuple[str | None, ...],
    new: tuple[str | None, ...],
    at: float,
    glossary: ReadingGlossary,
) -> None:
    """Add a change, or count it when the same one was seen before, be it by another flow."""
    target, vantage, aim = series
    address, method, *_ = glossary.values("aim", aim)
    change = (target, vantage, address, method, old, new)
    earlier = found.get(change)
    found[change] = PathChange(
        target=glossary.text("target", target),
        vantage=glossary.text("vantage", vantage),
        address=None if address is None else str(address),
        method=str(method),
        old=old,
        new=new,
        first_at=at if earlier is None else earlier.first_at,
        last_at=at,
        count=1 if earlier is None else earlier.count + 1,
    )
