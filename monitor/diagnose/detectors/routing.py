"""What BGP says of the target's addresses, as findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from monitor.bgp.episodes import Episode, EpisodeKind, Place, Role
from monitor.bgp.vrp_view import Vrps
from monitor.diagnose.finding import Finding
from monitor.diagnose.networks import weight
from monitor.diagnose.paths.change import PathChange
from monitor.diagnose.routing import CORRELATION_S, Routing, is_new_neighbour
from monitor.diagnose.situation import Situation
from monitor.model.evidence import FactRef
from monitor.model.prefix import covers
from monitor.model.vrp import Validity

_RULES = {
    EpisodeKind.NEW_MORE_SPECIFIC: "routing.new_more_specific",
    EpisodeKind.NEW_ORIGIN: "routing.new_origin",
    EpisodeKind.NEW_LINK: "routing.new_link",
    EpisodeKind.LEAK: "routing.leak",
    EpisodeKind.AUTHORISED: "routing.authorised_origin",
    EpisodeKind.SCRUBBING: "routing.authorised_origin",
    EpisodeKind.SIBLING: "routing.authorised_origin",
    EpisodeKind.WITHDRAWN: "routing.withdrawn",
}
LEAST_OF_LEAK = 0.25

FEW_PEERS = 2
"""A route that fewer peers carry may be one router's mistake."""


def relevant(situation: Situation) -> list[Episode]:
    """The episodes that stand, or stood while the trouble lasted, the weightiest first."""
    return sorted(situation.routing.episodes, key=weightiest)


def weightiest(episode: Episode) -> tuple[bool, bool, bool, int, float, str]:
    """Sorts the episode first that a reader should hear of: of the target, standing, taken, widest, oldest."""
    elsewhere, ended = episode.role is not Role.TARGET, not episode.active
    return elsewhere, ended, not episode.taken, -episode.peers, episode.first_at, str(episode.prefix)


def detect(situation: Situation) -> Iterator[Finding]:
    """Episodes, a quiet table, and paths that moved."""
    episodes = _once_a_story(one for one in relevant(situation) if not _is_hunting(one, situation.routing))
    for episode in episodes:
        part = _part_of_leak(episode, situation.routing) if episode.kind is EpisodeKind.LEAK else 1.0
        if _is_passed_by(episode, episodes):
            part /= 2
        for finding in _episode(episode, situation.routing.vrps):
            yield replace(finding, share=finding.share * part)
    routing = situation.routing
    before, _ = CORRELATION_S
    moves = routing.moved_since(situation.onset - before)
    stirred = routing.stirred_since(situation.onset - before)
    parted = any(at >= situation.onset - before for at in routing.parts_since)
    if situation.trouble and routing.genuine and not (episodes or stirred or parted):
        yield from _quiet(situation)
    if stirred:
        at, old, new = moves[-1]
        yield Finding(
            rule="routing.path_changed",
            seen=len(moves),
            of=routing.peers,
            at=at,
            share=max(0.4, len(moves) / routing.peers),
            values={"old": str(old or "none"), "new": str(new or "none")},
        )


def _quiet(situation: Situation) -> Iterator[Finding]:
    """How far a quiet table speaks: not of those whose packets end in another network.

    Something led them there, so a feed that is quiet of it does not hear what they do, and clears nothing.
    """
    concerned = [view for view in situation.vantages if view.affected or view.diverted]
    traced = [view for view in concerned if view.path is not PathChange.UNKNOWN]
    elsewhere = [view.network for view in traced if view.path is PathChange.ENDS_ELSEWHERE]
    if elsewhere and len(elsewhere) == len(traced):
        return
    peers, heard = situation.routing.peers, 1.0 - weight(elsewhere, [view.network for view in traced])
    yield Finding(rule="routing.quiet", seen=peers, of=peers, at=situation.onset, share=heard)


def _once_a_story(episodes: Iterable[Episode]) -> list[Episode]:
    """The episodes, and of those of one new neighbour, or of one way round to a part, the first alone: he is new
    once, not once a prefix, and all that is odd about ways that lead round is that they do.
    """
    kept: dict[object, Episode] = {}
    for episode in episodes:
        story: object = episode.number
        if episode.disowned_by is not None and not episode.taken:
            story = (episode.prefix, episode.offender)
        elif is_new_neighbour(episode) and not episode.taken:
            story = episode.link
        kept.setdefault(story, episode)
    return list(kept.values())


def _is_passed_by(episode: Episode, episodes: list[Episode]) -> bool:
    """Whether a leaked route has a taken part: packets follow the longer prefix, so the leak moves few of them."""
    return episode.kind is EpisodeKind.LEAK and any(
        one.active
        and one.taken
        and one.role is Role.TARGET
        and one.prefix != episode.prefix
        and covers(episode.prefix, one.prefix)
        for one in episodes
    )


def _is_hunting(episode: Episode, routing: Routing) -> bool:
    """Whether an odd way is what peers tried in vain while the prefix went away: path hunting (Labovitz 2000).

    Longer and longer ways are told for a minute, some of them by networks that never carried it on; where the
    prefix flaps, at each time again, and the loss is one episode.
    """
    before, after = CORRELATION_S
    return episode.kind in (EpisodeKind.LEAK, EpisodeKind.NEW_LINK) and any(
        one.kind is EpisodeKind.WITHDRAWN
        and one.role is Role.TARGET
        and one.first_at - before <= episode.first_at <= max(one.first_at + after, one.last_at + before)
        for one in routing.episodes
    )


def _part_of_leak(episode: Episode, routing: Routing) -> float:
    """The share of the peers whose paths moved since a leak began that moved onto it, at least `LEAST_OF_LEAK`.

    Where nearly all moved elsewhere, something else moved them, and the leak is one peer's new way: by a table of
    relationships that is right in ninety-nine of a hundred, one in a hundred such ways looks leaked.
    """
    before, _ = CORRELATION_S
    moves = routing.moved_since(episode.first_at - before)
    onto = sum(path is not None and episode.offender in path.sequence for _, _, path in moves)
    return max(LEAST_OF_LEAK, min(1.0, onto / len(moves))) if moves else 1.0


def _rule(episode: Episode) -> str:
    """The rule that an episode is worth."""
    if episode.after_withdrawal and episode.taken:
        return "routing.stray_origin"
    if episode.role is Role.HOP:
        return "routing.router_space_taken"
    if episode.role is Role.MAIL:
        return "routing.mail_space_taken"
    if episode.role is Role.NAME_SERVER and episode.taken:
        return "routing.name_server_space_taken"
    if episode.disowned_by is not None:
        return "routing.made_up_more_specific" if episode.taken else "routing.part_round_about"
    if episode.kind is EpisodeKind.FORGED_ORIGIN:
        return "routing.forged_more_specific" if episode.taken else "routing.new_neighbour"
    if episode.kind is EpisodeKind.NEW_LINK and episode.place is Place.MORE_SPECIFIC and episode.on_all_ways:
        return "routing.part_behind_new_link"
    return _RULES[episode.kind]


def _episode(episode: Episode, vrps: Vrps | None) -> Iterator[Finding]:
    near, far = episode.link or (episode.offender, episode.origin)
    values = {
        "prefix": str(episode.prefix),
        "origin": f"AS{episode.origin}",
        "near": f"AS{near}",
        "far": f"AS{far}",
        "offender": f"AS{episode.offender}",
        "disowner": f"AS{episode.disowned_by}",
        "expected": " or ".join(f"AS{asn}" for asn in sorted(episode.expected)) or "unknown",
        "path": str(episode.path) if episode.path is not None else "no path",
        "rpki": episode.validity.state.value + _staleness(episode, vrps),
    }
    fact = FactRef(kind="route", at=episode.first_at, prefix=str(episode.prefix))
    yield Finding(
        rule=_rule(episode),
        seen=episode.peers,
        of=episode.peers_of,
        at=episode.first_at,
        share=1.0 if episode.peers >= FEW_PEERS or episode.peers_of <= FEW_PEERS else 0.7,
        values=values,
        facts=(fact,),
    )
    if episode.taken and episode.validity.state is Validity.INVALID:
        yield Finding(
            rule="routing.rpki_invalid",
            seen=episode.peers,
            of=episode.peers_of,
            at=episode.first_at,
            values=values,
            facts=(fact,),
        )


def _staleness(episode: Episode, vrps: Vrps | None) -> str:
    """How old the VRPs were when the episode began, where that is more than they may be; else nothing.

    As of then and not of now: evidence that reads otherwise every hour looks like news.
    """
    stale_s = vrps.stale_s(episode.first_at) if vrps is not None else None
    if stale_s is None:
        return ""
    age = f"{stale_s / 60.0:.0f} min" if stale_s < 2 * 3600.0 else f"{stale_s / 3600.0:.0f} h"
    return f" (VRPs {age} old)"
