"""A finding whose witnesses are traceroutes that lead to one network, with the traces as its facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.diagnose.finding import Finding, strength
from monitor.diagnose.situation import VantageSituation
from monitor.model.evidence import FactRef

MOST_FACTS = 5
"""Traces that are named with a finding: more show a reader nothing new."""


Views = Sequence[VantageSituation]


def shown_by_traces(rule: str, views: Views, of: Views, values: Mapping[str, str], at: float) -> Finding:
    """What the `views` among those `of` whom it could be seen show, as of `at`, Unix seconds."""
    return Finding(
        rule=rule,
        seen=len(views),
        of=len(of),
        at=at,
        share=strength(views, of),
        witnesses=tuple(view.vantage for view in views),
        values=dict(values),
        facts=tuple(
            FactRef(kind="trace", at=view.path_at or 0.0, vantage=view.vantage) for view in views[:MOST_FACTS]
        ),
    )


def last_seen(views: Views) -> float:
    """When the last of them had traced, Unix seconds: from then on all of it was known."""
    return max(view.path_at or view.latest.known_at for view in views)
