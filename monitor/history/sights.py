"""What a window saw of the kinds of things that tell a change: addresses in answers, keys, paths.

Other than the changes, which need a moment at which something turned, this is for two windows that are apart.
Rotating answers are told address by address, since their sets differ with every question. A path is what traces
that agree say together, silent hops being wildcards (`path_changes`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from monitor.history.answers import Seen, Sight
from monitor.history.connection import Connection
from monitor.history.dns_rows import decode_texts
from monitor.history.glossary import ReadingGlossary
from monitor.history.path_changes import Addresses, KnownPath, trace_addresses
from monitor.history.scope import Scope

PathSeries = tuple[str, str, str]
"""Target, vantage, and `method to destination`."""

# Balancing by packet can make any number of paths; more of one series say nothing more.
_MOST_PATHS = 200


@dataclass(slots=True)
class _Tally:
    vantages: set[str] = field(default_factory=set)
    count: int = 0
    first: int = 2**63
    last: int = 0

    def add(self, vantage: str, count: int, first: int, last: int) -> None:
        self.vantages.add(vantage)
        self.count += count
        self.first, self.last = min(self.first, first), max(self.last, last)

    def seen(self, what: Sight, target: str, subject: str, value: str) -> Seen:
        return Seen(
            what=what, target=target, subject=subject, value=value, vantages=tuple(sorted(self.vantages)),
            count=self.count, first_at=self.first / 1e6, last_at=self.last / 1e6,
        )  # fmt: skip


@dataclass(slots=True)
class SeenPath:
    """A path of a series, and when it was walked."""

    known: KnownPath
    tally: _Tally = field(default_factory=_Tally)

    def seen(self, series: PathSeries) -> Seen:
        """As a value; silent hops are `*`."""
        target, vantage, aim = series
        hops = " ".join(address or "*" for address in self.known.addresses())
        return self.tally.seen(Sight.PATH, target, f"{vantage} {aim}", hops)


def keys(connection: Connection, glossary: ReadingGlossary, scope: Scope) -> list[Seen]:
    """The keys that answered, by target."""
    rows = connection.execute(
        "SELECT target, vantage, identity, count(*), min(done), max(done) FROM http"  # noqa: S608
        f" WHERE {scope.condition} AND identity IS NOT NULL GROUP BY target, vantage, identity",
        scope.values,
    ).fetchall()
    found: dict[tuple[str, str], _Tally] = {}
    for target, vantage, identity, *figures in rows:
        key, _, issuer, *_ = glossary.values("identity", identity)
        if key is not None:
            value = f"{key!s}, issued by {issuer!s}" if issuer else str(key)
            name = glossary.text("target", target)
            found.setdefault((name, value), _Tally()).add(glossary.text("vantage", vantage), *figures)
    return [tally.seen(Sight.KEY, target, target, value) for (target, value), tally in sorted(found.items())]


def addresses(connection: Connection, glossary: ReadingGlossary, scope: Scope) -> list[Seen]:
    """What name servers answered, by name and type: each record apart."""
    rows = connection.execute(
        "SELECT target, vantage, question, answer, count(*), min(done), max(done) FROM dns"  # noqa: S608
        f" WHERE {scope.condition} AND answer IS NOT NULL GROUP BY target, vantage, question, answer",
        scope.values,
    ).fetchall()
    found: dict[tuple[str, str, str], _Tally] = {}
    for target, vantage, question, answer, *figures in rows:
        _, _, _, name, rrtype = glossary.values("question", question)
        rcode, answers, *_ = glossary.values("answer", answer)
        said = decode_texts(str(answers)) or (f"no answer ({rcode!s})",)
        for value in said:
            key = (glossary.text("target", target), f"{name!s} {rrtype!s}", value)
            found.setdefault(key, _Tally()).add(glossary.text("vantage", vantage), *figures)
    return [tally.seen(Sight.ADDRESS, *key) for key, tally in sorted(found.items())]


def paths(connection: Connection, glossary: ReadingGlossary, scope: Scope) -> dict[PathSeries, list[SeenPath]]:
    """The paths of each series that contradict each other, at most 200; flows of one series are put together."""
    found: dict[PathSeries, list[SeenPath]] = {}
    for target, vantage, aim, hops, last_ttl, figures in _walks(connection, glossary, scope):
        address, method, *_ = glossary.values("aim", aim)
        name = glossary.text("vantage", vantage)
        ways = found.setdefault((glossary.text("target", target), name, f"{method!s} to {address or '?'!s}"), [])
        way = next((way for way in ways if not way.known.contradicts(hops, last_ttl)), None)
        if way is None:
            if len(ways) == _MOST_PATHS:
                continue
            way = SeenPath(KnownPath())
            ways.append(way)
        way.known.learn(hops, last_ttl)
        way.tally.add(name, *figures)
    return found


def _walks(
    connection: Connection, glossary: ReadingGlossary, scope: Scope
) -> Iterator[tuple[int, int, int, Addresses, int | None, tuple[int, int, int]]]:
    """Each stored path of each series once, those that say most first, so that the others fall to them."""
    rows = connection.execute(
        "SELECT target, vantage, aim, path, reached, count(*), min(done), max(done) FROM trace"  # noqa: S608
        f" WHERE {scope.condition} GROUP BY target, vantage, aim, path, reached",
        scope.values,
    ).fetchall()
    walks = []
    for target, vantage, aim, path, reached, *figures in rows:
        hops, last_ttl = trace_addresses(glossary.text("path", path), reached=bool(reached))
        if hops:
            walks.append((target, vantage, aim, hops, last_ttl, (figures[0], figures[1], figures[2])))
    yield from sorted(walks, key=lambda walk: (*walk[:3], -len(walk[3]), -walk[5][0]))
