"""The detectors: each a function from a situation to findings. They fetch nothing and decide nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from monitor.diagnose.detectors import (
    dead_way,
    dependency,
    identity,
    names,
    network,
    path,
    routing,
    scope,
    silence,
    symptoms,
)
from monitor.diagnose.finding import Finding
from monitor.diagnose.situation import Situation

Detector = Callable[[Situation], Iterator[Finding]]

DETECTORS: tuple[Detector, ...] = (
    symptoms.detect,
    network.detect,
    identity.detect,
    path.detect,
    routing.detect,
    silence.detect,
    dead_way.detect,
    scope.detect,
    dependency.detect,
    names.detect,
)

__all__ = ["DETECTORS", "Detector"]
