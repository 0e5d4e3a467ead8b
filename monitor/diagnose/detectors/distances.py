"""What the longer round trips of several vantages say together: one queue, or other ways.

A queue on a full line adds the same to every packet that crosses it, from wherever it comes, and makes no way
shorter. Where ways change, the map says how much longer each becomes; and to some the new way is the shorter one.
So what no single series tells, a longer way from a full one, several tell where neither BGP nor a traceroute saw
anything: the clients of an anycast site that is switched off, for one. Alike are also those whose common last part
is another one; so that says little, and nothing where any way is known to have changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from monitor.diagnose.detectors.network import has_moved
from monitor.diagnose.detectors.symptoms import seconds
from monitor.diagnose.finding import Finding, strength
from monitor.diagnose.situation import Situation, VantageSituation

FEWEST_TRIPS = 2
"""Longer round trips of a vantage before it is known by how much: one may have met a burst."""

FEWEST_ALIKE, ALIKE_SHARE, ALIKE_S = 3, 0.2, 0.004
"""So many independent networks must be late by the same, give or take this share, or so many seconds: queues are
not still."""

TIMES_APART, LEAST_APART_S = 2.0, 0.02
"""One is late by so many times what another one is, and by so many seconds more: no one queue does that."""


def detect(situation: Situation) -> Iterator[Finding]:
    """How the rises of the affected vantages compare, where most of them have longer round trips."""
    raised = {view.vantage: rise_s for view in situation.affected if (rise_s := _rise_s(view)) is not None}
    views = [view for view in situation.affected if view.vantage in raised]
    if not views or 2 * len(views) < len(situation.affected):
        return
    nearer = [view for view in situation.vantages if _came_nearer(view, views)]
    if nearer:
        yield _finding(
            "network.others_nearer", views, strength(nearer, nearer), situation, {"nearer": _names(nearer)}
        )
    least, most = min(raised.values()), max(raised.values())
    values = {"least": seconds(least), "most": seconds(most)}
    networks = len({view.network for view in views})
    if most >= TIMES_APART * least and most - least >= LEAST_APART_S and networks > 1:
        yield _finding("network.rises_apart", views, strength(views, views), situation, values)
    elif networks >= FEWEST_ALIKE and _are_alike(list(raised.values())) and not has_moved(situation):
        yield _finding("network.rises_alike", views, strength(views, views), situation, values)


def _rise_s(view: VantageSituation) -> float | None:
    """By how much the round trips of a vantage are longer since it is bad; None: they are not, or too few."""
    rises = [one.rise_s for one in view.lasting if one.bad and one.rise_s is not None]
    if not view.rtt_raised or len(rises) < FEWEST_TRIPS:
        return None
    rise_s = median(rises)
    return rise_s if rise_s > 0.0 else None


def _came_nearer(view: VantageSituation, raised: Sequence[VantageSituation]) -> bool:
    since = view.nearer_since
    return since is not None and any(other.went_bad_with(since) for other in raised)


def _are_alike(rises: Sequence[float]) -> bool:
    return max(rises) - min(rises) <= max(ALIKE_SHARE * median(rises), ALIKE_S)


def _names(views: Sequence[VantageSituation]) -> str:
    return ", ".join(view.vantage for view in views[:5])


def _finding(
    rule: str, views: list[VantageSituation], share: float, situation: Situation, values: dict[str, str]
) -> Finding:
    return Finding(
        rule=rule,
        seen=len(views),
        of=len(situation.affected),
        at=min(view.latest.known_at for view in views),
        share=share,
        witnesses=tuple(view.vantage for view in views),
        values=values,
    )
