"""Whether evidence shows that packets or routes go another way than usual. Pure.

A server that is down, or busy, is so over an unchanged way. Who was told to be down before any traceroute ran may
turn out to be somewhere else; and nobody must be told to leave routing alone where it did change.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from monitor.model.evidence import Evidence

AS_EVER: Final = frozenset({"path.unchanged", "routing.quiet"})
"""Rules that say that all goes as usual."""

UNSEEN: Final = frozenset({"path.stops_short"})
"""Rules of traceroutes that end too early to show either."""


def shows_change(evidence: Iterable[Evidence]) -> bool:
    """Whether a traceroute or a route says that the way is another one."""
    return any(_is_of_ways(one) and one.rule not in AS_EVER | UNSEEN for one in evidence)


def shows_detour(evidence: Iterable[Evidence]) -> bool:
    """Whether traceroutes show that packets go another way."""
    return shows_change(one for one in evidence if one.rule.startswith("path."))


def was_traced(evidence: Iterable[Evidence]) -> bool:
    """Whether anything is known of where packets go."""
    return any(one.rule.startswith("path.") for one in evidence)


def shows_rest(evidence: Iterable[Evidence]) -> bool:
    """Whether something says that ways are as usual, and nothing leaves that in doubt."""
    of_ways = {one.rule for one in evidence if _is_of_ways(one)}
    return bool(of_ways) and of_ways <= AS_EVER


def _is_of_ways(one: Evidence) -> bool:
    return one.rule.startswith(("path.", "routing."))
