"""The newest request of each target from each vantage, and how many of the requests around it failed.

One walk over a target's rows of the window, which lie together: some 20,000 rows take 30 ms.
"""

from __future__ import annotations

import sqlite3

from monitor.history import http_rows
from monitor.history.answers import Newest
from monitor.history.glossary import ReadingGlossary
from monitor.history.scope import Scope

_COLUMNS = ", ".join(http_rows.COLUMNS)


def newest(connection: sqlite3.Connection, glossary: ReadingGlossary, scope: Scope) -> list[Newest]:
    """One value for each (target, vantage) with a request in the scope, by their names."""
    # SQLite takes the other columns from the row that has the maximum ("Bare columns in an aggregate query").
    rows = connection.execute(
        f"SELECT {_COLUMNS}, max(done), count(*), sum(failure IS NOT NULL) FROM http"  # noqa: S608
        f" WHERE {scope.condition} GROUP BY target, vantage",
        scope.values,
    ).fetchall()
    found = [
        Newest(observation=http_rows.from_row(row[:-3], glossary), rounds=row[-2], failed=row[-1]) for row in rows
    ]
    return sorted(found, key=lambda one: (one.observation.target, one.observation.vantage))
