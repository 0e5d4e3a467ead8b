"""What the affected vantages see, symptom by symptom, each weighted by the share that sees it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from monitor.diagnose.finding import Finding
from monitor.diagnose.situation import Situation, VantageSituation
from monitor.diagnose.symptom import Judged, Symptom
from monitor.model.evidence import FactRef

_SERVED = frozenset({Symptom.NONE, Symptom.THINK_TIME})


def detect(situation: Situation) -> Iterator[Finding]:
    """One finding for each symptom that an affected vantage shows."""
    affected = situation.affected
    by_rule: dict[str, list[VantageSituation]] = {}
    closed = not _serves_some(situation.vantages)
    for view in affected:
        if view.symptom is not Symptom.NONE:
            turned_away = view.turned_away and closed
            by_rule.setdefault("http.turned_away" if turned_away else f"http.{view.symptom}", []).append(view)
    for rule, views in sorted(by_rule.items()):
        yield Finding(
            rule=rule,
            seen=len(views),
            of=len(situation.vantages),
            at=min(view.latest.known_at for view in views),
            share=len(views) / len(affected),
            witnesses=tuple(view.vantage for view in views),
            values=_figures(views),
            facts=tuple(_reference(view) for view in views[:5]),
        )


def _serves_some(views: Sequence[VantageSituation]) -> bool:
    """Whether a server that refuses lets somebody in between: served by it after a refusal, and refused again.

    Who is served only before its first refusal, or only after its last, saw the server close or open.
    """
    refused = [one for view in views for one in view.lasting if one.symptom is Symptom.SHEDDING]
    refusing = {one.observation.address for one in refused}
    return any(_is_served_between(view.lasting, refusing) for view in views)


def _is_served_between(exchanges: Sequence[Judged], refusing: AbstractSet[str | None]) -> bool:
    refusals = [index for index, one in enumerate(exchanges) if one.symptom is Symptom.SHEDDING]
    between = exchanges[refusals[0] : refusals[-1]] if refusals else ()
    return any(one.symptom in _SERVED and one.observation.address in refusing for one in between)


def _figures(views: list[VantageSituation]) -> dict[str, str]:
    worst = max(views, key=lambda view: view.think_s or 0.0)
    statuses = sorted({str(view.latest.observation.status) for view in views if view.latest.observation.status})
    words = sorted({view.latest.observation.failure for view in views if view.latest.observation.failure})
    return {
        "think": seconds(worst.think_s),
        "usual_think": seconds(worst.usual_think_s),
        "rtt": seconds(max((view.rtt_s or 0.0) for view in views)),
        "usual_rtt": seconds(max((view.usual_rtt_s or 0.0) for view in views)),
        "status": "/".join(statuses[:4]) or "no status",
        "failure": ", ".join(words[:3]) or "slow",
        "resent": str(max((view.latest.observation.retransmits or 0) for view in views)),
        "connect": seconds(max((view.latest.observation.connect_s or 0.0) for view in views)),
    }


def _reference(view: VantageSituation) -> FactRef:
    observation = view.latest.observation
    return FactRef(kind="http", at=observation.at, vantage=view.vantage, target=observation.target)


def seconds(value: float | None) -> str:
    """A duration as a person reads it: `21 ms`, `3.2 s`, `?` when not measured."""
    if value is None:
        return "?"
    if value < 0.00095:
        return f"{value * 1e6:.0f} µs"
    if value < 0.0095:
        return f"{value * 1000:.1f} ms"
    return f"{value * 1000:.0f} ms" if value < 1.0 else f"{value:.1f} s"
