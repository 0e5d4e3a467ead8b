"""Two causes at once at one target: vantages in the wrong hands, and a server that is in trouble for the others.

Theory of operation. One sum over all vantages would be a mean of two stories: a hijack takes the traffic of some
while the flash crowd that came with the news stalls the server for the rest. So the vantages are put in two
clusters by who answers them and where their packets go, and each cluster is weighed by itself, beside the vantages
that see nothing wrong: those in the wrong hands with all that BGP says, the others without the routes that took
the space, since those routes do not carry them.

Two causes are named only where both stand on their own: a hijack on both planes, or one that new keys tell where
packets go astray, and a server's trouble at several vantages that the genuine server itself answers. All else is
one sum and one cause; two that are both on the way (a leak here, a congested link there) are not told apart. Pure.
"""

from __future__ import annotations

from dataclasses import replace

from monitor.bgp.episodes import Episode, Role
from monitor.diagnose.conclude import conclude
from monitor.diagnose.identity import NEW_KEYS, Identity
from monitor.diagnose.paths.change import PathChange
from monitor.diagnose.place import place_of
from monitor.diagnose.routing import belongs
from monitor.diagnose.situation import Situation, VantageSituation
from monitor.diagnose.symptom import SILENT, Symptom
from monitor.model.prefix import as_address, contains
from monitor.model.verdict import Cause, Verdict

FEWEST_AT_HOME = 2
"""Vantages that the genuine server must serve badly. One may have a bad day of its own; that they share a network
matters little, for over a way as long as ever it is the server that lets them wait.
"""

SURE = 0.8
"""A second cause must be this sure; the first one needs no company to be told."""

SERVERS_OWN = (Cause.SERVER_OVERLOAD, Cause.SERVER_DOWN, Cause.UPSTREAM_OVERLOAD, Cause.UPSTREAM_DOWN)
"""Causes that no route brings about."""

_SERVED_BADLY = frozenset({
    Symptom.THINK_TIME, Symptom.SHEDDING, Symptom.GATEWAY, Symptom.WRONG_ANSWER, Symptom.READ_TIMEOUT,
})  # fmt: skip
"""What only whoever accepts a connection can do."""

_STRANGERS = frozenset({"identity.new_key_on_strange_way", "identity.keys_part_by_distance"})
"""Rules by which new keys, and the ways or distances of whom they are for alone, tell a stranger without BGP."""

_IMPOSTORS = frozenset({Symptom.WRONG_ANSWER, Symptom.GATEWAY})

FEWEST_SERVED_BADLY = 2
"""Exchanges before a vantage is said to be served badly: one answer in a hundred is late anyway."""


def conclude_all(situation: Situation, shortfall: str | None = None) -> tuple[Verdict, ...]:
    """The verdict on a target; where two causes act at once both, the hijack first.

    `shortfall`: see `conclude`.
    """
    clusters = _clusters(situation)
    whole = conclude(situation, shortfall)
    if clusters is None:
        return (whole,)
    strayed, home = (conclude(cluster, shortfall) for cluster in clusters)
    if strayed.cause is not Cause.ROUTE_HIJACK or not _stands(strayed):
        return (whole,)
    if len(home.affected) >= FEWEST_AT_HOME and home.cause in SERVERS_OWN and home.confidence >= SURE:
        return strayed, home
    # Those at home are no share of the hijack, even where they are too few to be a cause of their own.
    few = len(home.affected) < FEWEST_AT_HOME
    return (strayed,) if few and whole.cause in (Cause.ROUTE_HIJACK, Cause.INSUFFICIENT) else (whole,)


def _stands(strayed: Verdict) -> bool:
    """Whether a hijack is more than a suspicion of whoever suffers by something else; what BGP alone shows is
    suspected, and told as such, where it carries nobody.
    """
    keyed = any(one.rule in _STRANGERS for one in strayed.evidence)
    return not strayed.suspected or not strayed.affected or (keyed and strayed.confidence >= SURE)


def _clusters(situation: Situation) -> tuple[Situation, Situation] | None:
    """The situation of those in the wrong hands and that of those at home; None: there are not both.

    Of whom neither is known counts as the cluster whose symptom it has, and in neither when that says nothing, as
    a wrong answer does: an impostor gives one, too.
    Where space is taken and all who suffer are at home, nobody is in the wrong hands: the hijack is BGP's alone.
    """
    taken = [one for one in situation.routing.alarming if one.taken and one.role is Role.TARGET]
    strayed = [view for view in situation.vantages if _is_strayed(view) or _is_cut_off(view, taken)]
    home = [view for view in situation.affected if view not in strayed and _is_at_home(view)]
    if not home or not (strayed or situation.routing.alarming):
        return None
    like_strayed, like_home = {view.symptom for view in strayed}, {view.symptom for view in home}
    for view in situation.affected:
        if view in strayed or view in home:
            continue
        if view.symptom in like_home - like_strayed - _IMPOSTORS:
            home.append(view)
        elif view.symptom in like_strayed - like_home:
            strayed.append(view)
    if not strayed and len(home) < len(situation.affected):
        return None
    episodes = tuple(one for one in situation.routing.episodes if not one.taken)
    return (
        replace(situation, vantages=_with_clean(situation, strayed), trouble=situation.trouble and bool(strayed)),
        replace(
            situation,
            vantages=_with_clean(situation, home),
            # Whether peers carry the usual route is no news about those who are on it.
            routing=replace(situation.routing, episodes=episodes, genuine=None, moves=()),
        ),
    )


def _with_clean(situation: Situation, cluster: list[VantageSituation]) -> tuple[VantageSituation, ...]:
    return tuple(view for view in situation.vantages if view in cluster or not (view.affected or view.diverted))


def _is_strayed(view: VantageSituation) -> bool:
    """Whether a vantage's traffic is in the wrong hands, by what was measured at it."""
    return view.diverted or (
        view.affected and (view.identity in NEW_KEYS or view.path is PathChange.ENDS_ELSEWHERE)
    )


def _is_cut_off(view: VantageSituation, taken: list[Episode]) -> bool:
    """Whether a vantage hears nothing since about when a stranger took the space around its address."""
    address = as_address(view.latest.observation.address or "")
    genuine = view.identity is Identity.SAME or view.path is PathChange.UNCHANGED
    if not view.affected or view.symptom not in SILENT or genuine or address is None or view.failing_since is None:
        return False
    return any(contains(one.prefix, address) and belongs(one.first_at, view.failing_since) for one in taken)


def _is_at_home(view: VantageSituation) -> bool:
    """Whether the genuine server itself served this vantage badly, over a way as long as ever."""
    served_badly = sum(one.symptom in _SERVED_BADLY for one in view.lasting) >= FEWEST_SERVED_BADLY
    badly = served_badly and view.symptom in _SERVED_BADLY
    return badly and _is_genuine(view) and not view.rtt_shifted and not view.path.is_change


def _is_genuine(view: VantageSituation) -> bool:
    """Whether it is the genuine server that it met. Where no key tells, the way does; but not that to an address
    which may be in other hands, and of no wrong answer: an impostor gives one, too.
    """
    if view.identity is not Identity.UNKNOWN:
        return view.identity is Identity.SAME
    asked = view.latest.observation.address
    to_it = place_of(view.path_to or "") == place_of(asked or "")
    return view.path is PathChange.UNCHANGED and to_it and view.symptom not in _IMPOSTORS
