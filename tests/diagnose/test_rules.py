"""The rules are data: complete, documented, and adding up as a person would add them."""

from __future__ import annotations

from math import exp

import pytest

from monitor.diagnose.finding import Finding
from monitor.diagnose.rules import MIXTURE, PRIOR, RULES
from monitor.diagnose.symptom import Symptom
from monitor.diagnose.weigh import TEMPERATURE, Ranking, as_evidence, weigh
from monitor.model.evidence import Evidence
from monitor.model.verdict import Cause

ALL = tuple(PRIOR)


def finding(rule: str, share: float = 1.0) -> Finding:
    """A finding with every value that any rule's text may ask for."""
    words = (
        "think usual_think rtt usual_rtt status failure connect vantage issuer path usual new prefix origin "
        "expected rpki old clean phi name cause server answers address reason offender disowner near far resent "
        "well outside waits trips nearer least most"
    )
    return Finding(rule=rule, seen=2, of=3, at=1.0, share=share, values=dict.fromkeys(words.split(), "x"))


def evidence_of(ranking: Ranking, chosen: Cause, against: Cause) -> tuple[Evidence, ...]:
    """The evidence of a target whose vantages are not known."""
    return as_evidence(ranking, chosen, against, target="shop", networks={})


def test_every_symptom_has_a_rule() -> None:
    """What a vantage can see, a rule weighs."""
    assert {f"http.{symptom}" for symptom in Symptom if symptom is not Symptom.NONE} <= RULES.keys()


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_rule_is_well_formed(rule) -> None:
    """A dotted id, a plane, causes that can be ranked, sizes of judgement and a text that can be filled."""
    assert rule.id.count(".") == 1
    assert rule.plane in ("control", "data")
    assert rule.likelihoods.keys() <= PRIOR.keys()
    assert all(abs(value) <= 7 for value in rule.likelihoods.values())
    assert "{" not in evidence_of(weigh([finding(rule.id)], ALL), ALL[0], ALL[1])[0].text


def test_causes_that_no_rule_speaks_for_cannot_be_named() -> None:
    """Every ranked cause has a rule that speaks for it clearly."""
    spoken_for = {cause for rule in RULES.values() for cause, value in rule.likelihoods.items() if value >= 1.5}

    assert spoken_for == set(PRIOR)


def test_confidence_can_be_recomputed_by_hand() -> None:
    """Prior plus terms, over the temperature, as a softmax: from the printed evidence alone."""
    found = [finding("http.shedding", 0.5), finding("http.read_timeout", 0.5), finding("network.rtt_flat", 0.9)]
    ranking = weigh(found, ALL)
    evidence = evidence_of(ranking, Cause.SERVER_OVERLOAD, Cause.SERVER_DOWN)

    scores = {
        cause: PRIOR[cause] + sum(item.likelihoods.get(cause.value, 0.0) for item in evidence) for cause in ALL
    }
    total = sum(exp(score / TEMPERATURE) for score in scores.values())
    by_hand = exp(scores[Cause.SERVER_OVERLOAD] / TEMPERATURE) / total

    assert ranking.first == (Cause.SERVER_OVERLOAD, pytest.approx(by_hand, abs=1e-3))


def test_correlated_rules_are_discounted() -> None:
    """Three rules of one group count in full, half and a quarter, the strongest first."""
    ranking = weigh(
        [finding(r) for r in ("identity.new_issuer", "identity.two_keys_at_once", "identity.new_key")], ALL
    )

    shares = [
        term.likelihoods[Cause.ROUTE_HIJACK] / RULES[term.finding.rule].likelihoods[Cause.ROUTE_HIJACK]
        for term in ranking.terms
    ]
    assert ranking.terms[0].finding.rule == "identity.new_key"
    assert shares == [1.0, 0.5, 0.25]


def test_any_number_of_weak_rules_counts_less_than_twice_the_strongest() -> None:
    """A flapping prefix shows dozens of odd links: together they say little more than the oddest of them."""
    one = weigh([finding("routing.new_link")], ALL)
    fifty = weigh([finding("routing.new_link") for _ in range(50)], ALL)

    added = {cause: fifty.scores[cause] - PRIOR[cause] for cause in ALL}
    assert added[Cause.ROUTE_CHANGE] > one.scores[Cause.ROUTE_CHANGE] - PRIOR[Cause.ROUTE_CHANGE]
    assert added[Cause.ROUTE_CHANGE] <= 2 * RULES["routing.new_link"].likelihoods[Cause.ROUTE_CHANGE]


def test_symptoms_share_one_strength() -> None:
    """Half the vantages with each of two symptoms weigh as one symptom, not as two."""
    assert {"symptom"} == MIXTURE
    half = weigh([finding("http.shedding", 0.5), finding("http.read_timeout", 0.5)], ALL)
    whole = weigh([finding("http.read_timeout")], ALL)

    assert half.scores[Cause.SERVER_OVERLOAD] == pytest.approx(whole.scores[Cause.SERVER_OVERLOAD])


def test_evidence_comes_strongest_first() -> None:
    """What decided most between the two causes is read first; weight against is negative."""
    found = [finding("scope.some"), finding("routing.new_more_specific"), finding("identity.key_known")]
    evidence = evidence_of(weigh(found, ALL), Cause.ROUTE_HIJACK, Cause.SERVER_OVERLOAD)

    assert [item.rule for item in evidence] == ["routing.new_more_specific", "identity.key_known", "scope.some"]
    assert [item.weight > 0 for item in evidence] == [True, False, True]
