"""What was heard of prefixes, summed up by prefix and origin, and which prefixes matter to a target."""

from __future__ import annotations

from collections import defaultdict

from monitor.history.answers import RouteSummary
from monitor.history.connection import Connection
from monitor.history.glossary import ReadingGlossary
from monitor.history.resolution import bound_micros
from monitor.history.route_rows import KINDS
from monitor.history.scope import Scope
from monitor.model import AsPath, RouteKind, parse_address

_WITHDRAWAL = KINDS.index(RouteKind.WITHDRAWAL)
# Addresses of one target that are looked up; a content network's name can have answered thousands.
_MAX_ADDRESSES = 500


def around_addresses(connection: Connection, glossary: ReadingGlossary, scope: Scope) -> set[int]:
    """Numbers of the known prefixes that hold an address at which the scope's target was asked."""
    found: set[int] = set()
    rows = connection.execute(
        f"SELECT DISTINCT address FROM http WHERE {scope.condition} AND address IS NOT NULL LIMIT ?",  # noqa: S608
        (*scope.values, _MAX_ADDRESSES),
    ).fetchall()
    for (number,) in rows:
        try:
            address = parse_address(glossary.text("word", number))
        except ValueError:
            continue  # another program's line may hold any text there
        packed = bytes((address.version,)) + address.packed
        found.update(
            n for (n,) in connection.execute("SELECT id FROM prefix WHERE low <= ?1 AND high >= ?1", (packed,))
        )
    return found


def summaries(
    connection: Connection,
    glossary: ReadingGlossary,
    since: float,
    until: float,
    only: set[int] | None,
) -> list[RouteSummary]:
    """Events of [since, until) by prefix and origin; `only`: numbers of the prefixes asked for, None: all."""
    peers: dict[tuple[int, tuple[int, ...]], set[int]] = defaultdict(set)
    counts: dict[tuple[int, tuple[int, ...]], list[int]] = {}
    rows = connection.execute(
        "SELECT prefix, as_path, kind, peer, count(*), min(at), max(at) FROM route"
        " WHERE at >= ? AND at < ? GROUP BY prefix, as_path, kind, peer",
        (bound_micros(since), bound_micros(until)),
    )
    for prefix, path, kind, peer, count, first, last in rows:
        if only is not None and prefix not in only:
            continue
        origins = () if path is None else tuple(sorted(AsPath.parse(glossary.text("as_path", path)).origins))
        key = (prefix, origins)
        peers[key].add(peer)
        entry = counts.setdefault(key, [0, 0, first, last])
        entry[int(kind == _WITHDRAWAL)] += count
        entry[2], entry[3] = min(entry[2], first), max(entry[3], last)
    found = [
        RouteSummary(
            prefix=glossary.text("prefix", prefix),
            origins=tuple(map(int, origins)),
            announcements=announced,
            withdrawals=withdrawn,
            peers=len(peers[prefix, origins]),
            first_at=first / 1e6,
            last_at=last / 1e6,
        )
        for (prefix, origins), (announced, withdrawn, first, last) in counts.items()
    ]
    return sorted(found, key=lambda summary: (summary.first_at, summary.prefix, summary.origins))
