"""Nobody is answered any more from the minute in which a stranger took a part of the target's space.

A server that dies is silent for everybody too. What tells the two apart where no traceroute ran is the moment:
a part that every peer prefers draws all packets to the stranger within seconds. One that few peers carry says
less: it may silence everybody who comes by the provider that took it, or nobody.
"""

from __future__ import annotations

from collections.abc import Iterator

from monitor.bgp.episodes import Episode, EpisodeKind, Role
from monitor.diagnose.detectors.routing import FEW_PEERS, relevant
from monitor.diagnose.finding import Finding
from monitor.diagnose.identity import Identity
from monitor.diagnose.paths.change import PathChange
from monitor.diagnose.situation import Situation, VantageSituation
from monitor.diagnose.symptom import SILENT
from monitor.model.evidence import FactRef

NEARLY_ALL = 0.9
"""What this share of the peers carries explains that everybody is cut off; a few are always late, or filter."""


def detect(situation: Situation) -> Iterator[Finding]:
    """The first taken part that came when the silence did: one that nearly all peers carry, or some."""
    views = situation.vantages
    if not views or not all(_is_cut_off(view) for view in views):
        return
    for episode in relevant(situation):
        if _is_taken(episode) and all(view.went_bad_with(episode.first_at) for view in views):
            by_all = episode.peers >= FEW_PEERS and episode.share >= NEARLY_ALL
            yield Finding(
                rule="routing.taken_as_all_fell_silent" if by_all else "routing.taken_as_they_fell_silent",
                seen=len(views),
                of=len(views),
                at=max(situation.onset, episode.first_at),
                witnesses=tuple(view.vantage for view in views),
                values={"prefix": str(episode.prefix), "origin": f"AS{episode.origin}"},
                facts=(FactRef(kind="route", at=episode.first_at, prefix=str(episode.prefix)),),
            )
            return


def _is_cut_off(view: VantageSituation) -> bool:
    """Whether a vantage hears nothing at all, and nothing says that its packets still get to the server."""
    genuine = view.identity is Identity.SAME or view.path is PathChange.UNCHANGED
    return view.affected and view.symptom in SILENT and not genuine


def _is_taken(episode: Episode) -> bool:
    """A more-specific of a stranger. The usual origin behind a new neighbour is none: whoever is flooded, and
    silent for it, announces a part of his space through those who clean it.
    """
    taken = episode.active and episode.kind is EpisodeKind.NEW_MORE_SPECIFIC and episode.taken
    ours = episode.role is Role.TARGET and not episode.after_withdrawal
    return taken and ours
