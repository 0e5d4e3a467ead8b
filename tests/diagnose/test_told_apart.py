"""Causes that look alike, told apart by one thing each, with the near-miss beside."""

from __future__ import annotations

import pytest
from story import API, BEGIN, COVER, END, PEERS, PLACES, PREFIX, START, Story, only, only_way, usual_path
from world import Place, World, announcement, digest, withdrawal

from monitor.model.verdict import Cause, HijackKind
from monitor.report.first_steps import first_steps
from monitor.report.headline import sentence
from probes.observation import Failure

FORGED = "203.0.113.66"


def _only(story: Story):
    (incident,) = story.incidents()
    return incident


def _rules(incident) -> set[str]:
    return {item.rule for item in incident.evidence}


def _longer(extra_s: float):
    """Every round trip is longer, and nothing else is."""

    return lambda world, at, place: world.ok(at, place, API, rtt_s=place.rtt_s + extra_s)


def test_a_longer_round_trip_for_everybody_is_the_targets_own_line() -> None:
    """What five vantages on three continents share is the last hop; keys, paths and routes are as ever."""
    incident = _only(Story(api=_longer(0.150)))

    assert incident.cause is Cause.SERVER_LINK
    assert "network.all_raised" in _rules(incident)


def test_a_longer_round_trip_after_the_routes_moved_is_not_its_line() -> None:
    """The same, but all peers took another transit just before: then the new way is longer."""
    moved = [announcement(BEGIN - 5 + n, p, (p[1], 64799, 64500), PREFIX) for n, p in enumerate(PEERS)]

    incident = _only(Story(api=_longer(0.150), routes=moved, traces=False))

    assert incident.cause is Cause.ROUTE_CHANGE


def _stranger_at(rtt_s: float | None):
    """A certificate that does not verify, with a new key from a new issuer, at another distance or the same."""

    def answer(world: World, at: float, place: Place):
        return world.ok(
            at,
            place,
            API,
            rtt_s=place.rtt_s if rtt_s is None else rtt_s,
            spki_sha256=digest("stranger"),
            issuer="CN=R11,O=Let's Encrypt,C=US",
            failure=Failure.TLS_NAME_MISMATCH,
            status=None,
            wait_s=None,
            receive_s=None,
        )

    return answer


def test_a_bad_certificate_from_another_place_is_no_mistake_of_the_server() -> None:
    """All vantages meet the stranger at one distance: the server has not moved, somebody else answers."""
    incident = _only(Story(api=_stranger_at(0.060), usual_routes=False, traces=False))

    assert incident.cause is Cause.ROUTE_HIJACK
    assert incident.suspected
    assert {"identity.new_key_from_elsewhere", "identity.new_key_from_nearer"} & _rules(incident)


def test_a_bad_certificate_at_the_usual_distance_is_the_servers_own() -> None:
    """A deploy put the wrong one in place."""
    incident = _only(Story(api=_stranger_at(None), usual_routes=False, traces=False))

    assert incident.cause is Cause.TLS_INVALID


def _stranger_for_tokyo_at(rtt_s: float):
    """The same for all, but at another distance for one of them only."""
    usual, other = _stranger_at(None), _stranger_at(rtt_s)

    return lambda world, at, place: (other if place.name == "tokyo" else usual)(world, at, place)


def test_a_bad_certificate_from_nearer_than_ever_is_not_called_the_servers_mistake() -> None:
    """One of five says so: no deploy brings a server from 230 ms to 60. It is not enough to call it a hijack."""
    incident = _only(Story(api=_stranger_for_tokyo_at(0.060), usual_routes=False, traces=False))

    assert incident.cause is Cause.INSUFFICIENT
    assert "identity.new_key_from_nearer" in _rules(incident)


def test_a_bad_certificate_from_further_away_for_one_is_the_servers_own() -> None:
    """A way gets longer for many reasons."""
    incident = _only(Story(api=_stranger_for_tokyo_at(0.400), usual_routes=False, traces=False))

    assert incident.cause is Cause.TLS_INVALID


def test_a_bad_certificate_over_a_shorter_new_way_is_the_servers_own() -> None:
    """All routes moved to a transit that is nearer to one of five: that explains the distance."""
    moved = [announcement(BEGIN - 5 + n, p, (p[1], 64702, 64500), PREFIX) for n, p in enumerate(PEERS)]
    incident = _only(Story(api=_stranger_for_tokyo_at(0.060), routes=moved, traces=False))

    assert incident.cause is Cause.TLS_INVALID
    assert "identity.new_key_from_nearer" not in _rules(incident)


def test_withdrawn_space_of_a_name_server_alone_opens_nothing() -> None:
    """The zone has others, and the service is answered well."""
    own, server = Place("berlin", 64601, (64701,), 0.012), "198.51.99.53"
    asked = [World(3).dns(BEGIN - 1100 + 60 * n, own, API, role="authoritative", server=server) for n in range(38)]
    around = "198.51.99.0/24"
    there = [
        announcement(BEGIN - 1190 + n, p, (*usual_path(p[1])[:-1], 64520), around) for n, p in enumerate(PEERS)
    ]
    gone = [withdrawal(BEGIN + n, p, around) for n, p in enumerate(PEERS)]

    assert Story(routes=there + gone, extra=asked).incidents() == []


@pytest.mark.parametrize("origins", ["origins = [64500]", ""])
def test_a_takeover_stays_one_whether_origins_are_declared_or_learned(origins: str) -> None:
    """What excuses the network of a poisoned address must not excuse one that takes the usual address."""
    taken = [announcement(BEGIN - 5 + n, peer, (peer[1], 64777), PREFIX) for n, peer in enumerate(PEERS)]
    taken += [withdrawal(END + n, peer, PREFIX) for n, peer in enumerate(PEERS)]

    incident = _only(Story(routes=taken, usual_prefix=COVER, target=origins))

    assert (incident.cause, incident.detail.origin) == (Cause.ROUTE_HIJACK, 64777)


def _poisoned(world: World, at: float, place: Place):
    """Sent to a stranger, who answers just as the service does, with a key and certificate of its own."""
    return world.ok(
        at, place, API, address=FORGED, spki_sha256=digest("stranger"), issuer="CN=R11,O=Let's Encrypt,C=US"
    )


def _answers(forged: bool) -> list[object]:
    """Tokyo's resolver, and the zone's own servers from everywhere."""
    world = World(7)
    found = []
    for number in range(10):
        at = BEGIN + 60 * number
        lie = {"answers": (FORGED,)} if forged else {}
        found.append(world.dns(at, Place("tokyo", 64604, (64703, 64702), 0.23), API, **lie))
        found.append(
            world.dns(
                at + 5, Place("berlin", 64601, (64701,), 0.012), API, role="authoritative", server="198.18.0.53"
            )
        )
    return found


@pytest.mark.parametrize("origins", ["origins = [64500]", ""])
def test_a_stranger_at_a_forged_address_is_tampering_and_no_hijack(origins: str) -> None:
    """The network of the forged address announces what is its own, whatever is declared of the target."""
    story = Story(
        api=only(("tokyo",), _poisoned),
        extra=_answers(forged=True),
        routes=[announcement(BEGIN - 900 + n, p, (p[1], 64510), "203.0.113.0/24") for n, p in enumerate(PEERS)],
        target=origins,
    )

    incident = _only(story)

    assert (incident.cause, incident.affected) == (Cause.DNS_TAMPERED, ("tokyo",))


def test_another_address_of_the_same_key_is_nothing() -> None:
    """A second site: where nobody lies, and the key is known, an address may be new."""

    def elsewhere(world: World, at: float, place: Place):
        return world.ok(at, place, API, address=FORGED)

    assert Story(api=only(("tokyo",), elsewhere), extra=_answers(forged=False)).incidents() == []


def _dual(bad):
    """Two addresses in turn; the first of them is in trouble."""

    def answer(world: World, at: float, place: Place):
        if int(at // 30) % 2:
            return world.ok(at, place, API, address="2001:db8::10", family=6)
        return bad(world, at, place)

    return answer


def _impostor(world: World, at: float, place: Place):
    """Errors, with a new key, from nearby."""
    return world.status(
        at, place, API, 500, rtt_s=0.040, spki_sha256=digest("stranger"), issuer="CN=R11,O=Let's Encrypt,C=US"
    )


def test_good_answers_of_the_other_family_do_not_hide_a_takeover() -> None:
    """Only Tokyo is taken, and by one protocol of two: every other exchange of it is good."""
    incident = _only(Story(api=only(("tokyo",), _dual(_impostor)), usual_routes=False, traces=False))

    assert (incident.cause, incident.affected) == (Cause.ROUTE_HIJACK, ("tokyo",))


def _through(provider: int, end: int, places: tuple[str, ...]):
    """Traceroutes of those places pass, or end in, another network."""
    return only_way(
        places, lambda world, at, place: world.trace(at, place, API, networks=(*place.transit, provider, end))
    )


def test_the_declared_scrubbing_provider_on_the_path_is_a_move() -> None:
    """Its more-specific stands, packets go through it, and the way is longer: what was allowed explains it."""
    moved = [announcement(BEGIN - 5 + n, p, (p[1], 64888), PREFIX) for n, p in enumerate(PEERS)]
    moved += [withdrawal(END + n, p, PREFIX) for n, p in enumerate(PEERS)]
    story = Story(
        api=_longer(0.120),
        way=_through(64888, 64500, ("tokyo", "sydney", "berlin", "london", "newyork")),
        routes=moved,
        usual_prefix=COVER,
        target="allowed_origins = [64888]",
    )

    incident = _only(story)

    assert incident.cause is Cause.ROUTE_MOVED
    assert "path.through_allowed_network" in _rules(incident)


def _forged_path() -> Story:
    """A table that shows the usual neighbours; then 64777 claims to be one, and answers two vantages itself."""
    table = [
        {**announcement(START + 1 + n, p, usual_path(p[1]), PREFIX), "rib": True} for n, p in enumerate(PEERS)
    ]
    forged = [announcement(BEGIN - 5 + n, p, (p[1], 64777, 64500), PREFIX) for n, p in enumerate(PEERS[3:])]
    forged += [announcement(END + n, p, usual_path(p[1]), PREFIX) for n, p in enumerate(PEERS[3:])]
    return Story(
        api=only(("tokyo", "sydney"), _impostor),
        usual_routes=False,
        routes=table + forged,
        traces=False,
        interval_s=15.0,
    )


def test_a_new_key_behind_a_new_neighbour_of_the_origin_is_a_forged_path() -> None:
    """The prefix and the origin are the usual ones: a neighbour never seen, and a key never seen, give it away."""
    incident = _only(_forged_path())

    assert incident.cause is Cause.ROUTE_HIJACK
    assert not incident.suspected
    assert incident.affected == ("sydney", "tokyo")
    assert "identity.new_key_on_new_way" in _rules(incident)
    assert (incident.detail.kind, incident.detail.origin) == (HijackKind.FORGED_ORIGIN, 64500)
    assert incident.detail.offender == incident.detail.culprit == 64777


def test_the_victim_of_a_forged_path_is_not_told_to_call_itself() -> None:
    """Whoever is woken at night is sent to the network that forged the path, not to the one whose name it used."""
    incident = _only(_forged_path())
    steps = " ".join(first_steps(incident))

    assert "AS64777" in steps
    assert "AS64500" not in steps
    assert "AS64777" in sentence(incident)


def _lossy_line(world: World, at: float, place: Place):
    """Packets are lost and sent again, at the usual round trip."""
    resent = world.random.choice([1, 2, 3])
    return world.ok(at, place, API, think_s=0.08 + 0.4 * resent, retransmits=resent)


def test_waits_for_packets_sent_again_are_no_think_time() -> None:
    """Two of five vantages wait a second, and their kernels say why."""
    incident = _only(Story(api=only(("tokyo", "sydney"), _lossy_line)))

    assert incident.cause is Cause.PATH_CONGESTION
    assert "http.resent" in _rules(incident)


def test_an_expired_certificate_at_another_server_of_the_pool_is_no_tampering() -> None:
    """One vantage, sent for the first time to the address beside the usual one, where the key is another."""

    def renewed_too_late(world: World, at: float, place: Place):
        return world.ok(
            at,
            place,
            API,
            address="198.51.100.11",
            spki_sha256=digest("the pool's second"),
            failure=Failure.TLS_EXPIRED,
            status=None,
            wait_s=None,
            receive_s=None,
        )

    incident = _only(Story(api=renewed_too_late, places=PLACES[:1], usual_routes=False, traces=False))

    assert incident.cause is Cause.TLS_INVALID
