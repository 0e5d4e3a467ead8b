"""Who originated a target's prefixes, seen by how many BGP peers, over time.

A stable route is announced once and then kept in silence, so what stood at the window's start is each peer's last
word of before it. A peer whose session ends takes its routes along: they are unknown then, not withdrawn, and
count no more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from monitor.history.answers import Visibility, VisibilityStep
from monitor.history.connection import Connection
from monitor.history.glossary import ReadingGlossary
from monitor.history.resolution import bound_micros
from monitor.model import AsPath

MOST_EVENTS = 200_000
"""Of one question. All of RIS sends some 100 events a day of a quiet prefix, and 100,000 of a restless one."""

MOST_STEPS = 2_000
"""Of one prefix and origin; beyond, only every so manieth is told."""

Origins = tuple[int, ...]


def visibility(
    connection: Connection, glossary: ReadingGlossary, since: float, until: float, prefixes: set[int]
) -> list[Visibility]:
    """How many peers had each origin of each of the prefixes (their numbers), through [since, until)."""
    found: list[Visibility] = []
    ended = _ends(connection, bound_micros(until))
    left = MOST_EVENTS
    for prefix in sorted(prefixes):
        table = _Table(glossary, since)
        for at, peer, path in _events(connection, prefix, bound_micros(since), bound_micros(until), left, ended):
            left -= 1
            table.put(at, peer, path)
        text = glossary.text("prefix", prefix)
        found += [
            Visibility(prefix=text, origins=origins, steps=_thinned(steps))
            for origins, steps in table.steps.items()
            if any(step.peers for step in steps)
        ]
    return sorted(found, key=lambda one: (one.prefix, one.steps[0].at, one.origins))


class _Table:
    """Each peer's origins of one prefix, and the counts as they change."""

    def __init__(self, glossary: ReadingGlossary, since: float) -> None:
        self._glossary = glossary
        self._since = since
        self._of_peer: dict[int, Origins] = {}
        self._peers: dict[Origins, int] = defaultdict(int)
        self.steps: dict[Origins, list[VisibilityStep]] = defaultdict(list)

    def put(self, at: int, peer: int, path: int | None) -> None:
        """A peer's route from `at` on, microseconds; `path` None: it has none."""
        origins = () if path is None else tuple(sorted(AsPath.parse(self._glossary.text("as_path", path)).origins))
        before = self._of_peer.pop(peer, ())
        if origins:
            self._of_peer[peer] = origins
        if before == origins:
            return
        for changed, by in ((before, -1), (origins, 1)):
            if changed:
                self._peers[changed] += by
                self._note(changed, max(at / 1e6, self._since))

    def _note(self, origins: Origins, at: float) -> None:
        steps = self.steps[origins]
        if steps and steps[-1].at == at:
            steps.pop()
        steps.append(VisibilityStep(at=at, peers=self._peers[origins]))


def _events(
    connection: Connection, prefix: int, since: int, until: int, most: int, ended: dict[int, list[int]]
) -> Iterator[tuple[int, int, int | None]]:
    """(time, peer, path) in order: what stood at `since`, then what came; a session's end is a route's."""
    standing = connection.execute(
        "SELECT at, peer, as_path FROM (SELECT at, peer, as_path,"
        " row_number() OVER (PARTITION BY peer ORDER BY at DESC, seq DESC) AS turn"
        " FROM route WHERE prefix = ? AND at < ?) AS told WHERE turn = 1",
        (prefix, since),
    ).fetchall()
    later = connection.execute(
        "SELECT at, peer, as_path FROM route WHERE prefix = ? AND at >= ? AND at < ? ORDER BY at, seq LIMIT ?",
        (prefix, since, until, max(most, 0)),
    ).fetchall()
    rows: list[tuple[int, int, int | None]] = [*standing, *later]
    peers = {peer for _, peer, _ in rows}
    rows += [(at, peer, None) for peer in peers for at in ended.get(peer, ())]
    return iter(sorted(rows, key=lambda row: row[0]))


def _ends(connection: Connection, until: int) -> dict[int, list[int]]:
    """When each peer's sessions ended."""
    found: dict[int, list[int]] = defaultdict(list)
    for peer, at in connection.execute("SELECT peer, at FROM peer_state WHERE up = 0 AND at < ?", (until,)):
        found[peer].append(at)
    return found


def _thinned(steps: list[VisibilityStep]) -> tuple[VisibilityStep, ...]:
    every = -(-len(steps) // MOST_STEPS)
    return (*steps[:-1:every], steps[-1])
