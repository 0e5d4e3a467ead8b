"""The detectors: each a function from a situation to findings. They fetch nothing and decide nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from monitor.diagnose.detectors import (
    dependency,
    distances,
    drawn_off,
    identity,
    left_what_works,
    names,
    network,
    new_neighbour,
    path,
    routing,
    scope,
    silence,
    stranger,
    symptoms,
    taken_part,
)
from monitor.diagnose.finding import Finding
from monitor.diagnose.situation import Situation

Detector = Callable[[Situation], Iterator[Finding]]

DETECTORS: tuple[Detector, ...] = (
    symptoms.detect,
    network.detect,
    distances.detect,
    identity.detect,
    path.detect,
    routing.detect,
    silence.detect,
    stranger.detect,
    drawn_off.detect,
    left_what_works.detect,
    new_neighbour.detect,
    taken_part.detect,
    scope.detect,
    dependency.detect,
    names.detect,
)

__all__ = ["DETECTORS", "Detector"]
