"""The one measurement that would separate the two likeliest causes. Pure."""

from __future__ import annotations

from monitor.diagnose.identity import Identity
from monitor.diagnose.paths.change import PathChange
from monitor.diagnose.situation import DependencyState, Situation
from monitor.diagnose.symptom import SILENT
from monitor.model.verdict import Cause

_ROUTES = frozenset({
    Cause.ROUTE_HIJACK, Cause.ROUTE_CHANGE, Cause.ROUTE_WITHDRAWN, Cause.ROUTE_MOVED, Cause.PATH_CONGESTION,
})  # fmt: skip


def missing_measurement(situation: Situation, first: Cause, second: Cause) -> str | None:
    """What to measure next to tell `first` from `second`, in a sentence; None when nothing more would."""
    affected = situation.affected
    route_question = (first in _ROUTES) or (second in _ROUTES)
    untraced = [view.vantage for view in affected if view.path is PathChange.UNKNOWN]
    if route_question and untraced:
        return f"a traceroute from {untraced[0]} would settle it"
    swallowed = [view.vantage for view in affected if view.symptom in SILENT and view.path.is_change]
    if route_question and swallowed and not situation.routing.episodes:
        # A false route that only the neighbours of a vantage hear swallows its packets without a word in BGP.
        return f"the route of its prefix that the network of {swallowed[0]} has would settle it"
    if Cause.ROUTE_HIJACK in (first, second):
        unseen = situation.routing.genuine is None and not situation.routing.episodes
        if unseen:
            return "routes of its prefix from a BGP feed would settle it"
        unkeyed = [view.vantage for view in affected if view.identity is Identity.UNKNOWN]
        if unkeyed:
            return f"the key that answers {unkeyed[0]} would settle it"
    if len(situation.vantages) < 2:
        return "a measurement from a second vantage would settle it"
    if {first, second} & {Cause.UPSTREAM_OVERLOAD, Cause.UPSTREAM_DOWN}:
        unknown = [item.name for item in situation.dependencies if item.state is DependencyState.UNKNOWN]
        if unknown:
            return f"a probe of {unknown[0]} itself would settle it"
        return "the load figures of the server and of what it depends on would settle it"
    if {first, second} <= {Cause.SERVER_OVERLOAD, Cause.SERVER_DOWN}:
        return "the server's own load figures would settle it"
    return None
