"""While a hijack's routes are taken back other things are seen for a minute; that does not rename it."""

from __future__ import annotations

from story import API, BEGIN, END, PEERS, PREFIX, START, Story, only, usual_path
from world import Place, World, announcement

from monitor.model.incident import Incident
from monitor.model.verdict import Cause
from probes.observation import Failure, HttpObservation

STRANGER = 64777
FAR = ("tokyo", "sydney")


def impostor(world: World, at: float, place: Place) -> HttpObservation:
    """Somebody else's key and page."""
    return world.ok(
        at, place, API, spki_sha256="ee" * 32, issuer="CN=Other CA", failure=Failure.BODY_UNEXPECTED, rtt_s=0.05
    )


def late(world: World, at: float, place: Place) -> HttpObservation:
    """The genuine server, by a way that is longer by 300 ms."""
    return world.ok(at, place, API, rtt_s=place.rtt_s + 0.3)


def told(taken_s: float, late_s: float) -> Incident:
    """The incident where an impostor answers two vantages for so long, and then the server by a long way.

    The false routes are seen until the end.
    """
    rows = enumerate(PEERS)
    table = [{**announcement(START + 1 + n, p, usual_path(p[1]), PREFIX), "rib": True} for n, p in rows]
    forged = [announcement(BEGIN - 5 + n, p, (p[1], STRANGER, 64500), PREFIX) for n, p in enumerate(PEERS[3:])]
    back = [announcement(END + n, p, usual_path(p[1]), PREFIX) for n, p in enumerate(PEERS[3:])]

    def seen(world: World, at: float, place: Place) -> HttpObservation:
        if at < BEGIN + taken_s:
            return impostor(world, at, place)
        return late(world, at, place) if at < BEGIN + taken_s + late_s else world.ok(at, place, API)

    story = Story(
        api=only(FAR, seen), usual_routes=False, routes=table + forged + back, traces=False, interval_s=15.0
    )
    (incident,) = story.incidents()
    return incident


def test_a_longer_way_in_the_last_minute_is_the_end_of_the_hijack() -> None:
    """The usual server is back, by a way that is not the usual one yet."""
    incident = told(taken_s=400.0, late_s=90.0)

    assert (incident.cause, incident.suspected) == (Cause.ROUTE_HIJACK, False)
    assert incident.affected == tuple(sorted(FAR))


def test_what_stays_for_minutes_is_told_as_what_it_is() -> None:
    """The server's own key answers for seven minutes on end: nobody's traffic is in the wrong hands now."""
    assert told(taken_s=120.0, late_s=450.0).cause is Cause.ROUTE_CHANGE
