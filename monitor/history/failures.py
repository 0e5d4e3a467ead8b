"""Failures by word, requests by vantage, and rounds that did not take place.

Of a short window the facts are counted; of a long one, and where facts are forgotten, the roll-ups' tallies.
"""

from __future__ import annotations

from collections import defaultdict

from monitor.history.answers import Failures, Gap
from monitor.history.connection import Connection
from monitor.history.glossary import ReadingGlossary
from monitor.history.rollup_reader import Grid, tally_slots
from monitor.history.rollups import FIVE_MINUTES, TALLIED
from monitor.history.scope import Scope
from monitor.model.contact import CONTACT, HEARD
from probes.observation import Failure

LONG_S = 3 * 86_400.0
"""From this length on a window's failures come from the roll-ups: their times are then right to five minutes."""


def failures(
    connection: Connection, glossary: ReadingGlossary, scope: Scope, window: tuple[float, float]
) -> list[Failures]:
    """Each failure word of each (target, vantage, kind), with how many observations there were; most first."""
    if _is_of_rollups(connection, window):
        found = _from_rollups(connection, glossary, scope, window)
    else:
        found = _from_facts(connection, glossary, scope)
    return sorted(found, key=lambda f: (f.target, -f.count, f.vantage, f.kind, f.failure))


def requests(
    connection: Connection, glossary: ReadingGlossary, scope: Scope, window: tuple[float, float]
) -> list[tuple[str, int]]:
    """(vantage, how many HTTP exchanges it had), those that failed among them."""
    counts: dict[int, int] = defaultdict(int)
    if _is_of_rollups(connection, window):
        for _, vantage, name, count, _, _ in tally_slots(connection, scope, _five_minutes(window)):
            counts[vantage] += count if name == "http" else 0
    else:
        rows = connection.execute(
            f"SELECT vantage, count(*) FROM http WHERE {scope.condition} GROUP BY vantage",  # noqa: S608
            scope.values,
        )
        counts.update(rows.fetchall())
    return sorted((glossary.text("vantage", vantage), count) for vantage, count in counts.items() if count)


def _is_of_rollups(connection: Connection, window: tuple[float, float]) -> bool:
    """Whether a window is too long for its facts to be counted, or some of them are forgotten."""
    row = connection.execute("SELECT value FROM counter WHERE name = 'facts_from'").fetchone()
    is_forgotten = row is not None and window[0] * 1e6 < row[0]
    return is_forgotten or window[1] - window[0] >= LONG_S


def _five_minutes(window: tuple[float, float]) -> Grid:
    slot_s = FIVE_MINUTES.slot_s
    return Grid(int(window[0] // slot_s * slot_s), window[1], slot_s, FIVE_MINUTES)


def _from_facts(connection: Connection, glossary: ReadingGlossary, scope: Scope) -> list[Failures]:
    found = []
    for kind in TALLIED:
        rows = connection.execute(
            f"SELECT target, vantage, failure, count(*), min(done), max(done) FROM {kind}"  # noqa: S608
            f" WHERE {scope.condition} GROUP BY target, vantage, failure",
            scope.values,
        ).fetchall()
        of: dict[tuple[int, int], int] = {}
        for target, vantage, _, count, _, _ in rows:
            of[target, vantage] = of.get((target, vantage), 0) + count
        found += [
            Failures(
                target=glossary.text("target", target),
                vantage=glossary.text("vantage", vantage),
                kind=kind,
                failure=Failure(glossary.text("word", failure)),
                count=count,
                of=of[target, vantage],
                first_at=first / 1e6,
                last_at=last / 1e6,
            )
            for target, vantage, failure, count, first, last in rows
            if failure is not None
        ]
    return found


def _from_rollups(
    connection: Connection, glossary: ReadingGlossary, scope: Scope, window: tuple[float, float]
) -> list[Failures]:
    totals: dict[tuple[int, int, str], int] = defaultdict(int)
    failed: dict[tuple[int, int, str, str], tuple[int, int, int]] = {}
    for target, vantage, name, count, first, last in tally_slots(connection, scope, _five_minutes(window)):
        kind, _, failure = name.partition(" ")
        if not failure:
            totals[target, vantage, kind] += count
            continue
        before = failed.get((target, vantage, kind, failure), (0, first, last))
        failed[target, vantage, kind, failure] = (
            before[0] + count, min(before[1], first), max(before[2], last)
        )  # fmt: skip
    return [
        Failures(
            target=glossary.text("target", target),
            vantage=glossary.text("vantage", vantage),
            kind=kind,
            failure=Failure(failure),
            count=count,
            of=totals[target, vantage, kind],
            first_at=first / 1e6,
            last_at=last / 1e6,
        )
        for (target, vantage, kind, failure), (count, first, last) in failed.items()
    ]


def gaps(connection: Connection, glossary: ReadingGlossary, scope: Scope) -> list[Gap]:
    """Rounds that were due and did not take place, by series, probe and reason; the silence of a vantage is one.

    That it is heard is a fact of the same kind, and no gap.
    """
    rows = connection.execute(
        "SELECT target, vantage, probe, reason, count(*), min(done), max(done) FROM not_measured"  # noqa: S608
        f" WHERE {scope.condition} GROUP BY target, vantage, probe, reason",
        scope.values,
    ).fetchall()
    found = [
        Gap(
            target=glossary.text("target", target),
            vantage=glossary.text("vantage", vantage),
            probe=glossary.text("word", probe),
            reason=glossary.text("word", reason),
            count=count,
            first_at=first / 1e6,
            last_at=last / 1e6,
        )
        for target, vantage, probe, reason, count, first, last in rows
    ]
    found = [gap for gap in found if (gap.probe, gap.reason) != (CONTACT, HEARD)]
    return sorted(found, key=lambda g: (g.target, g.vantage, g.probe, g.reason))
