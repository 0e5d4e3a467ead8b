"""What new VRPs change for a usual route: its ROA was made, changed or lost. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.bgp.episodes.episode import EpisodeKind, Reason, ReasonWord
from monitor.bgp.episodes.ground import Ground
from monitor.bgp.episodes.judgement import Judgement
from monitor.bgp.vrp_view import Vrps


def vrp_changes(ground: Ground, before: Vrps, after: Vrps) -> Iterator[Judgement]:
    """One for each expected origin of a prefix whose validity, or what decides it, is another than before."""
    for origin in sorted(ground.expected):
        was, now = (vrps.validate(ground.prefix, origin) for vrps in (before, after))
        if was != now:
            text = f"{ground.prefix} by AS{origin} was RPKI {was.state.value} and is {now.state.value}"
            yield Judgement(
                kind=EpisodeKind.VRP_CHANGE, origin=origin, offender=None, validity=now,
                reasons=(Reason(ReasonWord.VRPS_CHANGED, text),),
            )  # fmt: skip
