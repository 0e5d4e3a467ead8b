"""The rules as `whydown explain --rules` prints them are all that a verdict is made with."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import exp

import pytest
from click.testing import CliRunner

from monitor.cli import main
from monitor.diagnose.rules import RULES

Replayed = Callable[[str], tuple[bytes, ...]]


def printed(*arguments: str) -> str:
    """What a command prints."""
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("folder", ["kakao-2022-02-03", "coov-2021-12-13"])
def test_a_verdict_is_recomputed_from_what_two_commands_print(folder: str, replayed: Replayed) -> None:
    """Rules times strength times discount, plus priors, over the temperature: the confidence, from JSON alone."""
    rules = json.loads(printed("explain", "--rules", "--json"))
    worth = {rule["id"]: rule["likelihoods"] for rule in rules["rules"]}
    incidents = [json.loads(line) for line in replayed(folder)]

    assert incidents
    for incident in incidents:
        candidates = set(incident["evidence"][0]["likelihoods"])
        sums = {
            cause: rules["priors"][cause]
            + sum(
                worth[item["rule"]].get(cause, 0.0) * item["strength"] * item["discount"]
                for item in incident["evidence"]
            )
            for cause in candidates
        }
        whole = sum(exp(total / rules["temperature"]) for total in sums.values())
        by_hand = exp(sums[incident["cause"]] / rules["temperature"]) / whole

        assert incident["rules_version"] == rules["version"]
        assert max(sums, key=lambda cause: sums[cause]) == incident["cause"]
        assert min(by_hand, rules["most"]) == pytest.approx(incident["confidence"], abs=0.002)


def test_the_discounts_of_a_group_are_those_of_the_table(replayed: Replayed) -> None:
    """The strongest counts in full, each next as the table says, in groups that do not share one strength."""
    rules = json.loads(printed("explain", "--rules", "--json"))
    shared = {rule["group"] for rule in rules["rules"] if rule["shares_strength"]}
    lines = replayed("kakao-2022-02-03")
    by_group: dict[str, list[float]] = {}
    for item in json.loads(lines[0])["evidence"]:
        by_group.setdefault(item["group"], []).append(item["discount"])

    assert max(map(len, by_group.values())) > 1
    for group, discounts in by_group.items():
        table = [rules["discount"] ** n for n in range(len(discounts))]
        assert sorted(discounts, reverse=True) == ([1.0] * len(discounts) if group in shared else table)


def test_the_list_for_people_names_every_rule_with_its_words() -> None:
    """Nothing that can fire is left out."""
    text = printed("explain", "--rules")

    assert all(f"  {rule.id}  (" in text and rule.text in text for rule in RULES.values())


def test_without_an_incident_it_says_what_it_wants() -> None:
    """A usage error, not a trace."""
    result = CliRunner().invoke(main, ["explain"])

    assert result.exit_code == 2
    assert "--rules" in result.output
