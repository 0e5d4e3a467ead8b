"""What the engine would conclude without one kind of evidence: a folder with that taken out. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec

from monitor.diagnose import Fact
from monitor.model.route import FeedState, PeerState, RouteEvent
from monitor.replay import Folder
from probes.observation import HttpObservation, TraceObservation


def without_routes(folder: Folder) -> Folder:
    """No feed."""
    kept = tuple(fact for fact in folder.facts if not isinstance(fact, RouteEvent | PeerState | FeedState))
    return replace(folder, table=(), facts=kept)


def without_traceroute(folder: Folder) -> Folder:
    """No traces."""
    return replace(folder, facts=tuple(fact for fact in folder.facts if not isinstance(fact, TraceObservation)))


def without_identity(folder: Folder) -> Folder:
    """Neither keys nor bodies."""
    return replace(folder, facts=tuple(_anonymous(fact) for fact in folder.facts))


def _anonymous(fact: Fact) -> Fact:
    if not isinstance(fact, HttpObservation):
        return fact
    return msgspec.structs.replace(fact, spki_sha256=None, certificate_sha256=None, issuer=None, body_sha256=None)


def without_other_vantages(folder: Folder) -> Folder:
    """The vantage that comes first by name, alone."""
    names = sorted({fact.vantage for fact in folder.facts if isinstance(fact, HttpObservation)})
    kept = tuple(fact for fact in folder.facts if getattr(fact, "vantage", names[0]) == names[0])
    return replace(folder, facts=kept)


ABLATIONS: dict[str, Callable[[Folder], Folder]] = {
    "without routes": without_routes,
    "without traceroute": without_traceroute,
    "without identity": without_identity,
    "without other vantages": without_other_vantages,
}
