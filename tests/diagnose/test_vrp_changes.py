"""A ROA that comes or goes under a watched prefix: from then on it counts; live, stored and after a new start."""

from __future__ import annotations

import json
from pathlib import Path

from story import BEGIN, CONFIG, COVER, PEERS, PREFIX, START, Story, engine_for
from world import World, announcement

from monitor.bgp.episodes import EpisodeKind
from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.rpki import VrpTable
from monitor.config import parse_config
from monitor.diagnose import Engine, Fact, Knowledge, in_order, known_at
from monitor.diagnose.route_watch import RouteWatch
from monitor.history import Reader, Store
from monitor.hub.warm_start import engine_from_history
from monitor.model import Asn, Cause, Vrp, VrpChange, parse_prefix
from monitor.replay import assembled, replay

NEWCOMER = 64888
OLD = {"prefix": COVER, "maxLength": 23, "asn": 64500}
NEW = {"prefix": PREFIX, "maxLength": 24, "asn": NEWCOMER}
ISSUED_AT = BEGIN + 120.0
ISSUED = VrpChange(at=ISSUED_AT, vrp=Vrp(parse_prefix(PREFIX), 24, Asn(NEWCOMER)), added=True)
TEXT = CONFIG.format(target="")


def export(*roas: dict[str, object]) -> bytes:
    """What a validator writes."""
    return json.dumps({"roas": roas}).encode()


def newcomer(world: World) -> list[Fact]:
    """Another network announces a part of the prefix; its ROA is seen two minutes later."""
    routes = [announcement(BEGIN, peer, (peer[1], NEWCOMER), PREFIX) for peer in PEERS]
    return in_order([*Story(routes=routes, usual_prefix=COVER).facts(world), ISSUED])


def knowledge(world: World, roas: bytes, changes: tuple[VrpChange, ...] = ()) -> Knowledge:
    """What a monitor knows that loaded these VRPs."""
    return Knowledge.from_config(
        parse_config(TEXT),
        prefix_table=PrefixTable.parse(world.table((COVER, 64500)).splitlines()),
        vrps=VrpTable.from_json(roas),
        vrp_changes=changes,
    )


def test_a_roa_that_comes_later_makes_a_suspicion_a_move() -> None:
    """First an RPKI-invalid part of the prefix by a stranger; with its ROA he is an authorised origin."""
    world = World(1)
    facts = newcomer(world)
    changes = engine_for(TEXT, prefixes=world.table((COVER, 64500)), vrps=export(OLD)).feed(facts)
    before = [
        change.incident.cause
        for change in changes
        if change.incident.named_at is not None and change.at <= ISSUED_AT
    ]
    without = engine_for(TEXT, prefixes=world.table((COVER, 64500)), vrps=export(OLD)).feed(
        [fact for fact in facts if fact is not ISSUED]
    )

    assert before[-1] is Cause.ROUTE_HIJACK
    assert changes[-1].incident.cause is Cause.ROUTE_MOVED
    assert without[-1].incident.cause is Cause.ROUTE_HIJACK


def test_the_table_of_any_time_gives_the_same_verdicts(tmp_path: Path) -> None:
    """Live it is the one of the start; in a replay of the stored facts the one of today, which has the ROA."""
    world = World(1)
    facts = newcomer(world)
    live = Engine(knowledge(world, export(OLD))).feed(facts)
    later = Engine(knowledge(world, export(OLD, NEW), (ISSUED,))).feed(facts)
    with Store.open(tmp_path / "history.db") as store:
        store.add_observations([fact for fact in facts if hasattr(fact, "vantage")])
        store.add_routes([fact for fact in facts if not hasattr(fact, "vantage")])
    with Reader.open(tmp_path / "history.db") as reader:
        routes, observations = list(reader.routes(0, 3e9)), list(reader.observations(0, 3e9))
        told = reader.vrp_changes(ISSUED_AT)
    folder = assembled(parse_config(TEXT), knowledge(world, export(OLD, NEW)), observations, routes)

    assert told == [ISSUED]
    assert later == live
    assert Engine(folder.knowledge).feed(folder.facts) == live
    assert replay(folder)[-1].cause is Cause.ROUTE_MOVED


def test_a_new_start_knows_what_was_valid_when(tmp_path: Path) -> None:
    """Started anew with the VRPs of now, the engine goes on as the one that ran through; a change that is still
    on its way to it comes too."""
    world = World(1)
    facts = newcomer(world)
    for cut in (ISSUED_AT - 60.0, ISSUED_AT + 60.0):
        past = [fact for fact in facts if known_at(fact) < cut]
        path = tmp_path / f"{cut}.db"
        with Store.open(path) as store:
            store.add_observations([fact for fact in past if hasattr(fact, "vantage")])
            store.add_routes([fact for fact in past if not hasattr(fact, "vantage")])
        engine = engine_from_history(
            path, knowledge(world, export(OLD, NEW)), cut, [ISSUED] if cut < ISSUED_AT else []
        )
        changes = engine.feed([fact for fact in facts if known_at(fact) >= cut])

        assert changes[-1].incident.cause is Cause.ROUTE_MOVED
        assert (Cause.ROUTE_HIJACK in [change.incident.cause for change in changes]) == (cut < ISSUED_AT)


def test_a_roa_that_replaces_another_is_one_change_without_a_gap() -> None:
    """The old one goes and the new one comes with the same export: the usual route is never without."""
    world = World(1)
    wider = VrpChange(at=START + 700.0, vrp=Vrp(parse_prefix(COVER), 24, Asn(64500)), added=True)
    gone = VrpChange(at=START + 700.0, vrp=Vrp(parse_prefix(COVER), 23, Asn(64500)), added=False)
    watch = RouteWatch(knowledge(world, export(OLD)))
    settled_at = 0.0
    for fact in in_order([*Story(usual_prefix=COVER).facts(world), gone, wider]):
        if known_at(fact) - settled_at > 10.0:
            settled_at = known_at(fact)
            watch.settle(settled_at)
        watch.take(fact)
    episodes = [one for one in watch.detector.episodes("api") if one.kind is EpisodeKind.VRP_CHANGE]

    assert [(str(one.prefix), one.origin, one.first_at) for one in episodes] == [(COVER, 64500, START + 700.0)]
    assert episodes[0].reasons[0].text == f"{COVER} by AS64500 was RPKI valid and is valid"
