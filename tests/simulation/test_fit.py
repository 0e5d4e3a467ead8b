"""The fit finds what made the cases, and never turns a rule round."""

from __future__ import annotations

from math import log
from random import Random

import pytest
from fit import Case, figures, fit_temperature, fit_weights, shares, surprise, table

from monitor.model.verdict import Cause

RULE, CAUSES = "identity.key_known", (Cause.ROUTE_HIJACK, Cause.SERVER_DOWN, Cause.SERVER_OVERLOAD)


def drawn(count: int, temperature: float, *, seed: int = 1) -> list[Case]:
    """Cases whose truth is drawn with the probabilities that the table gives at a temperature."""
    rng, made = Random(seed), []
    rules = ["http.think_time", "http.refused", RULE, "identity.new_key", "network.rtt_flat"]
    for _ in range(count):
        strengths = tuple((rule, rng.random()) for rule in rng.sample(rules, k=3))
        case = Case("made", CAUSES[0], CAUSES, strengths)
        odds = shares(case, table(), temperature)
        truth = rng.choices(list(odds), weights=list(odds.values()))[0]
        made.append(Case("made", truth, CAUSES, strengths))
    return made


@pytest.mark.parametrize("temperature", [0.8, 1.5, 3.0])
def test_the_temperature_is_that_by_which_the_truth_was_drawn(temperature: float) -> None:
    """And by it the claims are as often right as they say."""
    cases = drawn(1500, temperature)

    found = fit_temperature(cases, table())

    assert abs(log(found / temperature)) < 0.2
    assert figures(cases, table(), found).calibration < 0.05


def test_fitted_likelihoods_explain_more_and_keep_their_signs() -> None:
    """Every case says the opposite of the table: the number goes towards nothing, and not through it."""
    contrary = [Case("made", Cause.ROUTE_HIJACK, CAUSES, ((RULE, 1.0),))] * 20

    fitted = fit_weights(contrary, table(), 1.0)

    assert table()[RULE, Cause.ROUTE_HIJACK] < fitted[RULE, Cause.ROUTE_HIJACK] <= 0.0
    assert surprise(contrary, fitted, 1.0) < surprise(contrary, table(), 1.0)
    assert all(value * table()[key] >= 0.0 for key, value in fitted.items())


def test_what_no_case_speaks_of_stays_as_the_table_has_it() -> None:
    """The penalty's only wish."""
    fitted = fit_weights(drawn(20, 1.0), table(), 1.0)

    assert fitted["routing.new_origin", Cause.ROUTE_HIJACK] == table()["routing.new_origin", Cause.ROUTE_HIJACK]
