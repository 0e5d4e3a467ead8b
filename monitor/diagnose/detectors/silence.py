"""Nobody is answered any more from the minute in which a stranger took a part of the target's space.

A server that dies is silent for everybody too. What tells the two apart where no traceroute ran is the moment:
a part that every peer prefers draws all packets to the stranger within seconds. One that few peers carry says
less: it may silence everybody who comes by the provider that took it, or nobody.

Whose packets the stranger does not get is no witness against those whose he does: some fail from that minute on,
and nothing genuine is heard by them again, be it silence that they hear or somebody's wrong answers.

A part that its owner may have had told to one network alone (`bgp.episodes.detour`) is no stranger's by itself.
Nor would he lose his packets there: where those fail whom it draws, and they are as many as it must,
suspicion is due.
"""

from __future__ import annotations

from collections.abc import Iterator

from monitor.bgp.episodes import Episode, EpisodeKind, Role
from monitor.diagnose.detectors.new_neighbour import PATIENCE_S
from monitor.diagnose.detectors.routing import FEW_PEERS, relevant
from monitor.diagnose.finding import Finding, strength
from monitor.diagnose.identity import Identity
from monitor.diagnose.paths.change import PathChange
from monitor.diagnose.situation import Situation, VantageSituation
from monitor.diagnose.symptom import ANSWERED_WRONGLY, SILENT
from monitor.model.evidence import FactRef
from monitor.model.prefix import as_address, contains

NEARLY_ALL = 0.9
"""What this share of the peers carries explains that everybody is cut off; a few are always late, or filter."""

AT_ONCE_S = 10.0
"""How much later than its first packets a part may be heard of."""

DRAWN = 0.5
"""Vantages must be drawn to a part at least half as often as peers are: else it leads to who serves them."""


def detect(situation: Situation) -> Iterator[Finding]:
    """The first taken space that came when the trouble did, a part or all of it, at nearly all peers or some."""
    for episode in relevant(situation):
        if not _is_taken(episode, situation.now):
            continue
        if _is_new_neighbours(episode) and situation.brought_home_by(episode.offender):
            continue
        views = [view for view in situation.affected if _is_led_off(view) and _came_with(view, episode)]
        silent = [view for view in views if view.symptom in SILENT]
        if episode.kind is EpisodeKind.NEW_MORE_SPECIFIC and silent and len(silent) == len(situation.vantages):
            by_all = episode.peers >= FEW_PEERS and episode.share >= NEARLY_ALL
            rule = "routing.taken_as_all_fell_silent" if by_all else "routing.taken_as_they_fell_silent"
            yield _finding(situation, episode, rule, silent)
            return
        inside = [view for view in views if _is_in(view.latest.observation.address, episode)]
        if inside and not _is_round_about(episode):
            yield _finding(situation, episode, "routing.taken_as_they_failed", inside)
            return
        if inside and len(inside) >= DRAWN * episode.share * len(_askers(situation, episode)):
            yield _finding(situation, episode, "routing.failed_since_round_about", inside)
            return


def _finding(situation: Situation, episode: Episode, rule: str, views: list[VantageSituation]) -> Finding:
    return Finding(
        rule=rule,
        seen=len(views),
        of=len(situation.affected),
        at=max(situation.onset, episode.first_at),
        share=strength(views, situation.affected) if len(views) < len(situation.vantages) else 1.0,
        witnesses=tuple(view.vantage for view in views),
        values={
            "prefix": str(episode.prefix),
            "origin": f"AS{episode.offender}",
            "disowner": f"AS{episode.disowned_by}",
        },
        facts=(FactRef(kind="route", at=episode.first_at, prefix=str(episode.prefix)),),
    )


def _askers(situation: Situation, episode: Episode) -> list[VantageSituation]:
    """Those who asked an address in the part last."""
    return [view for view in situation.vantages if _is_in(view.latest.observation.address, episode)]


def _is_round_about(episode: Episode) -> bool:
    """Whether its owner may have had the part told to one network alone."""
    return episode.disowned_by is not None and not episode.taken


def _is_led_off(view: VantageSituation) -> bool:
    """Whether a vantage fails, and nothing says that its packets still get to the server."""
    genuine = view.identity is Identity.SAME or view.path is PathChange.UNCHANGED
    return view.symptom in SILENT | ANSWERED_WRONGLY and not genuine


def _is_in(text: str | None, episode: Episode) -> bool:
    address = as_address(text or "")
    return address is not None and contains(episode.prefix, address)


def _is_taken(episode: Episode, now: float) -> bool:
    """A stranger's, or one that was made up, or may have been. The usual origin behind a new neighbour is one when
    a neighbour's bad first minutes are over.
    """
    kinds = (EpisodeKind.NEW_MORE_SPECIFIC, EpisodeKind.NEW_ORIGIN)
    taken = (episode.kind in kinds and episode.taken) or episode.disowned_by is not None
    lasts = _is_new_neighbours(episode) and now - episode.first_at >= PATIENCE_S
    ours = episode.role is Role.TARGET and not episode.after_withdrawal
    return episode.active and (taken or lasts) and ours


def _is_new_neighbours(episode: Episode) -> bool:
    return episode.kind is EpisodeKind.FORGED_ORIGIN and episode.taken and episode.disowned_by is None


def _came_with(view: VantageSituation, episode: Episode) -> bool:
    """Whether a vantage's trouble may come of an episode. Whoever is flooded, and silent for it, announces a part
    of his space through those who clean it: what began before a new neighbour's part did not come of it.
    """
    if (
        _is_new_neighbours(episode)
        and (view.failing_since or view.bad_since or 0.0) < episode.first_at - AT_ONCE_S
    ):
        return False
    return view.went_bad_with(episode.first_at)
