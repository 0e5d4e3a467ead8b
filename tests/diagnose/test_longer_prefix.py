"""Packets follow the longest prefix: when a longer one comes, BGP is not quiet, and late packets have a reason."""

from __future__ import annotations

import pytest
from story import API, BEGIN, COVER, END, PEERS, PREFIX, Answer, Story, only, usual_path
from world import announcement, withdrawal

from monitor.model.incident import Incident
from monitor.model.verdict import Cause

OWNER, STRANGER = 64500, 64666


def part(path: tuple[int, ...], at: float = BEGIN - 5) -> list[dict[str, object]]:
    """All peers hear of a part of the target's space by a way that ends so, and later no more."""
    rows = [announcement(at + n, peer, (peer[1], *path), PREFIX) for n, peer in enumerate(PEERS)]
    return rows + [withdrawal(END + n, peer, PREFIX) for n, peer in enumerate(PEERS)]


def later(seconds: float) -> Answer:
    """The genuine server answers, each round trip longer for everybody."""
    return lambda world, at, place: world.ok(at, place, API, rtt_s=place.rtt_s + seconds)


def told(routes: list[dict[str, object]]) -> Incident:
    """The only incident of round trips that grow for all, where no traceroute runs."""
    (incident,) = Story(
        api=later(0.2), way=lambda *_: None, usual_prefix=COVER, routes=routes, table=False
    ).incidents()
    return incident


def rules(incident: Incident) -> set[str]:
    """Which rules spoke."""
    return {evidence.rule for evidence in incident.evidence}


@pytest.mark.parametrize("path", [(STRANGER,), (STRANGER, OWNER)], ids=["foreign origin", "forged origin"])
def test_part_taken_as_all_packets_become_late_is_no_full_line(path: tuple[int, ...]) -> None:
    """Whoever hands the packets on, with the genuine key at their end, makes them late for everybody."""
    incident = told(part(path))

    assert "network.all_raised" not in rules(incident)
    assert "routing.quiet" not in rules(incident)
    assert incident.cause in (Cause.ROUTE_HIJACK, Cause.INSUFFICIENT)
    assert incident.detail.prefix == PREFIX or incident.cause is Cause.INSUFFICIENT


def test_forged_way_to_a_part_stands_out_after_a_quarter_of_an_hour() -> None:
    """Five peers showed who is next to the origin; a sixth neighbour before a part of it is news."""
    assert "routing.forged_more_specific" in rules(told(part((STRANGER, OWNER))))


def test_own_part_by_the_usual_ways_is_neither_forged_nor_quiet() -> None:
    """The owner announces a part of his space as packets become late: BGP stirred, and nobody took anything."""
    own = [announcement(BEGIN - 5 + n, p, usual_path(p[1]), PREFIX) for n, p in enumerate(PEERS)]

    seen = rules(told(own))

    assert not seen & {"routing.quiet", "routing.forged_more_specific", "network.all_raised"}


def test_late_packets_without_any_new_route_are_still_the_targets_line() -> None:
    """Nothing leads packets elsewhere, so what all share is to blame."""
    incident = told([])

    assert incident.cause is Cause.SERVER_LINK
    assert rules(incident) >= {"network.all_raised", "routing.quiet"}


def test_part_of_an_hour_before_explains_nothing_now() -> None:
    """What the owner announced long before the trouble did not make it."""
    own = [announcement(BEGIN - 600 + n, p, usual_path(p[1]), PREFIX) for n, p in enumerate(PEERS)]

    assert told(own).cause is Cause.SERVER_LINK


def test_detour_by_an_allowed_origin_is_his_and_no_unexplained_re_route() -> None:
    """Packets are cleaned far away, behind routers of others: later for most, as agreed."""
    story = Story(
        api=only(("berlin", "london", "newyork", "tokyo"), later(0.1)),
        way=lambda world, at, place: world.trace(at, place, API, networks=(64798, OWNER)),
        usual_prefix=COVER,
        routes=part((STRANGER,)),
        target=f"allowed_origins = [{STRANGER}]",
    )

    (incident,) = story.incidents()

    assert incident.cause is Cause.ROUTE_MOVED
