"""Scoring: what replay concluded beside what is known to be true."""

from monitor.evaluate.contest import FULL, Scored, contest, score, variants
from monitor.evaluate.figures import CauseScore, Summary, confusion, quantile, scores, summary
from monitor.evaluate.pairing import NONE, Expected, Pair, match, read_expected

__all__ = [
    "FULL",
    "NONE",
    "CauseScore",
    "Expected",
    "Pair",
    "Scored",
    "Summary",
    "confusion",
    "contest",
    "match",
    "quantile",
    "read_expected",
    "score",
    "scores",
    "summary",
    "variants",
]
