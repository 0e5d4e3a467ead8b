"""Where the affected vantages' packets go, by traceroute, beside where they used to go."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.bgp.episodes import EpisodeKind
from monitor.diagnose.detectors.routing import relevant
from monitor.diagnose.detectors.shown_by_traces import shown_by_traces
from monitor.diagnose.finding import Finding, strength
from monitor.diagnose.paths.change import PathChange
from monitor.diagnose.paths.trail import Trail
from monitor.diagnose.routing import ALLOWED
from monitor.diagnose.situation import Situation, VantageSituation
from monitor.diagnose.symptom import Symptom

_RULES = {
    PathChange.UNCHANGED: "path.unchanged",
    PathChange.REROUTED: "path.rerouted",
    PathChange.ENDS_ELSEWHERE: "path.ends_elsewhere",
    PathChange.STOPS_SHORT: "path.stops_short",
}

_JOINED = {True: "path.through_new_origin", False: "path.through_allowed_network"}
"""By whether the network took the prefix, or was allowed to."""


def detect(situation: Situation) -> Iterator[Finding]:
    """One finding for each kind of change that the affected vantages' traceroutes show since the onset.

    A path that ends elsewhere is reported by whichever vantage sees it: it is a fault even where the
    answers look right. Where the name fails no packet went to the target: an unchanged path tells nothing there.
    """
    for change, rule in _RULES.items():
        diverted = change is PathChange.ENDS_ELSEWHERE
        pool = situation.vantages if diverted else situation.affected
        traced = [view for view in pool if view.path is not PathChange.UNKNOWN]
        views = [view for view in traced if view.path is change]
        if change is PathChange.UNCHANGED:
            views = [view for view in views if view.symptom is not Symptom.NAME_FAILED]
        if diverted:
            traced = [view for view in traced if view.affected or view in views]
        if views:
            yield _finding(rule, views, traced)
    yield from _through_new_origin(situation)


def _through_new_origin(situation: Situation) -> Iterator[Finding]:
    """Packets that now pass the network which BGP says took the prefix, or may have it: both planes agree."""
    traced = [view for view in situation.vantages if view.trail is not None]
    for episode in relevant(situation):
        rule = _JOINED[episode.taken]
        if not episode.taken and episode.kind not in ALLOWED:
            continue
        if episode.kind is EpisodeKind.FORGED_ORIGIN and situation.brought_home_by(episode.offender):
            continue
        views = [view for view in traced if episode.offender in view.new_networks]
        if views:
            of = [view for view in traced if view.affected or view in views]
            yield Finding(
                rule=rule,
                seen=len(views),
                of=len(of),
                at=min(view.path_at or situation.onset for view in views),
                share=strength(views, of),
                witnesses=tuple(view.vantage for view in views),
                values={"origin": f"AS{episode.offender}", "prefix": str(episode.prefix)},
            )
            return


def _finding(rule: str, views: list[VantageSituation], of: list[VantageSituation]) -> Finding:
    example = views[0]
    values = {
        "new": _new(example),
        "path": _text(example.trail),
        "usual": _text(example.usual_trail),
        "vantage": example.vantage,
    }
    return shown_by_traces(rule, views, of, values, min(view.path_at or view.latest.known_at for view in views))


def _new(view: VantageSituation) -> str:
    """The new networks, and behind which known one the path enters the first of them."""
    if not view.new_networks:
        return "no new network"
    left = view.divergence.behind if view.divergence is not None else None
    networks = ", ".join(f"AS{asn}" for asn in view.new_networks)
    return networks if left is None else f"{networks} behind AS{left}"


def _text(trail: Trail | None) -> str:
    if trail is None or not trail.ases:
        return "no mapped network"
    return " ".join(str(asn) for asn in trail.ases) + ("" if trail.reached else " …")
