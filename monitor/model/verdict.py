"""Verdicts: the cause that the evidence supports, at one moment, for one target."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from monitor.model.evidence import Evidence


class Cause(StrEnum):
    """The closed list of causes; dotted, the deepest name that the evidence supports."""

    OK = "ok"
    SERVER_OVERLOAD = "server.overload"
    SERVER_DOWN = "server.down"
    SERVER_LINK = "server.link"
    UPSTREAM_OVERLOAD = "upstream.overload"
    UPSTREAM_DOWN = "upstream.down"
    ROUTE_HIJACK = "route.hijack"
    ROUTE_LEAK = "route.leak"
    ROUTE_CHANGE = "route.change"
    ROUTE_MOVED = "route.moved"
    ROUTE_WITHDRAWN = "route.withdrawn"
    PATH_CONGESTION = "path.congestion"
    DNS_FAILED = "dns.failed"
    DNS_TAMPERED = "dns.tampered"
    TLS_INVALID = "tls.invalid"
    VANTAGE_FAULT = "vantage.fault"
    INSUFFICIENT = "insufficient"


class HijackKind(StrEnum):
    """How a route was taken."""

    ORIGIN = "origin"
    SUBPREFIX = "subprefix"
    FORGED_ORIGIN = "forged_origin"
    PATH = "path"


class HijackEffect(StrEnum):
    """What became of the traffic."""

    BLACKHOLE = "blackhole"
    IMPOSTOR = "impostor"
    INTERCEPTION = "interception"
    UNKNOWN = "unknown"


class Detail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known beyond the cause's name. Only the fields that apply are set.

    `prefix` and `origin`: the route at fault and who originates it. `expected_origins`: who should. `offender`:
    the network to blame, where that is not the origin: who forged the path to it, or leaked its route.
    `upstream`: the dependency that explains it. `failure`: the commonest failure word. `server`: the
    name server at fault. `of_mail`: the space that was taken is of the target's mail hosts, not its own.
    """

    kind: HijackKind | None = None
    effect: HijackEffect | None = None
    prefix: str | None = None
    origin: int | None = None
    offender: int | None = None
    expected_origins: tuple[int, ...] = ()
    rpki: str | None = None
    peers: int | None = None
    peers_of: int | None = None
    upstream: str | None = None
    failure: str | None = None
    server: str | None = None
    old_path: tuple[int, ...] = ()
    new_path: tuple[int, ...] = ()
    of_mail: bool = False

    @property
    def culprit(self) -> int | None:
        """The network to blame; None: it is not known."""
        return self.offender if self.offender is not None else self.origin


class RunnerUp(msgspec.Struct, frozen=True, kw_only=True):
    """The second cause and what is left for it."""

    cause: Cause
    confidence: float


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the facts up to `at` say of one target (None: of a vantage, see `affected`).

    `confidence`: the cause's probability among all causes, 0..1. `suspected`: a hijack for which only one
    of control plane and data plane speaks. `affected` of `vantages`: those that see the trouble, sorted;
    `networks`: the independent ones among them. `blames`: what is at fault, in words that another target's verdict
    would share.
    `missing`: the one measurement that would separate the two first causes.
    """

    at: float
    target: str | None
    cause: Cause
    confidence: float
    suspected: bool = False
    detail: Detail = Detail()
    affected: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    vantages: int = 0
    blames: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    runner_up: RunnerUp | None = None
    missing: str | None = None
