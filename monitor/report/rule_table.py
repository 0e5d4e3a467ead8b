"""The rules as they are in force, for people and programs: what a verdict can be recomputed from by hand."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from monitor.diagnose.conclude import ENOUGH, MOST
from monitor.diagnose.rules import GROUP_DISCOUNT, MIXTURE, PRIOR, RULES, RULES_VERSION
from monitor.diagnose.weigh import TEMPERATURE

_PLANES = {"control": "what BGP says", "data": "what packets and answers show"}


class RuleRow(msgspec.Struct, frozen=True, kw_only=True):
    """A rule: what it looks at, the group it is discounted in, its log-likelihoods by cause, and its words."""

    id: str
    looks_at: str
    group: str
    shares_strength: bool
    likelihoods: dict[str, float]
    text: str


class RuleSet(msgspec.Struct, frozen=True, kw_only=True):
    """All that a verdict is made with.

    A cause's sum is its prior and, for each rule that fired, likelihood x strength x discount. Its probability
    is exp(sum / temperature) over that of all candidates; below `enough` none is named, none is surer than `most`.
    `discount`: what each rule of a group counts beside the one before it, strongest first; none in groups that
    share one strength.
    """

    version: str
    priors: dict[str, float]
    temperature: float
    discount: float
    enough: float
    most: float
    rules: tuple[RuleRow, ...]


def rule_set() -> RuleSet:
    """The rules of this program."""
    return RuleSet(
        version=RULES_VERSION,
        priors={cause.value: value for cause, value in PRIOR.items()},
        temperature=TEMPERATURE,
        discount=GROUP_DISCOUNT,
        enough=ENOUGH,
        most=MOST,
        rules=tuple(
            RuleRow(
                id=rule.id,
                looks_at=_PLANES[rule.plane],
                group=rule.group,
                shares_strength=rule.group in MIXTURE,
                likelihoods={cause.value: float(value) for cause, value in rule.likelihoods.items()},
                text=rule.text,
            )
            for rule in RULES.values()
        ),
    )


def rule_lines(found: RuleSet) -> Iterator[str]:
    """The rules as text, one block a rule, by group."""
    yield f"Rules version {found.version}."
    yield "sum of a cause = prior + likelihood x strength (witnesses) x discount (group) of each rule that fired;"
    yield f"probability = exp(sum / {found.temperature:g}) / all candidates'."
    yield f"Below {found.enough:g} no cause is named, and none is surer than {found.most:g}."
    yield f"Within a group the strongest rule counts in full, each further one {found.discount:g} of the last."
    yield "\nPriors: " + _causes(found.priors)
    group = None
    for rule in sorted(found.rules, key=lambda rule: rule.group):
        if rule.group != group:
            group = rule.group
            yield f"\nGROUP {group}" + (
                ": its rules share one strength, no discount" if rule.shares_strength else ""
            )
        yield f"  {rule.id}  ({rule.looks_at})"
        yield f"      {rule.text}"
        yield f"      {_causes(rule.likelihoods) or 'tells no cause from another'}"


def _causes(values: dict[str, float]) -> str:
    ranked = sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{cause} {value:+g}" for cause, value in ranked if value)
