"""Packets of a vantage that left a way that works, for one on which they die, while nothing else moved.

Routes move away from what is broken. A network that lost its provider, and met a fault of the next one, sends all
that went by the first to the second; and a link that breaks further on moves others too. So it is asked what else
the vantage measures, and who else goes the way that it left. Where the provider still carries its packets to
elsewhere, and others to this very target, nothing was wrong with that way: a route for this prefix alone drew the
packets off it, which no collector heard. Time tells a new provider's first minute from it, and a session that
is dead and has not noticed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from monitor.diagnose.detectors.scope import served_well
from monitor.diagnose.detectors.shown_by_traces import last_seen, shown_by_traces
from monitor.diagnose.finding import Finding
from monitor.diagnose.paths.change import PathChange
from monitor.diagnose.routing import ALLOWED, CORRELATION_S
from monitor.diagnose.situation import Situation, VantageSituation
from monitor.model.asn import Asn

HELD_S = 240.0
"""A dead session is noticed after a hold time of 90 s (RFC 4271 section 10) or 180 s (as many routers have it),
and routes converge a minute later. Who still hears nothing then is on a way that is meant to be there."""

FEWEST_ELSEWHERE = 2
"""So much else must be as ever where no traceroute shows that the provider carries it: one of several providers
may have had nothing to do with a lone control."""

SHOWN_IN_PART = 0.8
"""What the rule counts where traceroutes show only that the provider still takes the vantage's packets, and quiet
feeds that nothing became of its way to the target; or others go that way, and so much else is as ever that the
provider must still take them."""


def detect(situation: Situation) -> Iterator[Finding]:
    """The vantages of which this holds, and the network that their packets went into."""
    if not situation.trouble or _may_have_moved(situation) or not served_well(situation):
        return
    astray = [view for view in situation.affected if view.is_astray]
    turned = [(view, turn) for view in astray if (turn := _turn(situation, view)) is not None]
    left = [(view, turn, share) for view, turn in turned if (share := _shown(situation, view, turn.left)) > 0.0]
    if left:
        views = [view for view, _, _ in left]
        usual, near = left[0][1].left, left[0][1].into
        well = len(situation.elsewhere[views[0].vantage])
        values = {"near": f"AS{near}", "usual": f"AS{usual}", "well": str(well)}
        of = [view for view, _ in turned]
        found = shown_by_traces("path.left_what_works", views, of, values, last_seen(views))
        yield replace(found, share=found.share * min(share for _, _, share in left))


def _may_have_moved(situation: Situation) -> bool:
    """Whether anything tells of a route that others follow too, or that the owner himself has made."""
    since, routing = situation.onset - CORRELATION_S[0], situation.routing
    told = routing.alarming or routing.doubtful or routing.blackholed or routing.genuine is False
    allowed = any(one.active and one.kind in ALLOWED for one in routing.episodes)
    moved = routing.stirred_since(since) or routing.parted_since(since)
    return bool(told) or allowed or moved or any(view.path.is_change for view in situation.clean)


@dataclass(frozen=True, slots=True)
class _Turn:
    """The network that a vantage's packets left, and the one that they enter now instead."""

    left: Asn
    into: Asn


def _turn(situation: Situation, view: VantageSituation) -> _Turn | None:
    """Where its packets turn off; None: nowhere that is known, or they get to the target after all, or it is the
    target's own network that they left: that others reach that one says nothing of the way to it.
    """
    parts, usual, trail = view.divergence, view.usual_trail, view.trail
    if parts is None or usual is None or trail is None or trail.reached or parts.behind not in usual.ases:
        return None
    following = usual.ases[usual.ases.index(parts.behind) + 1 :][:1]
    return next((_Turn(asn, parts.into) for asn in following if asn not in situation.expected_origins), None)


def _shown(situation: Situation, view: VantageSituation, usual: Asn) -> float:
    """How far it is shown that the network that a vantage's packets left works; 0.0: it is not."""
    elsewhere = situation.elsewhere.get(view.vantage, ())
    lasts = view.failing_since is not None and situation.now - view.failing_since >= HELD_S
    if not lasts or not all(other.as_ever for other in elsewhere) or _is_left_by_others(situation, usual):
        return 0.0
    takes = any(usual in other.through for other in elsewhere)
    if _leads_there(situation, usual):
        return 1.0 if takes else SHOWN_IN_PART if len(elsewhere) >= FEWEST_ELSEWHERE else 0.0
    return SHOWN_IN_PART if takes and situation.routing.genuine else 0.0


def _leads_there(situation: Situation, usual: Asn) -> bool:
    """Whether packets or routes of others go to the target through that network."""
    traced = (view.trail for view in situation.clean if view.path is PathChange.UNCHANGED)
    shown = any(trail is not None and trail.reached and usual in trail.ases for trail in traced)
    return shown or usual in situation.carrying


def _is_left_by_others(situation: Situation, usual: Asn) -> bool:
    """Whether a peer of a collector gave that network up as well."""
    moves = situation.routing.moved_since(situation.onset - CORRELATION_S[0])
    return any(old is not None and usual in old.sequence for _, old, _ in moves)
