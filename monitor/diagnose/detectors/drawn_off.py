"""Packets that go where no re-route takes them, and die there, whatever BGP says.

Routes move away from what is broken, never towards it; so two things only a false route does. It takes packets out
of the very network that they are for: whoever they are handed to would hand them back, had he no other way for
them (back and forth, until they expire, is the mark of a network that lost its own inside route). And it draws
packets of several networks into one that was on nobody's way, or on others' only, at the moment from which nothing
answers behind it, while the others are served. One network alone may just have lost its usual provider, and hit
upon another one's fault: that is a change of route. So is what BGP tells of itself: of a network that it shows to
have come into the way, `new_neighbour` and `routing` speak.
"""

from __future__ import annotations

from collections.abc import Iterator

from monitor.diagnose.detectors.new_neighbour import PATIENCE_S
from monitor.diagnose.detectors.shown_by_traces import last_seen, shown_by_traces
from monitor.diagnose.finding import Finding
from monitor.diagnose.paths.trail import Trail
from monitor.diagnose.routing import ALLOWED
from monitor.diagnose.situation import Situation, VantageSituation
from monitor.diagnose.symptom import SILENT
from monitor.model.asn import Asn

FEWEST_NETWORKS = 2
"""So many independent networks must be drawn into one place."""


def detect(situation: Situation) -> Iterator[Finding]:
    """Those whose packets leave the target's network again, else those that one network draws in and drops."""
    if any(episode.active and episode.kind in ALLOWED for episode in situation.routing.episodes):
        return
    own = situation.expected_origins | situation.target.siblings
    traced = [(view, view.trail) for view in situation.affected if view.trail is not None and view.path.is_change]
    out = next((into for _, trail in traced if (into := handed_on(trail, own)) is not None), None)
    if out is not None:
        views = [view for view, trail in traced if out in (handed_on(trail, own), trail.tail)]
        yield _finding("path.out_of_its_own_network", views, [view for view, _ in traced], out)
        return
    unheard = {trail.ases[-1] for _, trail in traced if trail.ases and not trail.reached} - own
    for into in sorted(unheard - situation.routing.networks_of_late):
        yield from _swallowed(situation, into, [view for view, trail in traced if trail.tail == into])


def handed_on(trail: Trail, own: frozenset[Asn]) -> Asn | None:
    """To whom the target's own network hands packets on that never come back to it; None: it does not.

    Networks before it do not count, nor does a loop between it and another.
    """
    places = [index for index, asn in enumerate(trail.ases) if asn in own]
    if not places or places[-1] - places[0] >= len(places) or places[-1] + 1 >= len(trail.ases):
        return None
    return trail.ases[places[-1] + 1]


def _swallowed(situation: Situation, into: Asn, ending: list[VantageSituation]) -> Iterator[Finding]:
    """Those of the `ending` in a network that hear nothing, where it drew some of them in and serves nobody."""
    dead = [view for view in ending if view.symptom in SILENT]
    drawn = [view for view in dead if into in view.new_networks]
    if not drawn or len({view.network for view in dead}) < FEWEST_NETWORKS:
        return
    since = min(view.bad_since or situation.now for view in dead)
    by_it = [view for view in situation.clean if view.trail is not None and into in view.trail.ases]
    if situation.clean and not by_it and situation.now - since >= PATIENCE_S:
        yield _finding("path.drawn_in_and_dead", dead, dead, into)


def _finding(rule: str, views: list[VantageSituation], of: list[VantageSituation], into: Asn) -> Finding:
    return shown_by_traces(rule, views, of, {"near": f"AS{into}"}, last_seen(views))
