"""Packets end nowhere where BGP put a network before the target that was never next to it.

A new provider is the usual reason for a new neighbour of the origin, and it carries what it attracts. One that
attracts packets and lets them die is a stranger who put the origin's number behind his own (a type-1 hijack in the
words of ARTEMIS), or a provider whose first minute went wrong, which is as urgent.
"""

from __future__ import annotations

from collections.abc import Iterator

from monitor.bgp.episodes import Episode, EpisodeKind, Role
from monitor.diagnose.detectors.routing import FEW_PEERS, relevant
from monitor.diagnose.finding import Finding, strength
from monitor.diagnose.routing import belongs
from monitor.diagnose.situation import Situation
from monitor.diagnose.symptom import SILENT
from monitor.model.evidence import FactRef


def detect(situation: Situation) -> Iterator[Finding]:
    """The vantages that nothing answers and whose traceroutes end elsewhere, since a neighbour is new."""
    silent = [view for view in situation.affected if view.symptom in SILENT]
    lost = [view for view in silent if view.path.is_change]
    if not lost or not any(not view.affected for view in situation.vantages):
        return
    for episode in relevant(situation):
        if _is_new_neighbour(episode) and belongs(episode.first_at, situation.onset):
            yield Finding(
                rule="path.dead_behind_new_neighbour",
                seen=len(lost),
                of=len(silent),
                at=max(situation.onset, episode.first_at),
                share=strength(lost, silent),
                witnesses=tuple(view.vantage for view in lost),
                values={"near": f"AS{episode.offender}", "far": f"AS{episode.origin}"},
                facts=(FactRef(kind="route", at=episode.first_at, prefix=str(episode.prefix)),),
            )
            return


def _is_new_neighbour(episode: Episode) -> bool:
    forged = episode.active and episode.kind is EpisodeKind.FORGED_ORIGIN
    return forged and episode.role is Role.TARGET and episode.peers >= FEW_PEERS and not episode.after_withdrawal
