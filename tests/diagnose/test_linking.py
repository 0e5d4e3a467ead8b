"""One trouble of many targets is one incident that says whose it is; two troubles stay two."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import pytest
from story import PEERS, PLACES, START, engine_for
from world import Facts, Place, Service, World, announcement, spread, withdrawal

from monitor.bgp.ris_live import decode as decode_route
from monitor.diagnose import Engine, Fact, in_order, known_at
from monitor.model.incident import ChangeKind, Incident, IncidentChange
from monitor.model.verdict import Cause
from probes.observation import Failure, HttpObservation

BEGIN = START + 400.0
END = BEGIN + 450.0
STOP = END + 420.0
PREFIX = "198.51.100.0/23"
SHOP = Service("shop", ("198.51.100.10",), (64500,))
TILL = Service("till", ("198.51.100.200",), (64500,))
MAP = Service("map", ("198.51.101.20",), (64500,))
NEWS = Service("news", ("203.0.113.20",), (64510,))
EAST = ("tokyo", "sydney")

Answer = Callable[[World, float, Place, Service], HttpObservation]


def silent(world: World, at: float, place: Place, service: Service) -> HttpObservation:
    """No SYN-ACK."""
    return world.silent(at, place, service)


def refused(world: World, at: float, place: Place, service: Service) -> HttpObservation:
    """A reset in answer to the SYN."""
    return world.refused(at, place, service)


def thinking(world: World, at: float, place: Place, service: Service) -> HttpObservation:
    """The genuine server takes four seconds."""
    return world.ok(at, place, service, think_s=4.0)


def expired(world: World, at: float, place: Place, service: Service) -> HttpObservation:
    """A certificate that is over, the same for every name."""
    return world.ok(at, place, service, failure=Failure.TLS_EXPIRED, status=None, certificate_sha256="one for all")


def only(names: Sequence[str], answer: Answer) -> Answer:
    """`answer` for the named vantages."""
    return lambda world, at, place, service: (
        answer(world, at, place, service) if place.name in names else world.ok(at, place, service)
    )


def hijack(*prefixes: str, origin: int = 64666, at: float = BEGIN) -> list[Fact]:
    """A stranger announces more-specific prefixes until the end."""
    rows = [
        announcement(at + n, peer, (peer[1], origin), each) for each in prefixes for n, peer in enumerate(PEERS)
    ]
    rows += [withdrawal(END + n, peer, each) for each in prefixes for n, peer in enumerate(PEERS)]
    return [fact for row in rows for fact in decode_route(msgspec.json.encode(row))]


def played(
    answers: dict[Service, Answer], *more: Fact, depends: dict[str, str] | None = None,
    late: dict[Service, float] | None = None, taken: dict[Service, float] | None = None,
) -> tuple[Callable[[], Engine], list[Fact]]:  # fmt: skip
    """How to make the engine, and the facts: what each service answers during the trouble, `late` by seconds.

    `taken`: since how many seconds after its begin traceroutes to a service end in the stranger's network.
    """
    world = World(1)
    made: Facts = []
    text = '[[control]]\nname = "control"\nurl = "https://control.example/"\ninterval = "30s"\n'
    control = Service("control", ("198.19.254.80",), ())
    for number, service in enumerate((*answers, control)):
        if service is not control:
            on = f'depends_on = ["{depends[service.name]}"]\n' if depends and service.name in depends else ""
            text += f'[[target]]\nname = "{service.name}"\nurl = "https://{service.name}.example/"\n{on}'
        for index, place in enumerate(PLACES):
            begin = BEGIN + (late or {}).get(service, 0.0)
            for at in spread(START, STOP, 30.0, (index / len(PLACES) + number / 7) % 1):
                bad = service in answers and begin <= at < END
                seen = answers[service](world, at, place, service) if bad else world.ok(at, place, service)
                made.append(seen)
            if service is not control:
                made += [world.trace(at, place, service) for at in spread(START, BEGIN, 120, index / 9)]
                since = BEGIN + (taken or {}).get(service, END)
                ways = [at for at in spread(BEGIN, END, 60, index / 9) if at >= since]
                stranger = (*place.transit, 64666)
                made += [world.trace(at, place, service, networks=stranger, reached=False) for at in ways]
    usual = [
        announcement(START + n, peer, (peer[1], 64700, origin), prefix)
        for n, peer in enumerate(PEERS)
        for prefix, origin in ((PREFIX, 64500), ("203.0.113.0/24", 64510))
    ]
    routes = [fact for row in usual for fact in decode_route(msgspec.json.encode(row))]
    table = world.table((PREFIX, 64500), ("203.0.113.0/24", 64510))
    return lambda: engine_for(text, prefixes=table), in_order([*routes, *made, *more])


def changes_of(story: tuple[Callable[[], Engine], list[Fact]], chunk: int = 10**6) -> list[IncidentChange]:
    """Everything that the engine says of a story."""
    make, facts = story
    engine = make()
    found: list[IncidentChange] = []
    for start in range(0, len(facts), chunk):
        found += engine.feed(facts[start : start + chunk])
    return found + engine.advance(known_at(facts[-1]) + 60)


def incidents_of(changes: Sequence[IncidentChange]) -> list[Incident]:
    """The last state of each incident that is one by itself."""
    last = {change.incident.id: change.incident for change in changes}
    return [incident for incident in last.values() if incident.joined is None]


def test_two_prefixes_hijacked_by_one_network_are_one_incident() -> None:
    """One opening, one close, and both targets with their own witnesses."""
    story = played({SHOP: silent, MAP: only(EAST, silent)}, *hijack("198.51.100.0/24", "198.51.101.0/24"))
    changes = changes_of(story)

    (incident,) = incidents_of(changes)
    assert (incident.cause, incident.target, incident.members) == (Cause.ROUTE_HIJACK, "shop", ("shop", "map"))
    assert [share.detail.prefix for share in incident.shares] == ["198.51.100.0/24", "198.51.101.0/24"]
    assert [len(share.affected) for share in incident.shares] == [5, 2]
    kinds = [change.kind for change in changes]
    assert (kinds.count(ChangeKind.OPENED), kinds.count(ChangeKind.CLOSED)) == (1, 1)
    assert [change.sequence for change in changes] == list(range(1, len(changes) + 1))


def test_two_networks_that_hijack_a_prefix_each_are_two_incidents() -> None:
    """Neither a prefix nor a culprit in common."""
    routes = hijack("198.51.100.0/24") + hijack("198.51.101.0/24", origin=64667)
    found = incidents_of(changes_of(played({SHOP: silent, MAP: silent}, *routes)))

    assert sorted((one.target, one.detail.origin, one.members) for one in found) == [
        ("map", 64667, ()),
        ("shop", 64666, ()),
    ]


def test_a_hijack_that_touches_one_of_two_targets_says_which() -> None:
    """Both are behind the prefix in BGP, only one is out of reach."""
    story = played({SHOP: only(EAST, silent), TILL: World.ok}, *hijack("198.51.100.0/24"))
    (incident,) = incidents_of(changes_of(story))

    assert set(incident.members) == {"shop", "till"}
    assert {share.target: share.affected for share in incident.shares} == {"shop": ("sydney", "tokyo"), "till": ()}


def test_a_neighbour_of_the_hijacked_prefix_has_no_share() -> None:
    """The other half of the space is not announced by anybody else."""
    (incident,) = incidents_of(changes_of(played({SHOP: silent, MAP: World.ok}, *hijack("198.51.100.0/24"))))

    assert (incident.target, incident.members) == ("shop", ())


def test_two_causes_at_once_are_two_incidents() -> None:
    """A hijack of one target, and the other's own server that thinks too long."""
    found = incidents_of(changes_of(played({SHOP: silent, MAP: thinking}, *hijack("198.51.100.0/24"))))

    assert sorted((one.target, one.cause, one.members) for one in found) == [
        ("map", Cause.SERVER_OVERLOAD, ()),
        ("shop", Cause.ROUTE_HIJACK, ()),
    ]


def test_what_depends_on_one_service_is_one_incident_beside_its_own() -> None:
    """The database is overloaded; shop and till, which call it, share one incident."""
    story = played(
        {NEWS: thinking, SHOP: thinking, MAP: thinking, TILL: World.ok},
        depends={"shop": "news", "map": "news", "till": "news"},
    )
    found = incidents_of(changes_of(story))

    assert [(one.target, one.cause, one.members) for one in found] == [
        ("news", Cause.SERVER_OVERLOAD, ()),
        ("shop", Cause.UPSTREAM_OVERLOAD, ("shop", "map")),
    ]
    assert found[1].detail.upstream == "news"


SAME_HOST = Service("blog", SHOP.addresses, SHOP.networks, spki=SHOP.key)

TOGETHER = {
    "one server": {SHOP: refused, SAME_HOST: refused},
    "one silent network": {SHOP: silent, TILL: silent},
    "one certificate": {SHOP: expired, MAP: expired},
}
APART = {
    "two servers of one network refuse": {SHOP: refused, TILL: refused},
    "two servers of one network think": {SHOP: thinking, TILL: thinking},
    "silent in two networks": {SHOP: silent, NEWS: silent},
}


@pytest.mark.parametrize("case", TOGETHER.values(), ids=TOGETHER)
def test_what_has_the_same_fault_shares_an_incident(case: dict[Service, Answer]) -> None:
    """The same server, network or certificate."""
    (incident,) = incidents_of(changes_of(played(case)))

    assert set(incident.members) == {service.name for service in case}


@pytest.mark.parametrize("case", APART.values(), ids=APART)
def test_what_only_happens_at_once_stays_apart(case: dict[Service, Answer]) -> None:
    """Neighbours that fail in the same minute have nothing in common that was seen."""
    found = incidents_of(changes_of(played(case)))

    assert [one.members for one in found] == [(), ()]


def test_a_target_that_follows_later_joins_and_the_incident_lasts_until_the_last_is_well() -> None:
    """Three minutes later the second one is reached by it."""
    story = played({SHOP: refused, SAME_HOST: refused}, late={SAME_HOST: 180.0})
    changes = changes_of(story)

    opened = [change.incident.members for change in changes if change.kind is ChangeKind.OPENED]
    (incident,) = incidents_of(changes)
    assert opened == [()]
    assert incident.members == ("shop", "blog")
    first, second = incident.shares
    assert second.opened_at - first.opened_at > 120
    assert incident.closed_at == max(share.closed_at or 0.0 for share in incident.shares)


def test_who_turns_out_to_share_an_incident_closes_its_own_for_it() -> None:
    """Both are silent; that one network took both prefixes is seen for the first, later for the second."""
    routes = hijack("198.51.100.0/24", at=BEGIN + 20) + hijack("198.51.101.0/24", at=BEGIN + 50)
    changes = changes_of(played({SHOP: silent, MAP: silent}, *routes, taken={SHOP: 60.0, MAP: 150.0}))

    (incident,) = incidents_of(changes)
    (gone,) = [change for change in changes if change.incident.joined is not None]
    assert (incident.cause, set(incident.members)) == (Cause.ROUTE_HIJACK, {"shop", "map"})
    assert (gone.kind, gone.incident.joined) == (ChangeKind.CLOSED, incident.id)


def test_who_gets_another_cause_leaves_with_an_incident_of_its_own() -> None:
    """Two silent hosts of one network share one, until a route explains the first of them only."""
    own = hijack("198.51.100.0/25", at=BEGIN + 75)
    changes = changes_of(played({SHOP: silent, TILL: silent}, *own, taken={SHOP: 120.0}))

    found = {(one.target, one.cause, one.members) for one in incidents_of(changes)}
    assert found == {("shop", Cause.ROUTE_HIJACK, ()), ("till", Cause.SERVER_DOWN, ())}
    assert any(set(change.incident.members) == {"shop", "till"} for change in changes)


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_links_do_not_depend_on_chunks(chunk: int) -> None:
    """The same changes at the same moments, octet for octet."""
    story = played({SHOP: silent, MAP: silent, TILL: silent}, *hijack("198.51.100.0/24", at=BEGIN + 90))

    assert msgspec.json.encode(changes_of(story, chunk)) == msgspec.json.encode(changes_of(story))


def test_a_linked_incident_goes_on_after_a_restart() -> None:
    """Resumed from its last record: the same id, the next number, the same members to the end."""
    make, facts = played({SHOP: silent, MAP: only(EAST, silent)}, *hijack("198.51.100.0/24", "198.51.101.0/24"))
    cut = next(n for n, fact in enumerate(facts) if known_at(fact) > BEGIN + 300)
    first, second = make(), make()
    before = first.feed(facts[:cut])
    last = msgspec.json.decode(msgspec.json.encode(before[-1]), type=IncidentChange)
    second.resume([(last.incident, last.sequence)])
    second.warm_up(facts[:cut])
    after = [*second.feed(facts[cut:]), *second.advance(known_at(facts[-1]) + 60)]

    assert {change.incident.id for change in after} == {last.incident.id}
    assert [change.sequence for change in after][:1] == [last.sequence + 1]
    assert after[-1].kind is ChangeKind.CLOSED
    assert after[-1].incident.members == ("shop", "map")
    assert [len(share.affected) for share in after[-1].incident.shares] == [5, 2]
