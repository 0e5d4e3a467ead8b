"""A part of the target's space behind a path that names its origin and its transit, and that somebody made up."""

from __future__ import annotations

from story import API, BEGIN, COVER, END, PEERS, PLACES, PREFIX, Story, only, usual_path
from world import Place, World, announcement, withdrawal

from monitor.model.incident import Incident
from monitor.model.verdict import Cause, HijackKind

OWNER, TRANSIT, STRANGER, BEYOND = 64500, 64701, 64666, 64777
LINKS = (f"{STRANGER}|{BEYOND}|-1", f"{TRANSIT}|{STRANGER}|-1", f"{TRANSIT}|{OWNER}|-1")
"""By these every link of the way is a real one: the stranger buys from the transit that he names."""

OTHER_LINKS = (f"{TRANSIT}|{OWNER}|-1",)
"""A table that knows the owner, and nothing of who is new."""


def silent(world: World, at: float, place: Place):
    """No SYN-ACK."""
    return world.silent(at, place, API)


def part(*tail: int, at: float = BEGIN - 5) -> list[dict[str, object]]:
    """All peers but the transit itself, which would be on its own way, hear of a part; `tail`: how ways end."""
    peers = [peer for peer in PEERS if peer[1] != TRANSIT]
    ways = {peer: (peer[1], *tail) if tail else usual_path(peer[1]) for peer in peers}
    rows = [announcement(at + n, peer, way, PREFIX) for n, (peer, way) in enumerate(ways.items())]
    return rows + [withdrawal(END + n, peer, PREFIX) for n, peer in enumerate(peers)]


def told(routes: list[dict[str, object]], **more) -> list[Incident]:
    """The incidents of a story without traceroutes."""
    return Story(way=lambda *_: None, usual_prefix=COVER, routes=routes, **more).incidents()


def rules(incident: Incident) -> set[str]:
    """Which rules spoke."""
    return {evidence.rule for evidence in incident.evidence}


def test_silence_since_a_part_came_over_a_new_link_that_was_made_up_is_a_hijack() -> None:
    """The transit that is named has no such route, which its own session with a collector shows."""
    (incident,) = told(part(BEYOND, STRANGER, TRANSIT, OWNER), api=silent)

    assert (incident.cause, incident.detail.kind) == (Cause.ROUTE_HIJACK, HijackKind.PATH)
    assert (incident.detail.prefix, incident.detail.culprit) == (PREFIX, STRANGER)


def test_silence_since_a_part_came_round_over_real_links_is_suspected_to_be_a_hijack() -> None:
    """Where no packets were traced, an owner who moved his space to a dead corner looks alike."""
    (incident,) = told(part(BEYOND, STRANGER, TRANSIT, OWNER), api=silent, relationships=LINKS)

    assert (incident.cause, incident.suspected, incident.detail.culprit) == (Cause.ROUTE_HIJACK, True, STRANGER)
    assert {"routing.part_round_about", "routing.failed_since_round_about"} <= rules(incident)


def test_silence_of_one_of_those_whom_such_a_part_must_draw_is_no_hijack() -> None:
    """All peers carry it, so all packets go there; and the others are served."""
    answer = only((PLACES[0].name,), silent)
    incidents = told(part(BEYOND, STRANGER, TRANSIT, OWNER), api=answer, relationships=LINKS)

    assert Cause.ROUTE_HIJACK not in {incident.cause for incident in incidents}


def test_errors_of_the_server_itself_that_begin_with_such_a_part_are_no_hijack() -> None:
    """It answers with its own key: nobody took its packets."""
    (incident,) = told(
        part(BEYOND, STRANGER, TRANSIT, OWNER),
        api=lambda world, at, place: world.status(at, place, API, 503), relationships=LINKS,
    )  # fmt: skip

    assert incident.cause is not Cause.ROUTE_HIJACK
    assert "routing.failed_since_round_about" not in rules(incident)


NEW = 64888
"""A network that was never next to the owner."""


def neighbours_part(at: float) -> list[dict[str, object]]:
    """All peers hear of a part from it."""
    rows = [announcement(at + n, peer, (peer[1], NEW, OWNER), PREFIX) for n, peer in enumerate(PEERS)]
    return rows + [withdrawal(END + n, peer, PREFIX) for n, peer in enumerate(PEERS)]


def test_silence_since_a_new_neighbour_has_a_part_is_a_hijack_when_it_lasts() -> None:
    """A provider's first minutes may be bad; this is none."""
    (incident,) = told(neighbours_part(BEGIN - 2), api=silent, relationships=OTHER_LINKS)

    assert (incident.cause, incident.detail.kind) == (Cause.ROUTE_HIJACK, HijackKind.FORGED_ORIGIN)
    assert incident.detail.culprit == NEW


def test_part_behind_a_new_neighbour_that_answers_a_silence_did_not_make_it() -> None:
    """Whoever is flooded has his space announced by those who clean it, a minute after."""
    (incident,) = told(neighbours_part(BEGIN + 55), api=silent, relationships=OTHER_LINKS)

    assert "routing.taken_as_they_failed" not in rules(incident)


def test_traceroutes_that_end_with_the_maker_of_such_a_path_settle_it() -> None:
    """Packets never get behind him."""
    (incident,) = Story(
        way=lambda world, at, place: world.trace(at, place, API, networks=(64798, STRANGER), reached=False),
        api=silent, usual_prefix=COVER, routes=part(BEYOND, STRANGER, TRANSIT, OWNER), relationships=LINKS,
    ).incidents()  # fmt: skip

    assert (incident.cause, incident.detail.kind) == (Cause.ROUTE_HIJACK, HijackKind.PATH)
    assert incident.detail.culprit == STRANGER


def test_part_over_real_links_wakes_nobody_while_all_is_well() -> None:
    """Its owner may have had it told to one network alone."""
    assert told(part(BEYOND, STRANGER, TRANSIT, OWNER), relationships=LINKS) == []


def test_part_over_the_usual_ways_is_no_reason_for_a_silence() -> None:
    """Its owner announces it, and his server is dead."""
    (incident,) = told(part(), api=silent)

    assert incident.cause is Cause.SERVER_DOWN


def test_part_that_came_long_before_made_no_silence() -> None:
    """Somebody makes paths up, and the server is dead: a hijack it is by no evidence of ours."""
    (incident,) = told(part(BEYOND, STRANGER, TRANSIT, OWNER, at=BEGIN - 500), api=silent, relationships=LINKS)

    assert "routing.taken_as_all_fell_silent" not in rules(incident)


def test_part_behind_a_new_link_that_nobody_disowns_is_told_as_such() -> None:
    """A re-route brings no longer prefix with it: what leads packets elsewhere then is no ordinary change."""
    routes = part(BEYOND, STRANGER, 64720, OWNER)
    (incident,) = Story(
        way=lambda world, at, place: world.trace(at, place, API, networks=(64798, STRANGER), reached=False),
        api=silent, usual_prefix=COVER, routes=routes, relationships=(f"64720|{OWNER}|-1",),
    ).incidents()  # fmt: skip

    assert incident.cause is Cause.ROUTE_HIJACK
    assert "routing.part_behind_new_link" in rules(incident)


def test_part_that_one_provider_tells_shows_links_that_are_merely_new() -> None:
    """Each way to that provider has another, and he was always the owner's: the server is dead."""
    tails = ((TRANSIT,), (64666, TRANSIT), (64667, TRANSIT), (64668, TRANSIT))
    routes = [
        announcement(BEGIN - 5 + n, peer, (peer[1], *tail, OWNER), PREFIX)
        for n, (peer, tail) in enumerate(zip([one for one in PEERS if one[1] != TRANSIT], tails, strict=True))
    ]
    (incident,) = told(routes, api=silent, relationships=OTHER_LINKS)

    assert incident.cause is Cause.SERVER_DOWN
    assert "routing.part_behind_new_link" not in rules(incident)
