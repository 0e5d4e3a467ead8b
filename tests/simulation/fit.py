"""Asks of simulated incidents how sure the verdicts may be, and what the rules are worth.

`python tests/simulation/fit.py --seed 7000 --count 4` plays all kinds, fits on those not held out, and tells how
both do on the held-out ones, whose mechanisms the fit has not met.

- Temperature: the one number that all sums are divided by (Guo et al., "On calibration of modern neural networks",
  ICML 2017). It changes no verdict, only how sure it is.
- Likelihoods: the table's numbers, pulled towards what explains the incidents. A number keeps its sign, as a rule
  that speaks against a cause must not speak for it because of what else the simulator happened to draw; it is also
  held to the table's value by a square penalty, since the table knows of incidents that nobody simulates. Priors
  are not fitted: how often each trouble is drawn here says nothing of how often it happens.

Each kind counts the same, however many incidents its plays made. What is found is printed beside what the table
says; nobody but a person changes the table (`monitor/diagnose/rules.py`).
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp, log
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from playing import Job, Played, chosen, plays
from simulator.kinds import KINDS

from monitor.diagnose.rules import PRIOR, RULES, RULES_VERSION
from monitor.diagnose.weigh import TEMPERATURE
from monitor.evaluate import FULL, NONE, Pair
from monitor.model.verdict import Cause

HELD_TO_TABLE = 0.02
"""The penalty on the square of a number's distance from the table's; an incident costs its surprise in nats."""

STEPS = 150
RATE = 2.0
BINS = 10

Key = tuple[str, Cause]
"""A number of the table: the rule, and the cause that it speaks for or against."""

Weights = dict[Key, float]


@dataclass(frozen=True, slots=True)
class Case:
    """One incident whose truth is known: how strongly each rule spoke, and between which causes it was.

    `weight`: what it counts, so that all kinds count alike.
    """

    kind: str
    truth: Cause
    causes: tuple[Cause, ...]
    strengths: tuple[tuple[str, float], ...]
    weight: float = 1.0


def table() -> Weights:
    """The numbers of the rules as they are."""
    return {
        (rule.id, cause): value for rule in RULES.values() for cause, value in rule.likelihoods.items() if value
    }


def cases(played: Sequence[Played]) -> list[Case]:
    """The incidents that answer a true trouble by weighing (a vantage's fault is found by the gate, unweighed)."""
    found = [case for one in played for pair in one.pairs[FULL] for case in _case(one.kind, pair)]
    of_kind = Counter(case.kind for case in found)
    share = {kind: len(found) / (len(of_kind) * count) for kind, count in of_kind.items()}
    return [Case(c.kind, c.truth, c.causes, c.strengths, share[c.kind]) for c in found]


def _case(kind: str, pair: Pair) -> Iterator[Case]:
    incident = pair.incident
    if incident is None or not incident.evidence or pair.truth == NONE or pair.repeated:
        return
    causes = tuple(Cause(name) for name in sorted(incident.evidence[0].likelihoods) if Cause(name) in PRIOR)
    if Cause(pair.truth) in causes:
        terms = incident.evidence
        strengths = tuple((term.rule, (term.strength or 0.0) * (term.discount or 0.0)) for term in terms)
        yield Case(kind, Cause(pair.truth), causes, strengths)


def shares(case: Case, weights: Weights, temperature: float) -> dict[Cause, float]:
    """The probability of each cause, as `monitor.diagnose.weigh` has it."""
    sums = {
        cause: PRIOR[cause] + sum(strength * weights.get((rule, cause), 0.0) for rule, strength in case.strengths)
        for cause in case.causes
    }
    peak = max(sums.values())
    odds = {cause: exp((value - peak) / temperature) for cause, value in sums.items()}
    total = sum(odds.values())
    return {cause: value / total for cause, value in odds.items()}


def surprise(known: Sequence[Case], weights: Weights, temperature: float) -> float:
    """The mean negative log probability of the truth, in nats."""
    lost = (case.weight * -log(max(shares(case, weights, temperature)[case.truth], 1e-12)) for case in known)
    return sum(lost) / sum(case.weight for case in known)


def fit_temperature(known: Sequence[Case], weights: Weights) -> float:
    """The temperature of the least surprise, between 0.3 and 10, by golden section in its logarithm."""
    low, high, part = log(0.3), log(10.0), (5**0.5 - 1) / 2
    while high - low > 0.01:
        one, other = high - part * (high - low), low + part * (high - low)
        if surprise(known, weights, exp(one)) < surprise(known, weights, exp(other)):
            high = other
        else:
            low = one
    return exp((low + high) / 2)


def fit_weights(known: Sequence[Case], start: Weights, temperature: float) -> Weights:
    """Gradient descent on the surprise and the penalty, with each number kept on its own side of zero."""
    weights, total = dict(start), sum(case.weight for case in known)
    for _ in range(STEPS):
        slope = {key: 2 * HELD_TO_TABLE * (value - start[key]) for key, value in weights.items()}
        for case in known:
            for cause, share in shares(case, weights, temperature).items():
                too_sure = (share - (cause is case.truth)) * case.weight / total / temperature
                for rule, strength in case.strengths:
                    if (rule, cause) in slope:
                        slope[rule, cause] += too_sure * strength
        for key, value in weights.items():
            moved = value - RATE * slope[key]
            weights[key] = max(moved, 0.0) if start[key] > 0 else min(moved, 0.0)
    return weights


@dataclass(frozen=True, slots=True)
class Figures:
    """How well a table does: the share named right, the surprise in nats, and the calibration error."""

    right: float
    surprise: float
    calibration: float


def figures(known: Sequence[Case], weights: Weights, temperature: float) -> Figures:
    """On known cases."""
    bins: dict[int, list[tuple[float, float, float]]] = {}
    for case in known:
        found = shares(case, weights, temperature)
        named = max(found, key=lambda cause: (found[cause], cause))
        entry = (case.weight, found[named], float(named is case.truth))
        bins.setdefault(min(int(found[named] * BINS), BINS - 1), []).append(entry)
    total = sum(case.weight for case in known)
    gaps = (abs(sum(w * (sure - right) for w, sure, right in entries)) for entries in bins.values())
    right = sum(w * right for entries in bins.values() for w, _, right in entries)
    return Figures(right / total, surprise(known, weights, temperature), sum(gaps) / total)


def _report(name: str, weights: Weights, temperature: float, sets: dict[str, list[Case]]) -> str:
    cells = [name, f"{temperature:.2f}"]
    for known in sets.values():
        found = figures(known, weights, temperature)
        cells += [f"{100 * found.right:.1f} %", f"{found.surprise:.3f}", f"{found.calibration:.3f}"]
    return f"| {' | '.join(cells)} |"


def _moved(before: Weights, after: Weights) -> Iterator[str]:
    for key in sorted(before, key=lambda key: -abs(after[key] - before[key]))[:25]:
        if abs(after[key] - before[key]) >= 0.1:
            yield f"| {key[0]} | {key[1]} | {before[key]:+.1f} | {after[key]:+.2f} |"


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7000, help="the first seed of each kind (default 7000)")
    parser.add_argument("--count", type=int, default=4, help="plays of each kind (default 4)")
    parser.add_argument("--processes", type=int, default=2, help="worker processes (default 2)")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.count)
    jobs = [Job(kind, seed) for seed in seeds for kind in chosen()]
    played = list(plays(jobs, options.processes))
    sets = {
        "fitted": cases([one for one in played if not KINDS[one.kind].held_out]),
        "held out": cases([one for one in played if KINDS[one.kind].held_out]),
    }
    start, known = table(), sets["fitted"]
    temperature = fit_temperature(known, start)
    fitted = fit_weights(known, start, temperature)
    print(
        f"Rules {RULES_VERSION}; `fit.py --seed {options.seed} --count {options.count}`: {len(known)} incidents of"
    )
    print(f"kinds that are fitted on, {len(sets['held out'])} of kinds held out. Surprise in nats.\n")
    print(
        "| numbers | temperature |" + "".join(f" {name}: right | surprise | calibration error |" for name in sets)
    )
    print("|" + " --- |" * (2 + 3 * len(sets)))
    print(_report("the table's", start, TEMPERATURE, sets))
    print(_report("the table's", start, temperature, sets))
    print(_report("fitted", fitted, temperature, sets))
    print("\n| rule | cause | table | fitted |\n| --- | --- | --- | --- |")
    print("\n".join(_moved(start, fitted)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
