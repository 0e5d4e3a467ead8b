"""A stranger takes the space of a zone's name servers: the hijack is told, not only that the name fails."""

from __future__ import annotations

import pytest
from story import API, BEGIN, END, PEERS, PLACES, START, STOP, Story, in_trouble
from world import Place, World, announcement, spread, withdrawal

from monitor.diagnose import Fact
from monitor.model.incident import Incident
from monitor.model.verdict import Cause
from probes.observation import Failure, HttpObservation

SERVER = "203.0.113.53"
SPACE = "203.0.113.0/24"
TAKEN = "203.0.113.0/25"
THIEF = 64666


def nameless(world: World, at: float, place: Place) -> HttpObservation:
    """The name does not resolve."""
    return world.failed(at, place, API, Failure.DNS_TIMEOUT)


def asked(role: str = "authoritative", server: str = SERVER) -> list[Fact]:
    """Each vantage asks a name server every 30 s, which is silent while the trouble lasts."""
    world, facts = World(7), []
    for index, place in enumerate(PLACES):
        for at in spread(START, STOP, 30.0, index / len(PLACES)):
            silent = {"rcode": None, "answers": (), "failure": Failure.DNS_TIMEOUT} if in_trouble(at) else {}
            facts.append(world.dns(at, place, API, server=server, role=role, **silent))
    return facts


def routes(*, begin: float | None) -> list[dict[str, object]]:
    """The name server's prefix, and from `begin` on a part of it from a stranger, for as long as the trouble."""
    rows = [announcement(START + n, peer, (peer[1], 64701, 64510), SPACE) for n, peer in enumerate(PEERS)]
    if begin is not None:
        rows += [announcement(begin + n / 9, peer, (peer[1], THIEF), TAKEN) for n, peer in enumerate(PEERS)]
        rows += [withdrawal(begin + END - BEGIN + n / 9, peer, TAKEN) for n, peer in enumerate(PEERS)]
    return rows


def felt(extra: list[Fact], begin: float | None) -> Incident:
    """The one incident that touches vantages; the taken space may be one of its own, which touches none."""
    found = Story(api=nameless, extra=extra, routes=routes(begin=begin)).incidents()
    (incident,) = [one for one in found if one.affected]
    return incident


@pytest.mark.parametrize("role", ["authoritative", "recursive"])
def test_names_that_fail_since_their_servers_space_was_taken_are_a_hijack(role: str) -> None:
    """Whether the servers are asked themselves, or by a resolver that gets no answer from them."""
    extra = asked() if role == "authoritative" else [*asked(), *asked("recursive", "198.51.100.99")]

    incident = felt(extra, BEGIN - 2)

    assert (incident.cause, str(incident.detail.prefix), incident.detail.origin) == (
        Cause.ROUTE_HIJACK,
        TAKEN,
        THIEF,
    )
    assert len(incident.affected) == len(PLACES)


@pytest.mark.parametrize("begin", [None, START + 120.0])
def test_names_that_fail_by_themselves_are_no_hijack(begin: float | None) -> None:
    """With quiet routes, or where the stranger had come and gone long before."""
    assert felt(asked(), begin).cause is Cause.DNS_FAILED


def test_servers_elsewhere_that_fail_are_no_hijack() -> None:
    """The taken space holds none of the servers that are silent."""
    assert felt(asked(server="198.19.254.53"), BEGIN - 2).cause is Cause.DNS_FAILED
