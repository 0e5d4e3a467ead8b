"""Whether a target that this one calls is in trouble itself, for a cause of its own."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.diagnose.finding import Finding
from monitor.diagnose.situation import DependencyState, Situation
from monitor.model.verdict import Cause

_OVERLOADED = (Cause.SERVER_OVERLOAD, Cause.UPSTREAM_OVERLOAD)
_BETWEEN = (Cause.PATH_CONGESTION, Cause.ROUTE_CHANGE, Cause.ROUTE_LEAK)
"""Troubles on the vantages' ways to the dependency, which are not the target's own way to it."""


def detect(situation: Situation) -> Iterator[Finding]:
    """One finding per dependency whose state is known, while this target is in trouble."""
    if not situation.trouble:
        return
    for dependency in situation.dependencies:
        if dependency.state is DependencyState.TROUBLED and dependency.cause in _BETWEEN:
            continue
        if dependency.state is DependencyState.TROUBLED:
            rule = "dependency.overloaded" if dependency.cause in _OVERLOADED else "dependency.down"
        elif dependency.state is DependencyState.SUSPECT:
            rule = "dependency.suspect"
        elif dependency.state is DependencyState.FINE:
            rule = "dependency.fine"
        else:
            continue
        cause = dependency.cause.value if dependency.cause is not None else "not named yet"
        yield Finding(
            rule=rule,
            seen=1,
            of=len(situation.dependencies),
            at=situation.onset,
            share=dependency.share,
            values={"name": dependency.name, "cause": cause},
        )
