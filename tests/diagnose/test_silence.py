"""Everybody falls silent and no traceroute runs: only the moment tells a taken part from a dead server."""

from __future__ import annotations

import json

import pytest
from story import API, BEGIN, COVER, END, PEERS, PREFIX, Story, only, usual_path
from world import Place, World, announcement, withdrawal

from monitor.model.incident import Incident
from monitor.model.verdict import Cause, HijackEffect, HijackKind

RULE, SOME = "routing.taken_as_all_fell_silent", "routing.taken_as_they_failed"
OWNER, STRANGER = 64500, 64666
VRPS = json.dumps({"roas": [{"asn": STRANGER, "prefix": COVER, "maxLength": 24}]}).encode()


def silent(world: World, at: float, place: Place):
    """No SYN-ACK."""
    return world.silent(at, place, API)


def part(after_s: float, origin: int = STRANGER, peers=PEERS) -> list[dict[str, object]]:
    """A part of the target's space, so long after the trouble began, from an origin at some peers."""
    ways = {peer: usual_path(peer[1]) if origin == OWNER else (peer[1], origin) for peer in peers}
    rows = [announcement(BEGIN + after_s + n, peer, way, PREFIX) for n, (peer, way) in enumerate(ways.items())]
    return rows + [withdrawal(END + n, peer, PREFIX) for n, peer in enumerate(peers)]


def told(routes: list[dict[str, object]], **more) -> Incident:
    """The only incident of a silence without traceroutes."""
    story = {"api": silent, "way": lambda *_: None, "usual_prefix": COVER, "routes": routes, **more}
    (incident,) = Story(**story).incidents()
    return incident


def rules(incident: Incident) -> set[str]:
    """Which rules spoke."""
    return {evidence.rule for evidence in incident.evidence}


@pytest.mark.parametrize("interval_s", [10.0, 30.0])
@pytest.mark.parametrize("after_s", [-60.0, -5.0, 30.0])
def test_silence_from_the_minute_in_which_a_part_was_taken_is_a_hijack(after_s: float, interval_s: float) -> None:
    """Also where BGP tells it half a minute late, when the server was already called down."""
    incident = told(part(after_s), interval_s=interval_s)

    assert (incident.cause, incident.detail.kind) == (Cause.ROUTE_HIJACK, HijackKind.SUBPREFIX)
    assert (incident.detail.effect, incident.detail.origin) == (HijackEffect.BLACKHOLE, STRANGER)
    assert {RULE, SOME} & rules(incident)  # whichever was surer, before all were silent or then


def test_server_that_was_silent_long_before_is_not_a_hijacks_doing() -> None:
    """Whoever takes its space now did not kill it then."""
    incident = told(part(300.0))

    assert incident.cause is Cause.SERVER_DOWN
    assert RULE not in rules(incident)


def test_owners_own_part_as_all_fall_silent_is_no_hijack() -> None:
    """He announces it to win packets back, say, or to have them cleaned."""
    incident = told(part(-5.0, OWNER))

    assert incident.cause is Cause.SERVER_DOWN
    assert RULE not in rules(incident)


@pytest.mark.parametrize(
    "more",
    [{"vrps": VRPS}, {"target": f"allowed_origins = [{STRANGER}]"}],
    ids=["by a ROA", "by the configuration"],
)
def test_origin_that_is_allowed_to_takes_nothing(more: dict[str, object]) -> None:
    """The move may have gone wrong, but nobody took anything."""
    incident = told(part(-5.0), **more)

    assert incident.cause is not Cause.ROUTE_HIJACK
    assert RULE not in rules(incident)


def test_part_that_few_peers_carry_does_not_silence_everybody() -> None:
    """Two of five peers' packets would go astray, not all vantages'."""
    assert RULE not in rules(told(part(-5.0, peers=PEERS[:2])))


def test_part_taken_while_somebody_is_answered_cuts_nobody_off_by_itself() -> None:
    """The rule speaks of all; other rules weigh some."""
    assert RULE not in rules(told(part(-5.0), api=only(("tokyo", "sydney"), silent)))


def test_packets_that_still_go_the_usual_way_clear_the_stranger() -> None:
    """Traceroutes got to the target's network as ever, before BGP told of him: its server died."""
    incident = told(part(50.0), way=lambda world, at, place: world.trace(at, place, API))

    assert incident.cause is Cause.SERVER_DOWN
    assert RULE not in rules(incident)


def test_part_that_few_peers_carry_is_a_hint_where_all_fall_silent_with_it() -> None:
    """Who comes by the provider that took it is cut off, and may be all that we have."""
    incident = told(part(-5.0, peers=PEERS[:2]))

    assert incident.cause is Cause.ROUTE_HIJACK
    assert {"routing.taken_as_they_fell_silent", SOME} & rules(incident)


def test_part_that_few_peers_carry_five_minutes_later_is_no_hint() -> None:
    """The server had died by then."""
    incident = told(part(300.0, peers=PEERS[:2]))

    assert incident.cause is Cause.SERVER_DOWN
    assert "routing.taken_as_they_fell_silent" not in rules(incident)


def wrong_page(**changed: object):
    """Somebody's page from as far as ever, without a key; or with so much else."""
    keyless = dict.fromkeys(("spki_sha256", "certificate_sha256", "issuer"))
    return lambda world, at, place: world.status(at, place, API, 404, **{**keyless, **changed})


@pytest.mark.parametrize("answer", [silent, wrong_page()], ids=["silence", "another page"])
def test_lone_vantage_that_fails_from_the_minute_of_a_part_at_one_peer_is_led_off(answer) -> None:
    """What one router of thirty tells may be a slip; that somebody fails from that moment on makes it none."""
    incident = told(part(-5.0, peers=PEERS[4:]), api=only(("tokyo",), answer))

    assert (incident.cause, incident.affected) == (Cause.ROUTE_HIJACK, ("tokyo",))
    assert SOME in rules(incident)


def test_wrong_page_for_everybody_from_the_minute_in_which_all_took_a_part_is_a_strangers() -> None:
    """Plain HTTP: no key says who answers, and from some places he is as far away as the server."""
    incident = told(part(-5.0), api=wrong_page())

    assert (incident.cause, incident.suspected) == (Cause.ROUTE_HIJACK, False)
    assert SOME in rules(incident)


@pytest.mark.parametrize(
    "story",
    [
        {"routes": part(300.0, peers=PEERS[4:]), "api": only(("tokyo",), silent)},
        {"routes": part(-400.0, peers=PEERS[4:]), "api": only(("tokyo",), silent)},
        {"routes": part(-5.0, peers=PEERS[4:]), "api": only(("tokyo",), wrong_page(spki_sha256=API.key))},
        {"routes": part(50.0, peers=PEERS[4:]), "api": only(("tokyo",), silent), "way": None},
        {"routes": part(-5.0, OWNER, PEERS[4:]), "api": only(("tokyo",), silent)},
    ],
    ids=["long after", "long before", "the genuine key answers", "the usual way", "the owner's own part"],
)
def test_trouble_that_no_taken_part_brought_stays_what_it_is(story: dict[str, object]) -> None:
    """The moment, the key or the way says that the stranger did not do it."""
    incidents = Story(**{"way": lambda *_: None, "usual_prefix": COVER, **story}).incidents()

    assert all(SOME not in rules(incident) for incident in incidents)
