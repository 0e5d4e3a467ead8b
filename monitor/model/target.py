"""What is watched: targets, controls and vantages, as they are known by name. Pure values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from monitor.model.alert_policy import Severity
from monitor.model.asn import Asn
from monitor.model.prefix import Prefix
from monitor.model.vantage_key import VantageKey
from probes.expectation import Expect

MOST_ADDRESSES = 32
"""Addresses of one family and name that are probed in a round; a DNS answer over UDP holds some 28 or 17."""


ORIGINS_TARGET = "prefix_to_as"
"""What questions about whose an address is carry as the target of their observations; no target is called so."""


def mail_target(name: str) -> str:
    """What questions about a target's mail hosts carry as the target of their observations: not its own name,
    whose look-ups they are not. No target is called as another one's mail.
    """
    return f"{name} (mail)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A stable name for an endpoint, never an address, because addresses rotate.

    `interval_s` between HTTP rounds. `addresses`: how many of each family are probed in a round; 1 takes
    the one that the resolver names first, more take the lowest ones. `depends_on` names targets that this
    one calls. `prefixes`, `origins`, `allowed_origins` (of a scrubbing provider and the like) and `siblings`
    (other AS numbers of the same organisation) are declared routing; what is empty is learned. `severity`: whether
    its trouble may wake somebody; `quorum`: how many vantages must see it for people to be told.
    `mail`: the domain whose mail hosts' address space is watched too; None: none.
    """

    name: str
    url: str
    interval_s: float = 30.0
    timeout_s: float = 10.0
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    expect: Expect = field(default_factory=Expect)
    follow_redirects: bool = False
    verify_tls: bool = True
    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    addresses: int = 1
    depends_on: tuple[str, ...] = ()
    prefixes: tuple[Prefix, ...] = ()
    origins: frozenset[Asn] = frozenset()
    allowed_origins: frozenset[Asn] = frozenset()
    siblings: frozenset[Asn] = frozenset()
    severity: Severity = Severity.NORMAL
    quorum: int = 1
    mail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A well-known endpoint that tells a sick vantage from a sick target; `name` is its URL if it has none."""

    name: str
    url: str
    interval_s: float = 30.0
    timeout_s: float = 10.0
    expect: Expect = field(default_factory=lambda: Expect(status=tuple(range(200, 400))))
    verify_tls: bool = True
    ca_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vantage:
    """A machine that we measure from; `asn` None: learned from its first mapped hop.

    `keys`: what it may sign with when it sends to a hub; several while one replaces the other.
    """

    name: str
    asn: Asn | None = None
    keys: tuple[VantageKey, ...] = ()


def names_observed(targets: Iterable[Target]) -> Mapping[str, str]:
    """The names that observations of targets carry, their mail's among them, and the target that each is about."""
    names: dict[str, str] = {}
    for target in targets:
        names[target.name] = target.name
        if target.mail is not None:
            names[mail_target(target.name)] = target.name
    return names
