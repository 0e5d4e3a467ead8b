"""A stranger took a part of the target's space, and just the addresses in it fail.

A name with addresses in several prefixes is its own control: whoever asks one that was taken is led astray, and
who asks another is served well at the same moment, over the same vantage's line. No trouble of a server, nor of
the vantages' own networks, knows where a stranger's prefix ends.
"""

from __future__ import annotations

from collections.abc import Iterator

from monitor.bgp.episodes import Episode, Place, Role
from monitor.diagnose.detectors.routing import relevant
from monitor.diagnose.finding import Finding, strength
from monitor.diagnose.situation import Situation, VantageSituation
from monitor.diagnose.symptom import Judged
from monitor.diagnose.view import SLOW
from monitor.model.evidence import FactRef
from monitor.model.prefix import as_address, contains

SETTLING_S = 30.0
"""How long after its first route a longer prefix may draw nobody yet: RFC 4271 advertises every 30 s."""

FEWEST = 3
"""Exchanges inside the part, and outside of it, that must be known."""

NEARLY_ALL, HARDLY_ANY = 0.8, 0.1
"""The share of bad ones inside and outside; a part that networks filter draws not quite everybody."""


def detect(situation: Situation) -> Iterator[Finding]:
    """The first taken part of which this holds."""
    for episode in relevant(situation) if situation.affected else ():
        if _is_part(episode) and (found := _finding(situation, episode)) is not None:
            yield found
            return


def _is_part(episode: Episode) -> bool:
    ours = episode.role is Role.TARGET and not episode.after_withdrawal
    return ours and episode.active and episode.taken and episode.place is Place.MORE_SPECIFIC


def _finding(situation: Situation, episode: Episode) -> Finding | None:
    since = episode.first_at + SETTLING_S
    recent = [(view, one) for view in situation.vantages for one in view.lasting if one.observation.at >= since]
    taken = {address for address in {one.observation.address for _, one in recent} if _is_in(address, episode)}
    inside = [(view, one) for view, one in recent if one.observation.address in taken]
    outside = [one for _, one in recent if one.observation.address not in taken]
    failing = [(view, one) for view, one in inside if _fails(one)]
    astray = sum(map(_fails, outside))
    if min(len(inside), len(outside)) < FEWEST:
        return None
    if len(failing) < NEARLY_ALL * len(inside) or astray > HARDLY_ANY * len(outside):
        return None
    views: dict[str, VantageSituation] = {view.vantage: view for view, _ in failing}
    return Finding(
        rule="routing.only_taken_part_fails",
        seen=len(failing),
        of=len(inside),
        at=max(situation.onset, episode.first_at),
        share=strength(list(views.values()), list(views.values())),
        witnesses=tuple(sorted(views)),
        values={
            "prefix": str(episode.prefix),
            "origin": f"AS{episode.offender}",
            "well": str(len(outside) - astray),
            "outside": str(len(outside)),
        },
        facts=(FactRef(kind="route", at=episode.first_at, prefix=str(episode.prefix)),),
    )


def _is_in(text: str | None, episode: Episode) -> bool:
    address = as_address(text or "")
    return address is not None and contains(episode.prefix, address)


def _fails(judged: Judged) -> bool:
    """Whether an exchange failed, and was not merely slow."""
    return judged.bad and judged.symptom not in SLOW
