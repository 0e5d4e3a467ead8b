"""The addition behind a verdict."""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec
import pytest

from monitor.diagnose.conclude import MOST
from monitor.model import Cause, Evidence, Incident
from monitor.report.sums import Scale, Term, cause_sums, sums_of

PLAIN = Scale({}, 1.0)
A, B = Cause.SERVER_OVERLOAD, Cause.ROUTE_HIJACK


def _evidence(likelihoods: dict[str, float]) -> Evidence:
    return Evidence(rule="r", group="g", weight=0.0, seen=1, of=1, text="t", at=0.0, likelihoods=likelihoods)


def test_sums_list_every_term_and_rank_the_causes() -> None:
    """Terms keep the number of their evidence; the largest sum comes first; zeros are not shown."""
    evidence = [_evidence({A: 2.0, B: 1.0}), _evidence({A: -0.5, B: 0.0}), _evidence({B: 0.25})]
    first, second = cause_sums(evidence, PLAIN)

    assert (first.cause, first.terms, first.total, first.behind) == (A, (Term(1, 2.0), Term(2, -0.5)), 1.5, 0.0)
    assert (second.cause, second.terms, second.total, second.behind) == (
        B, (Term(1, 1.0), Term(3, 0.25)), 1.25, 0.25,
    )  # fmt: skip


def test_shares_start_from_the_priors_and_are_tempered() -> None:
    """prior + sum, divided by the temperature, through the softmax."""
    first, second = cause_sums([_evidence({A: 2.0, B: 5.0})], Scale({A: 0.0, B: -4.0}, 2.0))
    expected = math.exp(1.0) / (math.exp(1.0) + math.exp(0.5))

    assert (first.cause, second.terms) == (A, (Term(0, -4.0), Term(1, 5.0)))
    assert first.share == pytest.approx(expected)
    assert second.share == pytest.approx(1.0 - expected)


def test_huge_sums_do_not_overflow() -> None:
    """Only differences count, so a sum of thousands is as good as a small one."""
    first, second = cause_sums([_evidence({A: 5000.0, B: 4000.0})], PLAIN)

    assert (first.share, second.share) == (1.0, 0.0)


def test_without_likelihoods_there_is_nothing_to_add() -> None:
    """No table is made of no numbers."""
    assert cause_sums([_evidence({})], PLAIN) == ()


def test_another_version_s_verdict_has_sums_but_no_shares() -> None:
    """Its priors are not ours to guess."""
    (only,) = cause_sums([_evidence({A: 2.0})], None)

    assert (only.total, only.share) == (2.0, None)


@pytest.mark.parametrize("folder", ["kakao-2022-02-03", "coov-2021-12-13"])
def test_a_person_can_recompute_the_engine_s_confidence(
    folder: str, replayed: Callable[[str], tuple[bytes, ...]]
) -> None:
    """Adding the terms on record up again gives what the incident claims, for every incident of a replay."""
    incidents = [msgspec.json.decode(line, type=Incident) for line in replayed(folder)]

    assert incidents
    for incident in incidents:
        shares = {row.cause: row.share for row in sums_of(incident)}
        assert min(shares[incident.cause] or 0.0, MOST) == pytest.approx(incident.confidence, abs=0.002)
