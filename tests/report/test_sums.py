"""The addition behind a verdict."""

from __future__ import annotations

import math

import pytest

from monitor.model import Evidence
from monitor.report.sums import Term, cause_sums


def _evidence(**likelihoods: float) -> Evidence:
    return Evidence(rule="r", group="g", weight=0.0, seen=1, of=1, text="t", at=0.0, likelihoods=likelihoods)


def test_sums_list_every_term_and_rank_the_causes() -> None:
    """Terms keep the number of their evidence; the largest sum comes first; shares follow from the sums."""
    first, second = cause_sums([_evidence(a=2.0, b=1.0), _evidence(a=-0.5), _evidence(b=0.25)])

    assert (first.cause, first.terms, first.total, first.behind) == ("a", (Term(1, 2.0), Term(2, -0.5)), 1.5, 0.0)
    assert (second.cause, second.terms, second.total, second.behind) == (
        "b", (Term(1, 1.0), Term(3, 0.25)), 1.25, 0.25,
    )  # fmt: skip
    assert first.share == pytest.approx(math.exp(1.5) / (math.exp(1.5) + math.exp(1.25)))
    assert first.share + second.share == pytest.approx(1.0)


def test_huge_sums_do_not_overflow() -> None:
    """Only differences count, so a sum of thousands is as good as a small one."""
    first, second = cause_sums([_evidence(a=5000.0, b=4000.0)])

    assert (first.share, second.share) == (1.0, 0.0)


def test_without_likelihoods_there_is_nothing_to_add() -> None:
    """No table is made of no numbers."""
    assert cause_sums([_evidence()]) == ()
