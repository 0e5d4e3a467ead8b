"""Who answers the vantages: the known key, or another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from monitor.bgp.episodes import Episode, EpisodeKind
from monitor.diagnose.finding import Finding, strength
from monitor.diagnose.identity import Identity
from monitor.diagnose.routing import CORRELATION_S
from monitor.diagnose.situation import Situation, VantageSituation
from monitor.model.asn import Asn
from monitor.model.evidence import FactRef

FEWEST_STEADY = 2
"""Networks that get the known key as ever, before it is said that the new one is for some alone."""


def detect(situation: Situation) -> Iterator[Finding]:
    """Known and new keys among the vantages that saw a key since the onset."""
    seen_key = [view for view in situation.vantages if view.identity is not Identity.UNKNOWN]
    same = [view for view in seen_key if view.identity is Identity.SAME]
    new = [view for view in seen_key if view.identity is not Identity.SAME]
    genuine = [view for view in same if view.affected]
    asked = [view for view in seen_key if view.affected]
    if genuine:
        yield _finding("identity.key_known", genuine, asked)
    if new:
        at_risk = [view for view in seen_key if view.affected or view in new]
        yield _finding("identity.new_key", new, at_risk)
        foreign = [view for view in new if view.identity is Identity.NEW_KEY_AND_ISSUER]
        if foreign:
            yield _finding("identity.new_issuer", foreign, at_risk)
        if same:
            yield _finding("identity.two_keys_at_once", new, new)
            yield from _parted_by_distance(situation, new, same)
        yield from _from_elsewhere(situation, new)
        yield from _on_new_way(situation, new, at_risk)
        yield from _before_origin(situation, new, at_risk)


def _from_elsewhere(situation: Situation, new: list[VantageSituation]) -> Iterator[Finding]:
    """Who answers with a new key at the usual address is also at another distance: no deploy moves a server.

    From far away another distance may be much the same. So one vantage tells it, where the server came nearer:
    ways get longer for many reasons, and shorter only when they change.
    """
    placed = [view for view in new if view.rtt_shifted is not None and view.usual_address]
    elsewhere = [view for view in placed if view.rtt_shifted]
    before, _ = CORRELATION_S
    nearer = [view for view in elsewhere if not view.rtt_raised and not view.path.is_change]
    if nearer and not situation.routing.led_elsewhere_since(situation.onset - before):
        found = _finding("identity.new_key_from_nearer", nearer, placed)
        yield replace(found, share=strength(nearer, nearer))
    elif elsewhere and 2 * len(elsewhere) >= len(placed):
        yield _finding("identity.new_key_from_elsewhere", elsewhere, placed)


def _parted_by_distance(
    situation: Situation, new: list[VantageSituation], same: list[VantageSituation]
) -> Iterator[Finding]:
    """At one address some get only the new key, from another distance, while others get the known one as ever.

    A balancer that sends each client to the same server of several parts the keys too, and a site that was set up
    with a wrong certificate; but these stay where they are, or are announced.
    """
    before, _ = CORRELATION_S
    placed = [view for view in new if view.moved is not None and view.usual_address]
    moved = [view for view in placed if view.moved and view.is_given_one_key]
    addresses = {view.latest.observation.address for view in moved}
    well = [view for view in same if not view.affected and not view.rtt_shifted and addresses & view.well_at]
    steady = len({view.network for view in well}) >= FEWEST_STEADY
    if (
        moved
        and steady
        and len(moved) == len(placed)
        and not situation.routing.led_elsewhere_since(situation.onset - before)
    ):
        found = _finding("identity.keys_part_by_distance", moved, placed)
        yield replace(found, values={"well": str(len(well))})


def _on_new_way(
    situation: Situation, new: list[VantageSituation], at_risk: list[VantageSituation]
) -> Iterator[Finding]:
    """A new key at the usual address, since the prefix is reached through a network never seen there."""
    doubtful = [episode for episode in situation.routing.doubtful if episode.kind is not EpisodeKind.LEAK]
    views = [view for view in new if view.usual_address]
    if doubtful and views:
        near, _ = doubtful[0].link or (doubtful[0].offender, None)
        found = _finding("identity.new_key_on_new_way", views, at_risk)
        yield replace(found, values={"prefix": str(doubtful[0].prefix), "near": f"AS{near}"})


def _before_origin(
    situation: Situation, new: list[VantageSituation], at_risk: list[VantageSituation]
) -> Iterator[Finding]:
    """A new key where the path ends in the network in front of the origin that a ROA allows.

    A prefix that has moved leads into its new origin. One whose origin was forged, so that it is RPKI-valid, leads
    to whoever forged it, and he stands right before that origin in the path (Celer 2022).
    """
    for episode in situation.routing.episodes:
        forger = forger_of(episode)
        views = [
            view for view in new if view.trail is not None and view.trail.reached and view.trail.tail == forger
        ]
        if forger is not None and views:
            found = _finding("identity.new_key_before_announced_origin", views, at_risk)
            values = {"prefix": str(episode.prefix), "near": f"AS{forger}", "origin": f"AS{episode.origin}"}
            yield replace(found, values=values)
            return


def forger_of(episode: Episode) -> Asn | None:
    """The network right before an origin that only a ROA vouches for; None: it is not such an episode."""
    if episode.kind is not EpisodeKind.AUTHORISED or episode.path is None:
        return None
    before = [asn for asn in episode.path.sequence if asn != episode.origin]
    return before[-1] if before else None


def _finding(rule: str, views: list[VantageSituation], of: list[VantageSituation]) -> Finding:
    issuers = sorted({view.issuer for view in views if view.issuer})
    return Finding(
        rule=rule,
        seen=len(views),
        of=len(of),
        at=min(view.latest.known_at for view in views),
        share=strength(views, of),
        witnesses=tuple(view.vantage for view in views),
        values={"issuer": "; ".join(issuers[:2]) or "unknown issuer"},
        facts=tuple(
            FactRef(kind="http", at=view.latest.observation.at, vantage=view.vantage) for view in views[:5]
        ),
    )
