"""With the answers of a DNS service instead of a table a hijack is judged alike: live, stored and in pieces."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest
from story import API, BEGIN, CONFIG, COVER, PEERS, PREFIX, Story, engine_for, only, only_way
from world import Place, World, announcement, digest

from monitor.bgp.dns_origins import place_of, question_name
from monitor.diagnose import Fact, in_order, known_at
from monitor.diagnose.paths.unmapped import PATIENCE_S
from monitor.history import Reader, Store
from monitor.model import RouteEvent
from probes import DnsObservation, TraceObservation

ZONE = "origin.asn.test"
ASKING = CONFIG.format(target="") + f'[prefix_to_as]\ndns = "{ZONE}"\n'
FAR = ("sydney", "tokyo")


def impostor(world: World, at: float, place: Place):
    """Another server with another key."""
    return world.status(at, place, API, 500, spki_sha256=digest("impostor"), issuer="CN=Quick DV")


def elsewhere(world: World, at: float, place: Place):
    """A traceroute that ends in the hijacker's network."""
    return world.trace(at, place, API, networks=(*place.transit, 64666))


def hijack(world: World) -> list[Fact]:
    """Half an hour with a taken /24 in its middle."""
    routes = [announcement(BEGIN, peer, (peer[1], 64666), PREFIX) for peer in PEERS]
    return Story(api=only(FAR, impostor), way=only_way(FAR, elsewhere), routes=routes, usual_prefix=COVER).facts(
        world
    )


def answers(facts: list[Fact], world: World, delay_s: float = 0.05) -> list[DnsObservation]:
    """What the service says, a moment after each place was first met."""
    owners = {prefix: asn for asn, prefix in world.as_prefix.items()} | {COVER: 64500}
    found: dict[str, DnsObservation] = {}
    for trace in (fact for fact in facts if isinstance(fact, TraceObservation)):
        for text in (trace.address, *(hop.address for hop in trace.hops)):
            place = place_of(ip_address(text)) if text else None
            if place is None:
                continue
            prefix = next((one for one in owners if one.startswith(text.rpartition(".")[0])), COVER)
            name = question_name(place, ZONE)
            found.setdefault(
                name,
                DnsObservation(
                    at=known_at(trace), vantage="hub", target="prefix_to_as", server="127.0.0.1", rrtype="TXT",
                    name=name, rcode="NOERROR", elapsed_s=delay_s, ttl_s=14400.0,
                    answers=(f'"{owners[prefix]} | {prefix} | ZZ | test | "',),
                ),
            )  # fmt: skip
    return list(found.values())


def verdict(changes):
    """What an incident comes to: cause, detail, and who is affected."""
    last = changes[-1].incident
    return last.cause, last.detail, last.affected


def test_a_hijack_is_told_as_by_a_table() -> None:
    """The same cause, prefix, origin and vantages; and the same evidence of the path."""
    world = World(1)
    facts = hijack(world)
    told = engine_for(ASKING).feed(in_order([*facts, *answers(facts, world)]))
    mapped = engine_for(CONFIG.format(target=""), prefixes=world.table((COVER, 64500))).feed(facts)

    assert told
    assert verdict(told) == verdict(mapped)
    rules = [{one.rule for one in changes[-1].incident.evidence} for changes in (told, mapped)]
    assert rules[0] == rules[1]
    assert any(rule.startswith("path.") for rule in rules[0])


def test_the_stored_answers_give_the_same_verdicts(tmp_path: Path) -> None:
    """Change for change, through the history and in pieces of any size."""
    world = World(1)
    facts = hijack(world)
    facts = in_order([*facts, *answers(facts, world)])
    live = engine_for(ASKING).feed(facts)
    with Store.open(tmp_path / "history.db") as store:
        store.add_observations([fact for fact in facts if not isinstance(fact, RouteEvent)])
        store.add_routes([fact for fact in facts if isinstance(fact, RouteEvent)])
    with Reader.open(tmp_path / "history.db") as reader:
        stored = in_order([*reader.routes(0, 3e9), *reader.observations(0, 3e9)])
    pieces = engine_for(ASKING)
    in_pieces = [change for start in range(0, len(facts), 7) for change in pieces.feed(facts[start : start + 7])]

    assert live
    assert engine_for(ASKING).feed(stored) == live
    assert in_pieces == live


@pytest.mark.parametrize("delay_s", [0.05, 4.0])
def test_a_late_answer_does_not_make_the_first_trace_a_change(delay_s: float) -> None:
    """The first trace waits for whose its hops are, so that it is the same way as the second one."""
    world = World(1)
    facts = Story().facts(world)

    assert engine_for(ASKING).feed(in_order([*facts, *answers(facts, world, delay_s)])) == []


def test_without_answers_traces_wait_a_while_and_show_silent_hops() -> None:
    """A service that is gone makes nothing worse than without it: the incident has the same cause, later at most
    by the patience with it."""
    world = World(1)
    facts = hijack(world)
    unanswered = engine_for(ASKING).feed(facts)
    without = engine_for(CONFIG.format(target="")).feed(facts)

    assert verdict(unanswered)[0] == verdict(without)[0]
    assert unanswered[0].incident.opened_at <= without[0].incident.opened_at + PATIENCE_S


def test_an_answer_in_the_middle_of_the_hijack_does_not_make_it_rightful() -> None:
    """The service reads BGP too, and tells of the hijacker when it is asked again; what was known first holds."""
    world = World(1)
    facts = hijack(world)
    first = answers(facts, world)
    target = next(one for one in first if one.name == question_name(place_of(ip_address("198.51.100.10")), ZONE))
    fields = {name: getattr(target, name) for name in target.__struct_fields__}
    again = DnsObservation(**fields | {"at": BEGIN + 60.0, "answers": (f'"64666 | {PREFIX} | ZZ | test | "',)})
    told = engine_for(ASKING).feed(in_order([*facts, *first, again]))
    steady = engine_for(ASKING).feed(in_order([*facts, *first]))

    assert verdict(told) == verdict(steady)
