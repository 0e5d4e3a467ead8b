"""Who answers those whose packets end in another network, with nothing heard of it in BGP."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from story import API, Story, only, only_way
from world import Place, World

from monitor.model.incident import Incident
from monitor.model.verdict import Cause, HijackEffect
from probes.observation import Failure, Hop

STRANGER, CARRIER, OWNER = 64790, 64780, 64500
LONE, FAR = ("tokyo",), ("newyork", "tokyo", "sydney")
KEYED, KEYLESS, QUIET = "identity.new_key_on_strange_way", "http.stranger_on_strange_way", "routing.quiet"
OTHER_KEY = {"spki_sha256": "dd" * 32, "certificate_sha256": "dc" * 32, "issuer": "CN=Other CA,O=Other,C=US"}
REFUSED = {"failure": Failure.TLS_NAME_MISMATCH, "status": None, **OTHER_KEY}
WRONG_PAGE = {"failure": Failure.STATUS_UNEXPECTED, "checks_failed": ("status",), "status": 404}
KEYLESS_PAGE = {**WRONG_PAGE, **dict.fromkeys(("spki_sha256", "certificate_sha256", "issuer"))}


def answered(**changed: object):
    """An exchange from as far as ever, and otherwise so."""
    return lambda world, at, place: world.ok(at, place, API, **changed)


def by(*networks: int, quiet_end: bool = False):
    """A traceroute by these networks that arrives; `quiet_end`: the last router before the server says nothing."""

    def way(world: World, at: float, place: Place):
        trace = world.trace(at, place, API, networks=networks)
        *hops, end = trace.hops
        silent = [Hop(ttl=end.ttl)] if quiet_end else []
        return replace(trace, hops=(*hops, *silent, replace(end, ttl=end.ttl + len(silent))))

    return way


def told(**story) -> Incident:
    """The only incident of a story whose BGP is quiet."""
    (incident,) = Story(**story).incidents()
    return incident


def rules(incident: Incident) -> set[str]:
    """Which rules spoke."""
    return {evidence.rule for evidence in incident.evidence}


@pytest.mark.parametrize("answer", [REFUSED, {**WRONG_PAGE, **OTHER_KEY}], ids=["not trusted", "another page"])
@pytest.mark.parametrize("who", [LONE, FAR], ids=["one", "some"])
def test_new_key_where_the_way_ends_elsewhere_is_a_strangers(
    who: tuple[str, ...], answer: dict[str, object]
) -> None:
    """A route that no collector hears draws them off: it is neither the certificate nor the page that is wrong."""
    incident = told(api=only(who, answered(**answer)), way=only_way(who, by(CARRIER, STRANGER)))

    assert (incident.cause, incident.suspected) == (Cause.ROUTE_HIJACK, True)
    assert (incident.detail.effect, incident.detail.culprit) == (HijackEffect.IMPOSTOR, STRANGER)
    assert incident.affected == tuple(sorted(who))
    assert KEYED in rules(incident)


def test_feeds_that_do_not_hear_where_packets_go_clear_nothing() -> None:
    """All that were traced end in another network, so that the quiet table is no witness."""
    incident = told(api=only(FAR, answered(**REFUSED)), way=only_way(FAR, by(CARRIER, STRANGER)))

    assert QUIET not in rules(incident)


def test_key_of_a_deploy_is_no_strangers_where_some_go_another_way() -> None:
    """Everybody gets the new key, which is wrong, also those whose packets go where they always went."""
    incident = told(api=answered(**REFUSED), way=only_way(FAR, by(CARRIER, STRANGER)))

    assert incident.cause is not Cause.ROUTE_HIJACK
    assert KEYED not in rules(incident)


def test_new_key_at_the_end_of_a_detour_home_is_a_deploy() -> None:
    """They go by another network to the usual one."""
    incident = told(api=only(FAR, answered(**REFUSED)), way=only_way(FAR, by(CARRIER, OWNER)))

    assert KEYED not in rules(incident)


def test_new_key_in_a_network_that_may_announce_it_is_a_move() -> None:
    """The configuration allows the scrubbing provider, whether or not BGP shows it."""
    incident = told(
        api=only(FAR, answered(**{**WRONG_PAGE, **OTHER_KEY})),
        way=only_way(FAR, by(CARRIER, STRANGER)),
        target=f"allowed_origins = [{STRANGER}]",
    )

    assert KEYED not in rules(incident)


def test_wrong_page_without_a_key_where_the_way_ends_elsewhere_is_a_strangers() -> None:
    """The very address that gives others the right page."""
    incident = told(api=only(FAR, answered(**KEYLESS_PAGE)), way=only_way(FAR, by(CARRIER, STRANGER)))

    assert (incident.cause, incident.suspected) == (Cause.ROUTE_HIJACK, True)
    assert incident.detail.culprit == STRANGER
    assert KEYLESS in rules(incident)


@pytest.mark.parametrize(
    "story",
    [
        {"api": answered(**KEYLESS_PAGE), "way": only_way(FAR, by(CARRIER, STRANGER))},
        {"api": only(FAR, answered(**KEYLESS_PAGE)), "way": only_way(FAR, by(CARRIER, quiet_end=True))},
        {"api": only(FAR, answered(**KEYLESS_PAGE)), "way": only_way(FAR, by(CARRIER, OWNER))},
    ],
    ids=["everybody gets it", "the last router may be the owner's", "a detour home"],
)
def test_wrong_page_that_the_server_itself_may_give_is_no_strangers(story: dict[str, object]) -> None:
    """Somebody else gets it over the usual way, or nothing shows that the way ends elsewhere."""
    incident = told(**story)

    assert incident.cause is not Cause.ROUTE_HIJACK
    assert KEYLESS not in rules(incident)
