"""Whether the round trip of the affected vantages is as usual: the referee between server and network."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.diagnose.detectors.symptoms import seconds
from monitor.diagnose.finding import Finding, strength
from monitor.diagnose.situation import Situation, VantageSituation


def detect(situation: Situation) -> Iterator[Finding]:
    """Flat or shifted round trips, among the affected vantages that measured one since the onset."""
    measured = [view for view in situation.affected if view.rtt_shifted is not None]
    for rule, views in (
        ("network.rtt_flat", [view for view in measured if not view.rtt_shifted]),
        ("network.rtt_shifted", [view for view in measured if view.rtt_shifted]),
    ):
        if views:
            yield Finding(
                rule=rule,
                seen=len(views),
                of=len(measured),
                at=min(view.latest.known_at for view in views),
                share=strength(len(views), len(measured)),
                witnesses=tuple(view.vantage for view in views),
                values=_figures(views),
            )


def _figures(views: list[VantageSituation]) -> dict[str, str]:
    widest = max(views, key=lambda view: abs((view.rtt_s or 0.0) - (view.usual_rtt_s or 0.0)))
    return {"rtt": seconds(widest.rtt_s), "usual_rtt": seconds(widest.usual_rtt_s), "vantage": widest.vantage}
