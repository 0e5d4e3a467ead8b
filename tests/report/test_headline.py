"""The verdict in a phrase and in a sentence, and the first steps, for every cause."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from monitor.model import Cause, Detail, Evidence, HijackEffect, HijackKind, Incident, IncidentChange, share_of
from monitor.report.account import account_of, badge
from monitor.report.cause_name import percent
from monitor.report.first_steps import first_steps
from monitor.report.headline import phrase, sentence, subject_of, witnesses

ChangeOf = Callable[[str], IncidentChange]


@pytest.fixture
def hijack(change_of: ChangeOf) -> Incident:
    """The hijack of 2022-02-03."""
    return change_of("hijack").incident


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause is not Cause.OK])
def test_every_cause_has_words_and_first_steps(hijack: Incident, cause: Cause) -> None:
    """No cause leaves the reader without a sentence about whom, a phrase, and something to do."""
    incident = msgspec.structs.replace(hijack, cause=cause, detail=Detail())

    assert "qr-checkin" in sentence(incident)
    assert phrase(incident)
    assert first_steps(incident)


@pytest.mark.parametrize("kind", [None, *HijackKind])
@pytest.mark.parametrize("effect", [None, *HijackEffect])
def test_every_hijack_has_words_however_little_is_known(
    hijack: Incident, kind: HijackKind | None, effect: HijackEffect | None
) -> None:
    """Kind and effect combine freely, with and without a prefix and an origin."""
    known = Detail(kind=kind, effect=effect, prefix="203.0.113.0/24", origin=64500)
    for detail in (known, Detail(kind=kind, effect=effect)):
        incident = msgspec.structs.replace(hijack, detail=detail)

        assert sentence(incident).startswith("Traffic to qr-checkin is hijacked: ")
        assert "None" not in sentence(incident) + phrase(incident) + "".join(first_steps(incident))


@pytest.mark.parametrize(
    ("prefix", "step"),
    [
        ("211.249.221.0/24", "Announce 211.249.221.0/24 (nothing longer is accepted) yourself"),
        ("203.0.112.0/22", "Announce 203.0.112.0/23 and 203.0.114.0/23 yourself"),
        ("2001:db8::/32", "Announce 2001:db8::/33 and 2001:db8:8000::/33 yourself"),
        ("2001:db8::/48", "Announce 2001:db8::/48 (nothing longer is accepted) yourself"),
        ("not a prefix", "Announce the covering /24s (IPv6: /48s) yourself"),
        (None, "Announce the covering /24s (IPv6: /48s) yourself"),
    ],
)
def test_the_counter_announcement_is_one_that_others_accept(
    hijack: Incident, prefix: str | None, step: str
) -> None:
    """One bit more specific than the hijack, but never longer than /24 and /48."""
    incident = msgspec.structs.replace(hijack, detail=Detail(prefix=prefix, origin=9457))

    assert first_steps(incident)[1].startswith(step)


def test_only_an_impostor_calls_for_revocation(hijack: Incident) -> None:
    """A black hole needs no certificate revoked."""
    hole = msgspec.structs.replace(hijack, detail=Detail(effect=HijackEffect.BLACKHOLE))

    assert any("revoked" in step for step in first_steps(hijack))
    assert not any("revoked" in step for step in first_steps(hole))


def test_a_suspicion_says_so_and_a_vantage_fault_has_no_number(hijack: Incident, change_of: ChangeOf) -> None:
    """The badge tells a suspicion from a verdict; a state has no probability."""
    suspected = msgspec.structs.replace(hijack, suspected=True, confidence=0.6)

    assert badge(suspected) == "suspected hijack 60%"
    assert "suspected only" in sentence(suspected)
    assert badge(change_of("vantage-fault").incident) == "vantage fault"


def test_a_hijack_that_no_feed_heard_says_where_packets_end_and_of_no_announcement(hijack: Incident) -> None:
    """Traceroutes show the network; who announced what is not known."""
    unheard = msgspec.structs.replace(
        hijack, detail=Detail(effect=HijackEffect.BLACKHOLE, origin=64666, expected_origins=(64500,))
    )

    assert "its packets end in AS64666 instead of AS64500" in sentence(unheard)
    assert "announces" not in sentence(unheard)
    assert phrase(unheard) == "packets end in AS64666"


@pytest.mark.parametrize(
    ("rule", "instead", "step"),
    [
        ("routing.failed_since_round_about", "a part of your own space", "Rule out that it is yours"),
        ("path.dead_behind_new_neighbour", "a new provider of yours", "Rule out that AS"),
        ("path.left_what_works", "a blackhole of your own", "Rule out a blackhole of your own"),
        ("routing.new_origin", "do not both speak", "Call your transit providers"),
    ],
)
def test_a_suspicion_says_what_it_may_be_instead(hijack: Incident, rule: str, instead: str, step: str) -> None:
    """That is ruled out first, by who alone can; and the steps are four at most."""
    evidence = (Evidence(rule=rule, group="g", weight=1.0, seen=1, of=1, text="t", at=0.0),)
    suspected = msgspec.structs.replace(hijack, suspected=True, evidence=evidence)

    assert instead in sentence(suspected)
    assert first_steps(suspected)[0].startswith(step)
    assert len(first_steps(suspected)) <= 4
    assert instead not in sentence(msgspec.structs.replace(suspected, suspected=False))


@pytest.mark.parametrize(
    ("confidence", "shown"),
    [(1.0, "99%"), (0.999, "99%"), (0.985, "98%"), (0.004, "1%"), (0.0, "0%"), (float("nan"), "0%")],
)
def test_a_percentage_never_claims_certainty(confidence: float, shown: str) -> None:
    """Neither all nor nothing, unless it is nothing."""
    assert percent(confidence) == shown


def test_who_and_how_many(hijack: Incident, change_of: ChangeOf) -> None:
    """Linked targets are counted, a vantage is named, and no affected vantage is said plainly."""
    linked = msgspec.structs.replace(hijack, members=("qr-checkin", "map", "pay"))
    unseen = msgspec.structs.replace(hijack, affected=())

    assert subject_of(linked) == "qr-checkin and 2 more"
    assert subject_of(change_of("vantage-fault").incident) == "seoul-1"
    assert (witnesses(hijack), witnesses(unseen)) == ("5 of 7 vantages", "no vantage of 7")


def test_vantages_that_depend_on_one_another_are_told(hijack: Incident) -> None:
    """Five vantages in two networks are two witnesses; as many networks as vantages are not worth a word."""
    dependent = msgspec.structs.replace(hijack, networks=("AS1", "AS2"))
    apart = msgspec.structs.replace(hijack, networks=("AS1", "AS2", "AS3", "AS4", "AS5"))

    assert witnesses(dependent) == "5 of 7 vantages (2 networks)"
    assert witnesses(apart) == "5 of 7 vantages"


def test_a_linked_incident_says_what_each_member_has(hijack: Incident) -> None:
    """Who saw the trouble at which target, and where nobody did."""
    shares = (share_of(hijack, "qr-checkin"), msgspec.structs.replace(share_of(hijack, "map"), affected=()))
    linked = msgspec.structs.replace(hijack, members=("qr-checkin", "map"), shares=shares)
    facts = dict(account_of(linked, timezone="UTC", now=0.0).facts)

    assert facts["Targets"] == "qr-checkin (5 of 7 vantages), map (no vantage of 7)"


def test_evidence_that_decides_nothing_is_counted_only(hijack: Incident) -> None:
    """A weight that would read +0.0 costs the reader a line; `explain` has it."""
    first, *rest = hijack.evidence
    nothing = msgspec.structs.replace(first, weight=0.04)
    account = account_of(msgspec.structs.replace(hijack, evidence=(nothing, *rest)), timezone="UTC", now=0.0)

    assert len(account.in_favour) + len(account.against) == len(rest)
    assert account.left_out == 1


@pytest.mark.parametrize(
    ("rules", "way", "said"),
    [
        (("path.unchanged", "routing.quiet"), (), "Leave routing alone"),
        (("routing.quiet",), (), "Leave routing alone"),
        (("http.refused",), (), None),
        (("routing.quiet", "path.stops_short"), (), None),
        (("routing.quiet", "path.ends_elsewhere"), (), "Look at routing as well"),
        (("path.unchanged", "routing.forged_more_specific"), (), "Look at routing as well"),
        (("routing.quiet",), (64601, 64790), "Look at routing as well"),
    ],
    ids=["traced and heard", "heard", "nobody looked", "cut short", "a new way", "a part appeared", "told later"],
)
def test_routing_is_left_alone_only_where_something_shows_that_it_is_as_ever(
    hijack: Incident, rules: tuple[str, ...], way: tuple[int, ...], said: str | None
) -> None:
    """A server that fails is no reason to say anything of routes that nobody looked at, or that did change."""
    evidence = tuple(msgspec.structs.replace(hijack.evidence[0], rule=rule) for rule in rules)
    down = {"cause": Cause.SERVER_DOWN, "detail": Detail(new_path=way), "evidence": evidence}
    steps = first_steps(msgspec.structs.replace(hijack, **down))

    assert [step for step in steps if "outing" in step] == [
        step for step in steps if said and step.startswith(said)
    ]
    assert len(steps) == (2 if said is None else 3)
