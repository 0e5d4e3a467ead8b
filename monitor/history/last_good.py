"""When each vantage last had a good answer."""

from __future__ import annotations

from monitor.history.connection import Connection
from monitor.history.glossary import ReadingGlossary
from monitor.history.scope import Scope


def last_good(connection: Connection, glossary: ReadingGlossary, scope: Scope) -> list[tuple[str, float]]:
    """(vantage, time) of the window's newest HTTP exchange that did not fail, where there is one."""
    rows = connection.execute(
        f"SELECT vantage, max(done) FROM http WHERE {scope.condition} AND failure IS NULL GROUP BY vantage",  # noqa: S608
        scope.values,
    )
    return sorted((glossary.text("vantage", vantage), done / 1e6) for vantage, done in rows.fetchall())
