"""Each cause has a story that must be named, with who is affected; each has near-misses elsewhere."""

from __future__ import annotations

import json

import pytest
from story import (
    API,
    BEGIN,
    COVER,
    DATABASE,
    END,
    PEERS,
    PLACES,
    PREFIX,
    START,
    STOP,
    Story,
    only,
    only_way,
    usual_path,
)
from world import Place, World, announcement, digest, spread, withdrawal

from monitor.model.incident import Incident
from monitor.model.verdict import Cause, HijackEffect, HijackKind
from probes.observation import Failure

ALL = ("berlin", "london", "newyork", "sydney", "tokyo")
FAR = ("sydney", "tokyo")
NEAR = ("berlin", "london")
HIJACKER = 64666


def slow(world: World, at: float, place: Place):
    """A worker pool that is full: seconds of think time, some shed load, some time-outs."""
    chance = world.random.random()
    if chance < 0.2:
        return world.unanswered(at, place, API)
    if chance < 0.4:
        return world.status(at, place, API, 503, think_s=0.3)
    return world.ok(at, place, API, think_s=world.random.uniform(1.5, 8.0))


def slow_database(world: World, at: float, place: Place):
    """The dependency's own overload."""
    return world.ok(at, place, DATABASE, think_s=world.random.uniform(1.5, 6.0))


def lost_syns(world: World, at: float, place: Place):
    """A listen queue that is full: SYNs are dropped and sent again."""
    good = world.ok(at, place, API)
    retry = world.random.choice((1.0, 3.0, 3.0))
    if world.random.random() < 0.25:
        return world.silent(at, place, API)
    return world.ok(
        at, place, API, connect_s=round(retry + place.rtt_s, 6), total_s=round((good.total_s or 0) + retry, 6)
    )


def impostor(world: World, at: float, place: Place):
    """Another server: an error at once, with a key and an issuer never seen."""
    return world.status(
        at, place, API, 500, rtt_s=place.rtt_s + 0.04, think_s=0.01,
        spki_sha256=digest("impostor"), issuer="CN=Quick DV,O=Quick,C=XX",
    )  # fmt: skip


def silent(world: World, at: float, place: Place):
    """No SYN-ACK."""
    return world.silent(at, place, API)


def refused(world: World, at: float, place: Place):
    """Connections refused."""
    return world.refused(at, place, API)


def broken(world: World, at: float, place: Place):
    """The genuine server with an error at once."""
    return world.status(at, place, API, 500)


def expired(world: World, at: float, place: Place):
    """The genuine key in an expired certificate."""
    good = world.ok(at, place, API)
    return world.ok(
        at, place, API, failure=Failure.TLS_EXPIRED, status=None, wait_s=None, receive_s=None,
        spki_sha256=good.spki_sha256, body_bytes=None, body_sha256=None,
    )  # fmt: skip


def nameless(world: World, at: float, place: Place):
    """The name does not resolve."""
    return world.failed(at, place, API, Failure.DNS_SERVFAIL)


def longer(world: World, at: float, place: Place):
    """Every round trip is 90 ms longer."""
    return world.ok(at, place, API, rtt_s=place.rtt_s + 0.09)


def elsewhere(world: World, at: float, place: Place):
    """A traceroute that ends at the hijacker's."""
    return world.trace(at, place, API, networks=(*place.transit, HIJACKER), reached=True)


def swallowed(world: World, at: float, place: Place):
    """A traceroute that vanishes in the hijacker's network."""
    return world.trace(at, place, API, networks=(*place.transit, HIJACKER), reached=False)


def dead_end(world: World, at: float, place: Place):
    """A traceroute that reaches the target's network and no host in it."""
    return world.trace(at, place, API, reached=False)


def detour(world: World, at: float, place: Place):
    """A traceroute over another transit to the same network."""
    return world.trace(at, place, API, networks=(64799, *API.networks))


def hijacked_route(prefix: str, peers=PEERS, origin: int = HIJACKER) -> list[dict[str, object]]:
    """`prefix` from another origin at some peers, while the trouble lasts."""
    rows = [announcement(BEGIN - 5 + n, peer, (peer[1], origin), prefix) for n, peer in enumerate(peers)]
    return rows + [withdrawal(END + n, peer, prefix) for n, peer in enumerate(peers)]


def one(story: Story) -> Incident:
    """The story's only incident, of the API, which was opened in time and closed again."""
    incidents = story.incidents()
    assert [(i.target, i.cause) for i in incidents if i.target != "api"] == []
    assert len(incidents) == 1, [(i.cause, i.opened_at - BEGIN, i.affected) for i in incidents]
    (incident,) = incidents
    assert incident.closed_at is not None
    assert incident.closed_at - END < 240
    assert incident.opened_at - BEGIN < 120
    return incident


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    ("cause", "story"),
    [
        (Cause.SERVER_OVERLOAD, Story(api=slow)),
        (Cause.SERVER_OVERLOAD, Story(api=slow, usual_routes=False, traces=False)),
        (Cause.SERVER_OVERLOAD, Story(api=lost_syns)),
        (Cause.SERVER_DOWN, Story(api=refused)),
        (Cause.SERVER_DOWN, Story(api=broken)),
        (Cause.SERVER_DOWN, Story(api=silent, way=dead_end)),
        (Cause.DNS_FAILED, Story(api=nameless)),
        (Cause.TLS_INVALID, Story(api=expired)),
    ],
    ids=["overload", "overload-http-only", "listen-queue", "refused", "errors", "silent", "dns", "tls"],
)
def test_trouble_that_everybody_sees_is_named(cause: Cause, story: Story, seed: int) -> None:
    """Trouble of the genuine end, seen from everywhere with routes unchanged."""
    story.seed = seed

    incident = one(story)

    assert (incident.cause, incident.suspected, incident.affected) == (cause, False, ALL)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("names", [ALL, FAR, ("tokyo",)], ids=["all", "far", "one"])
def test_subprefix_impostor_is_a_hijack(names: tuple[str, ...], seed: int) -> None:
    """A more-specific from elsewhere, errors with a new key: a hijack however many it takes."""
    peers = PEERS if names == ALL else PEERS[-1:]
    story = Story(
        api=only(names, impostor),
        way=only_way(names, elsewhere),
        routes=hijacked_route(PREFIX, peers),
        usual_prefix=COVER,
        seed=seed,
    )

    incident = one(story)

    assert (incident.cause, incident.suspected, incident.affected) == (Cause.ROUTE_HIJACK, False, names)
    assert (incident.detail.kind, incident.detail.effect) == (HijackKind.SUBPREFIX, HijackEffect.IMPOSTOR)
    assert (incident.detail.prefix, incident.detail.origin) == (PREFIX, HIJACKER)


@pytest.mark.parametrize("seed", [1, 2])
def test_black_hole_by_another_origin_is_a_hijack(seed: int) -> None:
    """The exact prefix from a second origin swallows the traffic of some."""
    story = Story(
        api=only(FAR, silent),
        way=only_way(FAR, swallowed),
        routes=hijacked_route(PREFIX, PEERS[3:]),
        seed=seed,
    )

    incident = one(story)

    assert (incident.cause, incident.suspected, incident.affected) == (Cause.ROUTE_HIJACK, False, FAR)
    assert (incident.detail.kind, incident.detail.effect) == (HijackKind.ORIGIN, HijackEffect.BLACKHOLE)


def test_hijack_without_traceroutes_is_named() -> None:
    """BGP and the key are enough."""
    story = Story(
        api=only(FAR, impostor), traces=False, routes=hijacked_route(PREFIX, PEERS[3:]), usual_prefix=COVER
    )

    incident = one(story)

    assert (incident.cause, incident.suspected) == (Cause.ROUTE_HIJACK, False)


def test_hijack_without_routes_is_suspected() -> None:
    """Identity and path speak, but nobody listened to BGP."""
    story = Story(api=only(FAR, impostor), way=only_way(FAR, elsewhere), usual_routes=False)

    incident = one(story)

    assert (incident.cause, incident.suspected) == (Cause.ROUTE_HIJACK, True)
    assert (incident.detail.effect, incident.detail.origin) == (HijackEffect.IMPOSTOR, HIJACKER)


def test_hijack_that_touches_nobody_is_an_incident() -> None:
    """A hijack seen in BGP only: nobody affected, and suspected, for no packet confirms it."""
    incident = one(Story(routes=hijacked_route(PREFIX, PEERS[:2]), usual_prefix=COVER))

    assert (incident.cause, incident.suspected, incident.affected) == (Cause.ROUTE_HIJACK, True, ())


def test_interception_with_the_genuine_key_is_a_hijack() -> None:
    """Traffic handed on by the hijacker: slower, over a new network, with the genuine key."""

    def handed_on(world: World, at: float, place: Place):
        return world.trace(at, place, API, networks=(*place.transit, HIJACKER, *API.networks))

    story = Story(
        api=only(FAR, longer),
        way=only_way(FAR, handed_on),
        routes=hijacked_route(PREFIX, PEERS[3:]),
        usual_prefix=COVER,
    )

    incident = one(story)

    assert (incident.cause, incident.suspected, incident.affected) == (Cause.ROUTE_HIJACK, False, FAR)
    assert incident.detail.effect is HijackEffect.INTERCEPTION


def test_a_reroute_after_a_hijack_is_another_trouble() -> None:
    """What was new at the hijack's beginning is not what the next trouble began with."""
    over, next_one = BEGIN + 60, BEGIN + 270

    def seen(world: World, at: float, place: Place):
        if at < over:
            return impostor(world, at, place)
        return longer(world, at, place) if at >= next_one and place.name in FAR else world.ok(at, place, API)

    def way(world: World, at: float, place: Place):
        if at < over:
            return elsewhere(world, at, place)
        return detour(world, at, place) if at >= next_one and place.name in FAR else world.trace(at, place, API)

    routes = [announcement(BEGIN - 5 + n, peer, (peer[1], HIJACKER), PREFIX) for n, peer in enumerate(PEERS)]
    routes += [withdrawal(over - 5 + n, peer, PREFIX) for n, peer in enumerate(PEERS)]
    routes += [
        announcement(next_one + n, peer, (peer[1], 64799, 64500), COVER) for n, peer in enumerate(PEERS[3:])
    ]

    hijack, reroute = Story(api=seen, way=way, routes=routes, usual_prefix=COVER, interval_s=5.0).incidents()

    assert (hijack.cause, reroute.cause) == (Cause.ROUTE_HIJACK, Cause.ROUTE_CHANGE)
    assert hijack.closed_at is not None
    assert hijack.closed_at <= next_one <= (reroute.started_at or 0.0)


def test_overloaded_dependency_explains_its_caller() -> None:
    """The database is overloaded by itself; the API that calls it is upstream.overload."""
    story = Story(api=slow, database=slow_database, target='depends_on = ["database"]')

    incidents = story.incidents()

    assert [(i.target, i.cause) for i in sorted(incidents, key=lambda i: str(i.target))] == [
        ("api", Cause.UPSTREAM_OVERLOAD),
        ("database", Cause.SERVER_OVERLOAD),
    ]
    assert incidents[-1].detail.upstream in ("database", None)


def test_own_overload_with_a_healthy_dependency_is_its_own() -> None:
    """A dependency that is fine explains nothing."""
    incident = one(Story(api=slow, target='depends_on = ["database"]'))

    assert incident.cause is Cause.SERVER_OVERLOAD


def test_costly_detour_is_a_route_change() -> None:
    """Another transit to the same network with the same key, and every round trip longer."""
    moved = [announcement(BEGIN + n, peer, (peer[1], 64799, 64500), PREFIX) for n, peer in enumerate(PEERS[3:])]
    back = [announcement(END + n, peer, usual_path(peer[1]), PREFIX) for n, peer in enumerate(PEERS[3:])]
    story = Story(api=only(FAR, longer), way=only_way(FAR, detour), routes=moved + back)

    incident = one(story)

    assert (incident.cause, incident.affected) == (Cause.ROUTE_CHANGE, FAR)


def test_withdrawn_prefix_is_named() -> None:
    """All peers withdraw the prefix, nobody reaches it, no other origin shows."""
    gone = [withdrawal(BEGIN - 3 + n, peer, PREFIX) for n, peer in enumerate(PEERS)]
    back = [announcement(END + n, peer, usual_path(peer[1]), PREFIX) for n, peer in enumerate(PEERS)]

    def unreachable(world: World, at: float, place: Place):
        return world.failed(at, place, API, Failure.NETWORK_UNREACHABLE)

    def cut(world: World, at: float, place: Place):
        return world.trace(at, place, API, networks=place.transit[:1], reached=False)

    incident = one(Story(api=unreachable, way=cut, routes=gone + back))

    assert (incident.cause, incident.detail.prefix, incident.affected) == (Cause.ROUTE_WITHDRAWN, PREFIX, ALL)


def test_declared_scrubbing_provider_is_a_move() -> None:
    """A declared origin takes the prefix: recorded as moved, never as a hijack."""
    story = Story(
        routes=hijacked_route(PREFIX, origin=64888), usual_prefix=COVER, target="allowed_origins = [64888]"
    )

    incident = one(story)

    assert (incident.cause, incident.affected) == (Cause.ROUTE_MOVED, ())


def test_roa_authorises_a_new_origin() -> None:
    """A valid ROA for the new origin makes it a move."""
    vrps = json.dumps({"roas": [{"prefix": PREFIX, "maxLength": 24, "asn": 64888, "ta": "test"}]}).encode()
    story = Story(routes=hijacked_route(PREFIX, origin=64888), usual_prefix=COVER, vrps=vrps)

    incident = one(story)

    assert incident.cause is Cause.ROUTE_MOVED


def test_sick_vantage_is_its_own_fault() -> None:
    """One vantage loses its network: its controls and targets fail, others see nothing."""

    def dead(world: World, at: float, place: Place):
        return world.failed(at, place, API, Failure.NETWORK_UNREACHABLE)

    def dead_control(world: World, at: float, place: Place):
        from story import CONTROL

        return world.failed(at, place, CONTROL, Failure.NETWORK_UNREACHABLE)

    from story import CONTROL

    def dead_database(world: World, at: float, place: Place):
        return world.failed(at, place, DATABASE, Failure.NETWORK_UNREACHABLE)

    story = Story(
        api=only(("tokyo",), dead),
        database=only(("tokyo",), dead_database, DATABASE),
        control=only(("tokyo",), dead_control, CONTROL),
        way=only_way(("tokyo",), lambda *_: None),
    )

    incidents = story.incidents()

    assert [(i.target, i.cause, i.affected) for i in incidents] == [(None, Cause.VANTAGE_FAULT, ("tokyo",))]


def test_lone_vantage_without_network_blames_itself() -> None:
    """A single machine that lost its network does not call the service down."""
    from story import CONTROL, PLACES

    def dead(service):
        return lambda world, at, place: world.failed(at, place, service, Failure.DNS_TIMEOUT)

    story = Story(
        api=dead(API),
        database=dead(DATABASE),
        control=dead(CONTROL),
        way=lambda *_: None,
        places=PLACES[:1],
        usual_routes=False,
    )

    assert [(i.target, i.cause) for i in story.incidents()] == [(None, Cause.VANTAGE_FAULT)]


def test_lone_vantage_names_a_refusing_server() -> None:
    """One machine whose controls are fine may say that the server is down."""
    from story import PLACES

    story = Story(api=refused, places=PLACES[:1], usual_routes=False, traces=False)

    assert one(story).cause is Cause.SERVER_DOWN


def test_lone_vantage_with_silence_only_is_insufficient() -> None:
    """One machine, no answer, no traceroute, no routes: nobody can tell the host from the way to it."""
    from story import PLACES

    story = Story(api=silent, places=PLACES[:1], usual_routes=False, traces=False)

    incident = one(story)

    assert incident.cause is Cause.INSUFFICIENT
    assert incident.missing == "a measurement from a second vantage would settle it"


def test_overload_during_a_harmless_detour_is_overload() -> None:
    """The route moves at the same minute, at no cost; think time tells."""
    moved = [announcement(BEGIN + n, peer, (peer[1], 64799, 64500), PREFIX) for n, peer in enumerate(PEERS[3:])]
    story = Story(api=slow, way=only_way(FAR, detour), routes=moved)

    assert one(story).cause is Cause.SERVER_OVERLOAD


def test_overload_beside_an_old_second_origin_is_overload() -> None:
    """A hijack that hardly spreads and takes nobody does not explain slow answers with the genuine key."""
    peers = PEERS[:1]
    incidents = Story(api=slow, routes=hijacked_route(PREFIX, peers), usual_prefix=COVER).incidents()

    assert {incident.cause: len(incident.affected) for incident in incidents} == {
        Cause.SERVER_OVERLOAD: 5,
        Cause.ROUTE_HIJACK: 0,
    }


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_chunking_changes_nothing(chunk: int) -> None:
    """The same facts in other chunks give the same incidents to the last figure."""
    story = Story(
        api=only(FAR, impostor),
        way=only_way(FAR, elsewhere),
        routes=hijacked_route(PREFIX, PEERS[3:]),
        usual_prefix=COVER,
    )

    assert story.incidents(chunk) == story.incidents()


def test_recovery_tells_no_new_story() -> None:
    """When the hijack is over, slow genuine answers of its last victim do not rename it."""

    def recovering(world: World, at: float, place: Place):
        if at < END - 120:
            return impostor(world, at, place)
        return world.ok(at, place, API, think_s=world.random.uniform(0.5, 2.0))

    rows = hijacked_route(PREFIX, PEERS[3:])
    early = [
        dict(row, timestamp=float(str(row["timestamp"])) - (120 if row["withdrawals"] else 0)) for row in rows
    ]
    incidents = Story(
        api=only(FAR, recovering), way=only_way(FAR, elsewhere), routes=early, usual_prefix=COVER
    ).incidents()

    assert [(i.cause, i.detail.origin, i.suspected) for i in incidents] == [(Cause.ROUTE_HIJACK, HIJACKER, False)]


def test_sick_vantage_that_recovers_is_not_held_against_its_targets() -> None:
    """The control comes back first; the target's last failures were the vantage's."""
    from story import CONTROL, PLACES

    def dead(service, until: float):
        return lambda world, at, place: (
            world.failed(at, place, service, Failure.NETWORK_UNREACHABLE)
            if at < until
            else world.ok(at, place, service)
        )

    story = Story(
        api=dead(API, END), database=dead(DATABASE, END), control=dead(CONTROL, END - 60),
        way=lambda *_: None, places=PLACES[:1], usual_routes=False,
    )  # fmt: skip

    assert [(i.target, i.cause) for i in story.incidents()] == [(None, Cause.VANTAGE_FAULT)]


def test_exact_prefix_taken_at_every_peer_is_an_origin_hijack() -> None:
    """Only the origins are declared and no peer keeps the genuine route: the prefix is remembered as usual."""
    story = Story(
        routes=hijacked_route(PREFIX) + [
            announcement(END + 10 + n, peer, usual_path(peer[1]), PREFIX) for n, peer in enumerate(PEERS)
        ],
        target="origins = [64500]",
        table=False,
        traces=False,
    )  # fmt: skip

    (incident,) = story.incidents()

    assert (incident.cause, incident.detail.kind) == (Cause.ROUTE_HIJACK, HijackKind.ORIGIN)


def test_poisoned_resolver_is_tampering() -> None:
    """One resolver sends two vantages to a stranger's address, which the zone's own servers never gave."""
    foreign = "203.0.113.66"

    def poisoned(world: World, at: float, place: Place):
        return world.status(
            at, place, API, 500, address=foreign, spki_sha256=digest("stranger"), issuer="CN=Quick DV"
        )

    world = World(7)
    asked = [
        world.dns(at, place, API, server=server, role=role, answers=answers)
        for place in PLACES
        for at in spread(START, STOP, 60, 0.5)
        for server, role, answers in (
            ("198.19.255.1", "authoritative", API.addresses),
            (
                "198.19.255.53",
                "recursive",
                (foreign,) if place.name in FAR and BEGIN <= at < END else API.addresses,
            ),
        )
    ]

    incident = one(Story(api=only(FAR, poisoned), extra=list(asked)))

    assert (incident.cause, incident.affected, incident.detail.server) == (
        Cause.DNS_TAMPERED,
        FAR,
        "198.19.255.53",
    )
