"""Scoring: what replay concluded beside what is known to be true."""

from monitor.evaluate.figures import CauseScore, Summary, confusion, quantile, scores, summary
from monitor.evaluate.pairing import NONE, Expected, Pair, match, read_expected

__all__ = [
    "NONE",
    "CauseScore",
    "Expected",
    "Pair",
    "Summary",
    "confusion",
    "match",
    "quantile",
    "read_expected",
    "scores",
    "summary",
]
