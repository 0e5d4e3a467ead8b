"""The statement that finds a fact again, for a person with sqlite3. It speaks to the views and reads no file."""

from __future__ import annotations

from datetime import UTC, datetime

from monitor.model import FactRef

_SLACK_S = 0.002  # the views round to milliseconds
_LONGEST_TRACE_S = 120.0  # a trace is referred to by its end, the view shows its beginning

_VIEWS = {"http": "v_http", "dns": "v_dns", "trace": "v_trace", "route": "v_routes"}
_PLACES = ("target", "vantage", "peer", "prefix")


def statement_of(fact: FactRef) -> str | None:
    """SQL that finds a fact, for `sqlite3 -readonly FILE "..."`; None where the history keeps no such kind.

    Names are quoted as SQL has it and nothing more: who shows or runs it minds terminals and shells.
    """
    view = _VIEWS.get(fact.kind)
    if view is None:
        return None
    since = fact.at - (_LONGEST_TRACE_S if fact.kind == "trace" else _SLACK_S)
    words = [f"at BETWEEN '{_iso(since)}' AND '{_iso(fact.at + _SLACK_S)}'"]
    for column in _PLACES:
        value: str | None = getattr(fact, column)
        if value is not None:
            words.append(f"{column} = '{value.replace(chr(39), chr(39) * 2)}'")
    return f"SELECT * FROM {view} WHERE {' AND '.join(words)}"  # noqa: S608


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
