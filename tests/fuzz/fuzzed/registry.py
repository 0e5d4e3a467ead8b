"""All fuzz targets by name."""

from __future__ import annotations

from fuzzed import bundles, documents, exchanges, feeds, names, packets, routes
from fuzzed.target import Target

__all__ = ["TARGETS"]

TARGETS: dict[str, Target] = {
    target.name: target
    for module in (packets, names, exchanges, documents, routes, feeds, bundles)
    for target in module.TARGETS
}
