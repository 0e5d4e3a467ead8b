"""The figures that a score consists of: confusion, precision and recall, calibration. Pure.

Abstaining (`insufficient` where there was trouble) counts as wrong in recall and F1, and is told beside. The
Brier score and the calibration error look at the confidence of the named cause: how far from 1 when it was
right, from 0 when it was wrong (Brier 1950; expected calibration error as in Guo et al., "On calibration of
modern neural networks", ICML 2017, in ten bins).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.evaluate.pairing import NONE, Pair
from monitor.model.verdict import Cause

BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseScore:
    """Precision and recall of one cause; None where nothing was given, or nothing was true."""

    cause: str
    right: int
    given: int
    true: int

    @property
    def precision(self) -> float | None:
        """The share of the incidents of this cause that were right."""
        return self.right / self.given if self.given else None

    @property
    def recall(self) -> float | None:
        """The share of the true troubles of this cause that were named."""
        return self.right / self.true if self.true else None

    @property
    def f1(self) -> float:
        """Their harmonic mean; 0 where either is."""
        return 2 * self.right / (self.given + self.true) if self.given + self.true else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All of it in some numbers; shares are 0..1, None where there is nothing to take a share of.

    `right_when_answering`: of the troubles for which a cause was named, those with the right one.
    `abstaining`: of all troubles, those with an incident that names none. `false_hijacks`: incidents called a
    hijack, suspected ones too, where there was none. `blamed`: of the routing incidents with a network to
    blame, those that name it. `in_full`: of the rightly named of which more was expected (kind, effect, prefix,
    origin, suspected or not), those that are right in all of it. Incidents too many of the right cause are
    `repeated`, and nowhere else.
    """

    troubles: int
    macro_f1: float | None
    right_when_answering: float | None
    abstaining: float | None
    missed: float | None
    false_alarms: int
    false_hijacks: int
    repeated: int
    brier: float | None
    calibration_error: float | None
    blamed: float | None
    in_full: float | None
    delays_s: tuple[float, ...]


def confusion(pairs: Sequence[Pair]) -> dict[tuple[str, str], int]:
    """(true cause, given cause) to count."""
    counts: dict[tuple[str, str], int] = {}
    for pair in pairs:
        key = (pair.truth, pair.given)
        counts[key] = counts.get(key, 0) + 1
    return counts


def scores(pairs: Sequence[Pair]) -> list[CauseScore]:
    """Precision and recall per cause, by name; `none` is not a cause."""
    causes = sorted({cause for pair in pairs for cause in (pair.truth, pair.given)} - {NONE})
    return [
        CauseScore(
            cause=cause,
            right=sum(pair.truth == cause == pair.given for pair in pairs),
            given=sum(pair.given == cause for pair in pairs),
            true=sum(pair.truth == cause for pair in pairs),
        )
        for cause in causes
    ]


def summary(pairs: Sequence[Pair]) -> Summary:
    """The figures of a score."""
    repeated = sum(pair.repeated for pair in pairs)
    pairs = [pair for pair in pairs if not pair.repeated]
    troubles = [pair for pair in pairs if pair.truth != NONE]
    answered = [pair for pair in troubles if pair.given not in (NONE, Cause.INSUFFICIENT.value)]
    by_cause = [score for score in scores(pairs) if score.true]
    blamed = [pair.blamed for pair in pairs if pair.blamed is not None]
    in_full = [not pair.differences for pair in pairs if pair.differences is not None]
    given = [
        (pair.incident.confidence, pair.truth == pair.given)
        for pair in pairs
        if pair.incident is not None and pair.given != Cause.INSUFFICIENT.value
    ]
    return Summary(
        troubles=len(troubles),
        macro_f1=_share(sum(score.f1 for score in by_cause), len(by_cause)),
        right_when_answering=_share(sum(pair.truth == pair.given for pair in answered), len(answered)),
        abstaining=_share(sum(pair.abstained for pair in troubles), len(troubles)),
        missed=_share(sum(pair.given == NONE for pair in troubles), len(troubles)),
        false_alarms=sum(pair.truth == NONE != pair.given for pair in pairs),
        false_hijacks=sum(pair.given == Cause.ROUTE_HIJACK.value != pair.truth for pair in pairs),
        repeated=repeated,
        brier=_share(sum((confidence - right) ** 2 for confidence, right in given), len(given)),
        calibration_error=_calibration_error(given),
        blamed=_share(sum(blamed), len(blamed)),
        in_full=_share(sum(in_full), len(in_full)),
        delays_s=tuple(sorted(pair.delay_s for pair in pairs if pair.delay_s is not None)),
    )


def quantile(values: Sequence[float], share: float) -> float | None:
    """Of sorted values, that below which `share` of them lie (nearest rank); None of none."""
    if not values:
        return None
    return values[min(int(share * len(values)), len(values) - 1)]


def _calibration_error(given: Sequence[tuple[float, bool]]) -> float | None:
    """The mean distance between confidence and success, over bins of confidence, by their size."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in given:
        bins.setdefault(min(int(confidence * BINS), BINS - 1), []).append((confidence, right))
    apart = sum(abs(sum(c for c, _ in one) - sum(right for _, right in one)) for one in bins.values())
    return _share(apart, len(given))


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None
