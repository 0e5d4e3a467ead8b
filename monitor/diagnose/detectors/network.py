"""Whether the round trip of the affected vantages is as usual: the referee between server and network."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.diagnose.detectors.symptoms import seconds
from monitor.diagnose.finding import Finding, strength
from monitor.diagnose.routing import CORRELATION_S
from monitor.diagnose.situation import Situation, VantageSituation
from monitor.diagnose.symptom import Symptom

_NOT_OPENED = (Symptom.LOST_SYN, Symptom.CONNECT_TIMEOUT)

FEWEST_RAISED = 3
"""Vantages whose round trips must all be longer before their common end is to blame."""


def detect(situation: Situation) -> Iterator[Finding]:
    """Flat or shifted round trips, among the affected vantages that measured one since the onset.

    Where all are longer at once, what they have in common is: the last line before the server.
    """
    measured = [view for view in situation.affected if view.rtt_shifted is not None]
    for rule, views in (
        # A line that loses packets need not delay the others.
        ("network.rtt_flat", [view for view in measured if not view.rtt_shifted and not view.loses]),
        ("network.rtt_shifted", [view for view in measured if view.rtt_shifted]),
    ):
        if views:
            yield Finding(
                rule=rule,
                seen=len(views),
                of=len(measured),
                at=min(view.latest.known_at for view in views),
                share=strength(views, measured),
                witnesses=tuple(view.vantage for view in views),
                values=_figures(views),
            )
    yield from _loss(situation)
    raised = tuple(view for view in situation.vantages if view.rtt_raised)
    if len(raised) >= FEWEST_RAISED and len(raised) == len(situation.vantages) and not _has_moved(situation):
        yield Finding(
            rule="network.all_raised",
            seen=len(raised),
            of=len(raised),
            at=min(view.latest.known_at for view in raised),
            share=strength(raised, raised),
            witnesses=tuple(view.vantage for view in raised),
            values=_figures(list(raised)),
        )


def _loss(situation: Situation) -> Iterator[Finding]:
    """Whether packets of open connections are lost: on the way, then, and not at a server that is too busy."""
    told = [view for view in situation.affected if view.loses is not None]
    losing = [view for view in told if view.loses]
    # That nothing is lost says something only where connections are slow to open, or do not.
    closed = [view for view in told if not view.loses and view.symptom in _NOT_OPENED]
    for rule, views in (("network.packets_lost", losing), ("network.only_connecting_fails", closed)):
        if views:
            yield Finding(
                rule=rule,
                seen=len(views),
                of=len(told),
                at=min(view.latest.known_at for view in views),
                share=strength(len(views), len(told)),
                witnesses=tuple(view.vantage for view in views),
            )


def _has_moved(situation: Situation) -> bool:
    """Whether any path is another one, by traceroute or by BGP: then it may be the new way that is longer."""
    before, _ = CORRELATION_S
    moves = situation.routing.moved_since(situation.onset - before)
    return bool(moves) or any(view.path.is_change for view in situation.vantages)


def _figures(views: list[VantageSituation]) -> dict[str, str]:
    widest = max(views, key=lambda view: abs((view.rtt_s or 0.0) - (view.usual_rtt_s or 0.0)))
    return {"rtt": seconds(widest.rtt_s), "usual_rtt": seconds(widest.usual_rtt_s), "vantage": widest.vantage}
