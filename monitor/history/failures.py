"""Failures by word, and rounds that did not take place."""

from __future__ import annotations

import sqlite3

from monitor.history.answers import Failures, Gap
from monitor.history.glossary import ReadingGlossary
from monitor.history.scope import Scope
from probes.observation import Failure

_MEASURING = ("http", "dns", "trace")


def failures(connection: sqlite3.Connection, glossary: ReadingGlossary, scope: Scope) -> list[Failures]:
    """Each failure word of each (target, vantage, kind), with how many observations there were; most first."""
    found = []
    for kind in _MEASURING:
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
    return sorted(found, key=lambda f: (f.target, -f.count, f.vantage, f.kind, f.failure))


def gaps(connection: sqlite3.Connection, glossary: ReadingGlossary, scope: Scope) -> list[Gap]:
    """Rounds that were due and did not take place, by series, probe and reason."""
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
    return sorted(found, key=lambda g: (g.target, g.vantage, g.probe, g.reason))
