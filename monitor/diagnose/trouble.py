"""Whether the views of a target add up to trouble, and whether that trouble is going or over. Pure.

One series only triggers; agreement across vantages decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import ceil, comb, log10

from monitor.bgp.episodes import Episode
from monitor.diagnose.networks import weight
from monitor.diagnose.routing import CORRELATION_S, Routing
from monitor.diagnose.situation import VantageSituation
from monitor.diagnose.symptom import Symptom
from monitor.diagnose.view import SLOW, View
from monitor.model.incident import Incident
from monitor.model.verdict import Cause

FEWEST_BAD = 3
"""Bad observations, over all vantages, before anything is called trouble."""

FEW_SHARE = 0.15
"""This share of the vantages, and at least two, must keep failing when it is not half of them."""

LEAST_SURPRISE = 5.7
"""The negative log10 of the chance that so many views are so bad without any trouble: one in 500,000 moments, of
which a day of a target has some ten thousand."""

LONE_RUN = 3
"""Bad observations in a row at a single network; one more where none of its other vantages bears it out."""

LONE_THINKING = 6
"""The same where the server only takes long: pauses have heavy tails, and its queue is everybody's."""

SLOW_TIMES, FEWEST_SLOW = 3, 5
"""Answers that are only slow before they add up to anything: at one of few vantages, and over all of them. One
exchange in twenty-five is slow where the line loses one packet in a hundred, so two of three at two vantages is
what every evening brings.
"""

FEWEST_BY_WAY = 2
"""Bad observations that a way may have brought about, before one is suspected of it; `SLOW_TIMES` where packets
got lost, which two do every hour on a line that loses one in a hundred."""

_LOST = frozenset({Symptom.LOST_SYN, Symptom.RESENT})

Vouch = Callable[[str, float, float], bool | None]
"""Whether a vantage's controls were seen healthy since a time, beside a series of which a share was bad; None: it
has none, and is not the worse for that."""


def adds_up(views: list[View], now: float, vouched: Vouch, routing: Routing, networks: Mapping[str, str]) -> bool:
    """Whether the views of the healthy vantages add up to trouble.

    Either half of them fail at once, or some keep failing that are vouched for by their controls. How
    many "some" are grows with their number, and no two observations are enough: a hundred vantages that
    lose one exchange in a hundred each would open an incident every hour. And it must be more than what
    just these vantages see on any day. `networks`: vantage to what it witnesses for, see `networks`: what is
    counted are not vantages but independent networks.
    """
    bad = [view for view in views if view.failing or view.confirmed]
    if routing.alarming and bad:
        return True
    doubtful = routing.doubtful
    if doubtful and any(view.confirmed and _has_cause(view, doubtful) for view in bad):
        return True
    alone = len(bad) == 1 < len(views)
    if any(view.confirmed and view.relapses(alone=alone) and _is_vouched(view, now, vouched) for view in bad):
        return True
    seen = sum(len(view.bad_since_start()) for view in bad)
    if seen < FEWEST_BAD:
        return False
    if -_chance(views, bad, networks) < LEAST_SURPRISE:
        return False
    everybody = [networks[view.vantage] for view in views]
    troubled = [networks[view.vantage] for view in bad]
    count = len(set(everybody))
    enough = seen >= FEWEST_SLOW or not all(_is_slow(view) for view in bad)
    half = len(set(troubled)) >= min(2, count) and 2 * weight(troubled, everybody) >= 1.0
    if enough and half and len(bad) >= 2:
        return True
    sure = [view for view in bad if _lasts(view) and _is_vouched(view, now, vouched)]
    by_network = Counter(networks[view.vantage] for view in sure)
    if len(by_network) >= max(2, ceil(FEW_SHARE * count)):
        return True
    return any(_is_enough(one, alone=len(views) > 1 and by_network[networks[one.vantage]] == 1) for one in sure)


def _is_enough(view: View, *, alone: bool) -> bool:
    """Whether one sure view is trouble by itself. `alone`: no other one of its network bears it out."""
    if alone and _is_thinking(view):
        return view.run >= LONE_THINKING
    return view.run >= LONE_RUN + alone or view.chronic


def _is_thinking(view: View) -> bool:
    """Whether the server takes long to answer it, more often than not, which it seldom does to one alone."""
    bad = view.bad_since_start()
    return 2 * sum(judged.symptom is Symptom.THINK_TIME for judged in bad) > len(bad)


def _is_vouched(view: View, now: float, vouched: Vouch) -> bool:
    return vouched(view.vantage, view.bad_since or now, view.bad_share()) is not False


def _has_cause(view: View, doubtful: Sequence[Episode]) -> bool:
    """Whether a route that may be innocent came just before a view went bad; a new provider of last week did not
    make the packet that was lost today, and no provider makes a server think longer.
    """
    by_way = [judged.symptom for judged in view.bad_since_start() if judged.symptom is not Symptom.THINK_TIME]
    fewest = SLOW_TIMES if _LOST.issuperset(by_way) else FEWEST_BY_WAY
    if view.bad_since is None or len(by_way) < fewest:
        return False
    before, after = CORRELATION_S
    earliest = view.bad_since - before - view.interval_s
    return any(earliest <= episode.first_at <= view.bad_since + after for episode in doubtful)


def _is_slow(view: View) -> bool:
    """Whether every exchange of its present trouble worked, though slowly."""
    return all(judged.symptom in SLOW for judged in view.bad_since_start())


def _lasts(view: View) -> bool:
    """Whether a view is confirmed, and by more than two answers of which one was only slow."""
    bad = view.bad_since_start()
    return view.confirmed and (len(bad) >= SLOW_TIMES or not any(judged.symptom in SLOW for judged in bad))


def _chance(views: list[View], bad: list[View], networks: Mapping[str, str]) -> float:
    """log10 of the chance that so many networks are so bad; of vantages of one network the worst tells."""
    least: dict[str, float] = {}
    for view in bad:
        network = networks[view.vantage]
        least[network] = min(least.get(network, 0.0), view.surprise())
    of = len({networks[view.vantage] for view in views})
    return log10(comb(of, len(least))) + sum(least.values())


def is_receding(
    views: list[VantageSituation], routing: Routing, incident: Incident | None, now: float, memory_s: float
) -> bool:
    """Whether the trouble is going: most affected vantages are answered well again, or the bad route has gone.

    What is seen then is of the end, so it tells no new story of the beginning.
    """
    affected = [view for view in views if view.affected]
    if incident is not None and incident.cause is Cause.DNS_TAMPERED and not any(v.diverted for v in views):
        return True
    if 2 * sum(view.fresh for view in affected) < len(affected):
        return True
    if incident is None or not incident.cause.value.startswith("route.") or not routing.episodes:
        return False
    gone_at = max(episode.last_at for episode in routing.episodes)
    return not any(episode.active for episode in routing.episodes) and now - gone_at <= memory_s


def settled(views: list[View]) -> bool:
    """Whether the views that were affected are well again; of many, a few may have a bad moment of their own."""
    return sum(not view.settled for view in views) <= int(FEW_SHARE * len(views))
