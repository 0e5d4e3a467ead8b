"""Who answers where packets went another way, to whomever they went there.

A key that was never seen is a deploy, and a way by other networks a re-route, on any day. Both at the same
vantages, and nowhere else, are one thing: packets end at somebody else's machine. No deploy knows who took another
way, and no re-route makes a key. Without TLS a wrong page says the same with less force, where the very address
gives others the right one, or no feed tells of a move. What BGP says of it may be nothing: a route that only the
neighbours of a vantage hear leaves no trace at any collector.
"""

from __future__ import annotations

from collections.abc import Iterator

from monitor.diagnose.detectors.shown_by_traces import last_seen, shown_by_traces
from monitor.diagnose.finding import Finding
from monitor.diagnose.identity import NEW_KEYS, Identity
from monitor.diagnose.paths.change import PathChange
from monitor.diagnose.routing import ALLOWED
from monitor.diagnose.situation import Situation, VantageSituation
from monitor.diagnose.symptom import ANSWERED_WRONGLY


def detect(situation: Situation) -> Iterator[Finding]:
    """New keys, or else wrong answers, at those whose packets end in another network, and at nobody else."""
    if any(episode.active and episode.kind in ALLOWED for episode in situation.routing.episodes):
        return  # somebody else may answer, and BGP says who
    allowed = situation.target.allowed_origins
    strayed = [view for view in situation.vantages if _ends_elsewhere(view) and _tail(view) not in allowed]
    keyed = [view for view in situation.vantages if view.identity in NEW_KEYS and view.usual_address]
    found = [view for view in keyed if view in strayed]
    if found and not any(view.path is PathChange.UNCHANGED for view in keyed):
        yield _finding("identity.new_key_on_strange_way", found, keyed)
    elif not keyed:
        yield from _without_key(situation, strayed)


def _without_key(situation: Situation, strayed: list[VantageSituation]) -> Iterator[Finding]:
    """Wrong answers from where the way ends elsewhere, by an address that answers others well, or of which no feed
    says that it has moved: who moves his servers announces it.
    """
    keyless = [view for view in situation.affected if view.identity is Identity.UNKNOWN]
    wrong = [view for view in keyless if view.symptom in ANSWERED_WRONGLY]
    well = frozenset[str]().union(*(view.well_at for view in situation.clean))
    found = [
        view
        for view in wrong
        if view in strayed
        and _arrives(view)
        and (situation.routing.genuine or view.latest.observation.address in well)
    ]
    if found and not any(view.path is PathChange.UNCHANGED for view in wrong):
        yield _finding("http.stranger_on_strange_way", found, wrong)


def _ends_elsewhere(view: VantageSituation) -> bool:
    return view.path is PathChange.ENDS_ELSEWHERE and bool(view.usual_address)


def _tail(view: VantageSituation) -> int | None:
    return view.trail.tail if view.trail is not None else None


def _arrives(view: VantageSituation) -> bool:
    """Whether the trace shows the network right before who answers: no silent hop may hide the usual one there."""
    return view.trail is not None and view.trail.reached and not view.trail.gap_before_end


def _finding(rule: str, views: list[VantageSituation], of: list[VantageSituation]) -> Finding:
    return shown_by_traces(rule, views, of, {"near": f"AS{_tail(views[0])}"}, last_seen(views))
