"""Whether the round trip of the affected vantages is as usual: the referee between server and network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import dropwhile

from monitor.diagnose.detectors.scope import served_well
from monitor.diagnose.detectors.symptoms import seconds
from monitor.diagnose.finding import Finding, strength
from monitor.diagnose.paths.change import PathChange
from monitor.diagnose.paths.trail import Trail
from monitor.diagnose.routing import CORRELATION_S
from monitor.diagnose.situation import Situation, VantageSituation
from monitor.diagnose.spared import spared
from monitor.diagnose.symptom import NOT_OPENED, SILENT, Symptom
from monitor.model.asn import Asn

FEWEST_ON_A_WAY = 2
"""Networks that a traced way must show, before its last link can be named."""

LEAST_WAIT_S, LEAST_WAIT_UNTOLD_S, TRIPS = 1.0, 3.0, 10.0
"""No longer trip makes an answer so late, nor so many of them. Where it was not measured that nothing was sent
again, the same packet may have been, four times (after 0.2, 0.4, 0.8 and 1.6 s)."""

FEWEST_SHUT = 3
"""Exchanges in a row of which nothing got through, each of them several SYNs, before a line is not just full."""

FEWEST_RAISED = 3
"""Vantages whose round trips must all be longer before their common end is to blame."""

LEAST_TOLD_S = 0.001
"""A round trip is told to be at most so much longer where it is not longer at all: nobody asks for less."""


def detect(situation: Situation) -> Iterator[Finding]:
    """Flat or shifted round trips, among the affected vantages that measured one since the onset.

    Where packets of all are late or lost at once, what they have in common is: the last line before the server.
    """
    measured = [view for view in situation.affected if view.rtt_shifted is not None]
    for rule, views in (
        # A line that loses packets need not delay the others.
        ("network.rtt_flat", [view for view in measured if not (view.rtt_shifted or view.moved or view.loses)]),
        ("network.rtt_shifted", [view for view in measured if view.rtt_shifted]),
    ):
        if views:
            yield Finding(
                rule=rule,
                seen=len(views),
                of=len(measured),
                at=min(view.latest.known_at for view in views),
                share=strength(views, measured),
                witnesses=tuple(view.vantage for view in views),
                values=_figures(views),
            )
    yield from _loss(situation)
    yield from _beyond_trips(situation)
    if not has_moved(situation):
        yield from _at_the_end(situation)


def _beyond_trips(situation: Situation) -> Iterator[Finding]:
    """Answers that are later by far more than longer round trips and lost packets explain, at several networks.

    A re-route may well come in the same hour, and says nothing of them.
    """
    late = [view for view in situation.affected if _is_beyond_trips(view)]
    if len({view.network for view in late}) > 1 or (late and len(situation.vantages) == 1):
        worst = max(late, key=lambda view: view.think_s or 0.0)
        yield Finding(
            rule="network.waits_beyond_trips",
            seen=len(late),
            of=len(situation.affected),
            at=min(view.latest.known_at for view in late),
            share=strength(late, situation.affected),
            witnesses=tuple(view.vantage for view in late),
            values={
                "waits": seconds((worst.think_s or 0.0) - (worst.usual_think_s or 0.0)),
                "trips": seconds(max(worst.rtt_rise_s, LEAST_TOLD_S)),
            },
        )


def _is_beyond_trips(view: VantageSituation) -> bool:
    if view.symptom is not Symptom.THINK_TIME or view.think_s is None or view.usual_think_s is None or view.loses:
        return False
    again = view.latest.observation.retransmits
    least_s = LEAST_WAIT_S if again == 0 else LEAST_WAIT_UNTOLD_S
    return view.think_s - view.usual_think_s >= max(least_s, TRIPS * view.rtt_rise_s)


def _at_the_end(situation: Situation) -> Iterator[Finding]:
    """Trouble on the last line before the server: all have it, or just those who enter by one of several lines."""
    well = spared(situation.vantages)
    impaired = [view for view in situation.vantages if view not in well]
    if len(impaired) < FEWEST_RAISED:
        return
    if not well:
        yield _shared("network.all_raised", impaired)
    elif (entrance := _entrance(impaired, well, situation.expected_origins)) is not None:
        found = _shared("network.entrance_impaired", impaired)
        yield replace(found, values={**found.values, "near": f"AS{entrance[0]}", "far": f"AS{entrance[1]}"})


def _shared(rule: str, impaired: list[VantageSituation]) -> Finding:
    return Finding(
        rule=rule,
        seen=len(impaired),
        of=len(impaired),
        at=min(view.latest.known_at for view in impaired),
        share=strength(impaired, impaired),
        witnesses=tuple(view.vantage for view in impaired),
        values=_figures(impaired),
    )


def _entrance(
    impaired: list[VantageSituation], well: list[VantageSituation], own: frozenset[Asn]
) -> tuple[Asn, Asn] | None:
    """The link by which all whose packets are late or lost, and nobody else, usually enter the target's network.

    They must come to it by several ways: else the fault may lie on the last one that they share. And it must lead
    into one of the target's `own` networks, where these are known: the last link of a trace that ends before them
    is one in transit, and so may be one beside which routers were silent.
    """
    trails = [view.usual_trail for view in impaired]
    if not all(_shows_end(trail, 2) for trail in trails) or not all(
        _shows_end(view.usual_trail, 1) for view in well
    ):
        return None
    ways = [trail.ases for trail in trails if trail is not None]
    others = [view.usual_trail.ases for view in well if view.usual_trail is not None]
    links = {way[-2:] for way in ways}
    several = len({way[:-2][-1:] for way in ways}) > 1
    if len(links) > 1 or not several or any(way[-2:] in links for way in others):
        return None
    near, far = links.pop()
    return (near, far) if far in own or not own else None


def _shows_end(trail: Trail | None, links: int) -> bool:
    """Whether a way has a last link, and no network can hide in the last `links` of it."""
    if trail is None or len(trail.ases) < FEWEST_ON_A_WAY:
        return False
    count = len(trail.ases)
    return not any(trail.room(index) for index in range(count - links, count))


def _loss(situation: Situation) -> Iterator[Finding]:
    """Whether packets of open connections are lost: on the way, then, and not at a server that is too busy."""
    told = [view for view in situation.affected if view.loses is not None]
    losing = [view for view in told if view.loses]
    # A queue that is full is so to everybody, not only to a few whose SYNs get lost; and it makes no packet late.
    late = sum(view.is_impaired for view in situation.affected)
    queue = not served_well(situation) and 2 * late < len(situation.affected)
    # That nothing is lost says something only where connections are slow to open, or do not.
    closed = [view for view in told if queue and not view.loses and view.symptom in NOT_OPENED]
    affected = list(situation.affected)
    shut = [view for view in affected if situation.clean and _is_shut(view)]
    for rule, views, of in (
        ("network.packets_lost", losing, told),
        ("network.only_connecting_fails", closed, told),
        ("network.nothing_gets_through", shut, affected),
    ):
        if views:
            yield Finding(
                rule=rule,
                seen=len(views),
                of=len(of),
                at=min(view.latest.known_at for view in views),
                share=strength(views, of),
                witnesses=tuple(view.vantage for view in views),
            )
    if 2 * len(situation.affected) >= len(situation.vantages):
        yield from _now_and_then(situation.affected)


def _is_shut(view: VantageSituation) -> bool:
    """Whether nothing is heard from the addresses that are bad, be others well: no full line knows them apart."""
    since = list(dropwhile(lambda one: one.symptom not in SILENT, view.lasting))
    troubled = {one.observation.address for one in since if one.bad}
    asked = [one for one in since if one.observation.address in troubled]
    return len(asked) >= FEWEST_SHUT and all(one.symptom in SILENT for one in asked)


def _now_and_then(affected: Sequence[VantageSituation]) -> Iterator[Finding]:
    """Connections that open after lost SYNs, where others do not open at all: somebody is there, without room.

    A full line loses SYNs as well; what gets through it is late.
    """
    late = [view for view in affected if view.opens_late]
    never = [view for view in affected if view.symptom is Symptom.CONNECT_TIMEOUT]
    if late and never and not any(view.is_impaired for view in affected):
        yield Finding(
            rule="network.opens_now_and_then",
            seen=len(late),
            of=len(affected),
            at=min(view.latest.known_at for view in late),
            share=strength(late, affected),
            witnesses=tuple(view.vantage for view in late),
        )


def has_moved(situation: Situation) -> bool:
    """Whether any path is another one, by traceroute or by BGP: then it may be the new way that is longer.

    What moved for a peer here and there made nothing longer for everybody, nor did what moved for others where all
    who suffer have traced the usual way since.
    """
    if any(view.path.is_change for view in situation.vantages):
        return True
    if situation.affected and all(view.path is PathChange.UNCHANGED for view in situation.affected):
        return False
    before, _ = CORRELATION_S
    since, routing = situation.onset - before, situation.routing
    return routing.stirred_since(since) or routing.parted_since(since)


def _figures(views: list[VantageSituation]) -> dict[str, str]:
    widest = max(views, key=lambda view: abs((view.rtt_s or 0.0) - (view.usual_rtt_s or 0.0)))
    return {"rtt": seconds(widest.rtt_s), "usual_rtt": seconds(widest.usual_rtt_s), "vantage": widest.vantage}
