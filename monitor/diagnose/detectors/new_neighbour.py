"""What became of packets where BGP put a network before the target that was never next to it.

A new provider is the usual reason for a new neighbour of the origin, and it carries what it attracts to the usual
server. One that attracts packets and lets them die, or answers them itself, is a stranger who put the origin's
number behind his own (a type-1 hijack in the words of ARTEMIS), or a provider whose first minute went wrong.
Traceroutes that end elsewhere say best that they die; where none was made, that those fall silent whom the change
of routes came to, and nobody else. Who answers is told by his key (`identity`); where there is none, by a wrong
answer from another distance.

What tells a stranger's black hole from a provider's bad first minute is time: that minute ends. So death counts in
full only after `PATIENCE_S`, or at once where the neighbour is known to carry nobody's traffic, and so is no
provider at all. And a traceroute that crosses the link straight into the target's network shows a real one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from monitor.bgp.episodes import Episode
from monitor.diagnose.detectors.routing import FEW_PEERS, relevant
from monitor.diagnose.detectors.shown_by_traces import Views, last_seen, shown_by_traces
from monitor.diagnose.finding import Finding, strength
from monitor.diagnose.identity import Identity
from monitor.diagnose.paths.change import PathChange
from monitor.diagnose.routing import carries_nobody, is_new_neighbour
from monitor.diagnose.situation import Situation, VantageSituation
from monitor.diagnose.symptom import ANSWERED_WRONGLY, SILENT
from monitor.model.asn import Asn
from monitor.model.evidence import FactRef
from monitor.model.prefix import as_address, contains

PATIENCE_S = 180.0
"""Sessions come up, filters are loaded and routes converge within minutes (Labovitz 2000 measured up to three)."""

FRESH = 0.25
"""What the rule counts until then: too little to name it, enough to be told as the runner-up."""

LONE_PEER = 0.85
"""What it counts where a single peer shows the new neighbour."""


def detect(situation: Situation) -> Iterator[Finding]:
    """The vantages that nothing answers, or a stranger, since a neighbour is new; its prefixes answer others."""
    by_neighbour: dict[Asn | None, list[Episode]] = {}
    for episode in filter(is_new_neighbour, relevant(situation)):
        by_neighbour.setdefault(episode.offender, []).append(episode)
    for neighbour, episodes in by_neighbour.items():
        if home := situation.brought_home_by(neighbour):
            yield _real(situation, episodes[0], home)
            continue
        if not any(_inside(view, episodes) for view in situation.clean):
            continue
        since = [view for view in situation.affected if _is_since(view, episodes)]
        found = _dead(situation, episodes, [view for view in since if view.symptom in SILENT])
        found = found or _answered(situation, episodes, [view for view in since if _is_elsewhere(view)])
        if found is not None:
            yield found
            return


def _real(situation: Situation, episode: Episode, home: Views) -> Finding:
    """The link to a new neighbour is there: traceroutes cross it."""
    traced = [view for view in situation.vantages if view.trail is not None]
    values = {"near": f"AS{episode.offender}", "far": f"AS{episode.origin}"}
    return shown_by_traces("path.new_neighbour_is_real", home, traced, values, last_seen(home))


def _inside(view: VantageSituation, episodes: list[Episode]) -> list[Episode]:
    """The episodes in whose prefix a vantage's last address lies."""
    address = as_address(view.latest.observation.address or "")
    return [] if address is None else [one for one in episodes if contains(one.prefix, address)]


def _is_since(view: VantageSituation, episodes: list[Episode]) -> bool:
    """Whether a vantage went bad when an episode around its address began."""
    return any(view.went_bad_with(one.first_at) for one in _inside(view, episodes))


def _is_elsewhere(view: VantageSituation) -> bool:
    """Whether somebody without a key answers wrongly, who is not where the server is."""
    moved = view.path is PathChange.ENDS_ELSEWHERE or (view.path is PathChange.UNKNOWN and view.rtt_shifted)
    return view.identity is Identity.UNKNOWN and view.symptom in ANSWERED_WRONGLY and bool(moved)


def _dead(situation: Situation, episodes: list[Episode], silent: list[VantageSituation]) -> Finding | None:
    """Whose packets end elsewhere, or seem to since nobody has traced; the usual way clears the neighbour."""
    elsewhere = [view for view in silent if view.path.is_change]
    traced = any(view.path is not PathChange.UNKNOWN for view in silent)
    views = elsewhere or ([] if traced else silent)
    if not views:
        return None
    rule = "path.dead_behind_new_neighbour" if elsewhere else "routing.dead_behind_new_neighbour"
    found = _finding(situation, episodes, rule, views)
    lasts = situation.now - found.at >= PATIENCE_S or carries_nobody(episodes[0])
    return found if lasts else replace(found, share=found.share * FRESH)


def _answered(situation: Situation, episodes: list[Episode], views: list[VantageSituation]) -> Finding | None:
    return _finding(situation, episodes, "http.stranger_behind_new_neighbour", views) if views else None


def _finding(situation: Situation, episodes: list[Episode], rule: str, views: list[VantageSituation]) -> Finding:
    episode = episodes[0]
    affected = situation.affected
    share = strength(views, affected)
    return Finding(
        rule=rule,
        seen=len(views),
        of=len(affected),
        at=max(episode.first_at, min(view.bad_since or situation.onset for view in views)),
        share=share if episode.peers >= FEW_PEERS else share * LONE_PEER,
        witnesses=tuple(view.vantage for view in views),
        values={"near": f"AS{episode.offender}", "far": f"AS{episode.origin}"},
        facts=(FactRef(kind="route", at=episode.first_at, prefix=str(episode.prefix)),),
    )
