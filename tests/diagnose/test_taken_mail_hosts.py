"""A stranger takes the space where a target's mail goes: told as that, and as nothing else."""

from __future__ import annotations

import pytest
from story import API, BEGIN, END, PEERS, PLACES, START, STOP, Story
from world import Place, World, announcement, spread, withdrawal

from monitor.diagnose import Fact
from monitor.model.incident import Incident
from monitor.model.target import mail_target
from monitor.model.verdict import Cause
from monitor.report.headline import phrase, sentence
from probes.observation import HttpObservation

HOST = "198.18.25.25"
SPACE = "198.18.25.0/24"
TAKEN = "198.18.25.0/25"
MAILER, THIEF = 64530, 64666
WATCHED = 'mail = "example.net"'


def looked_up(*, own: bool = False) -> list[Fact]:
    """Each vantage asks for the mail hosts every 5 minutes; or (`own`) gets that address for the target itself."""
    world, facts = World(7), []
    for index, place in enumerate(PLACES):
        for at in spread(START, STOP, 300.0, index / len(PLACES)):
            asked = {"server": "198.51.100.53", "role": "authoritative", "answers": (HOST,)}
            name = API.name if own else mail_target(API.name)
            facts.append(world.dns(at, place, API, target=name, name="mx.example.net", **asked))
    return facts


def routes(path: tuple[int, ...] = (THIEF,)) -> list[dict[str, object]]:
    """The mail host's prefix, and from just before the trouble until its end a part of it over another path."""
    rows = [announcement(START + n, peer, (peer[1], 64701, MAILER), SPACE) for n, peer in enumerate(PEERS)]
    rows += [announcement(BEGIN - 20 + n / 9, peer, (peer[1], *path), TAKEN) for n, peer in enumerate(PEERS)]
    return rows + [withdrawal(END + n / 9, peer, TAKEN) for n, peer in enumerate(PEERS)]


def well(world: World, at: float, place: Place) -> HttpObservation:
    """The target itself is answered as ever."""
    return world.ok(at, place, API)


def overloaded(world: World, at: float, place: Place) -> HttpObservation:
    """Its server thinks for long and sheds."""
    return world.ok(at, place, API, think_s=4.0, status=503)


def _incidents(**changed: object) -> list[Incident]:
    known = {"api": well, "extra": looked_up(), "routes": routes(), "target": WATCHED} | changed
    return Story(**known).incidents()  # type: ignore[arg-type]


def test_mail_hosts_in_taken_space_are_told_as_a_hijack_of_the_mail() -> None:
    """While the target is answered well: nobody is affected, and the text says whose traffic it is."""
    (incident,) = _incidents()

    assert (incident.cause, incident.detail.prefix, incident.detail.origin) == (Cause.ROUTE_HIJACK, TAKEN, THIEF)
    assert (incident.affected, incident.suspected, incident.detail.of_mail) == ((), True, True)
    assert {item.rule for item in incident.evidence} == {"routing.mail_space_taken"}
    assert f"Traffic to {API.name}'s mail hosts may be hijacked" in sentence(incident)
    assert phrase(incident) == f"{TAKEN} of its mail hosts now from AS{THIEF}"


def test_an_overload_is_not_laid_to_who_took_the_mail_hosts_space() -> None:
    """The routes to the target are as ever, and its server answers."""
    touched = [one for one in _incidents(api=overloaded) if one.affected]

    assert [one.cause for one in touched] == [Cause.SERVER_OVERLOAD]
    assert not any(item.rule == "routing.mail_space_taken" for item in touched[0].evidence)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"target": ""}, id="mail that nobody asked to watch"),
        pytest.param({"routes": routes((64701, MAILER))}, id="a part that its own network announces"),
        pytest.param({"routes": routes()[: len(PEERS)]}, id="routes as ever"),
        pytest.param(
            {"routes": [*routes()[: len(PEERS)], *(withdrawal(BEGIN + n, p, SPACE) for n, p in enumerate(PEERS))]},
            id="space withdrawn",
        ),
    ],
)
def test_near_misses_open_nothing(changed: dict[str, object]) -> None:
    """What is no taken space of a watched mail host is nobody's incident."""
    assert _incidents(**changed) == []


def test_the_same_space_as_the_targets_own_is_the_targets_hijack() -> None:
    """Where web and mail are behind one address, the weightier role is told."""
    (incident,) = _incidents(extra=[*looked_up(), *looked_up(own=True)])

    assert incident.cause is Cause.ROUTE_HIJACK
    assert not incident.detail.of_mail
