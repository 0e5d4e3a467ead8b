"""What may be wrong at one moment, for one exchange: acts with a beginning and an end, and the sum of them.

An act changes one thing: a server, a link between two networks, a vantage, or what names resolve to. Its `truth`
is the number of the trouble that it belongs to, so that who was really touched can be counted; None for what is
no trouble.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from random import Random

from simulator.cast import Service, Vantage


@dataclass(frozen=True, slots=True)
class ServerState:
    """How a genuine server answers. Probabilities are per exchange; the neutral value changes nothing."""

    think_factor: float = 1.0
    think_extra_s: float = 0.0
    stall: float = 0.0
    shed: float = 0.0
    shed_status: int = 503
    wrong: float = 0.0
    wrong_status: int = 500
    listen_drop: float = 0.0
    refused: bool = False
    silent: bool = False
    key_version: int = 1
    body_version: int = 1
    certificate_fault: str | None = None


@dataclass(frozen=True, slots=True)
class LinkState:
    """What crossing a link costs beyond the ordinary."""

    extra_s: float = 0.0
    loss: float = 0.0


_NOTHING = LinkState()


@dataclass(frozen=True, slots=True)
class NameState:
    """A name's trouble: a failure word, or a forged address that leads to somebody in network `forged_by`."""

    failure: str | None = None
    forged: str | None = None


Link = tuple[int, int]
"""Two networks, the lower number first."""


def link(one: int, other: int) -> Link:
    """The link between two networks."""
    return (min(one, other), max(one, other))


@lru_cache(maxsize=65_536)
def _steps(path: tuple[int, ...]) -> tuple[Link, ...]:
    """The links of a path, and the access link of its end."""
    return (*(link(*pair) for pair in pairwise(path)), (path[-1], path[-1]))


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` until before `end`."""

    start: float
    end: float

    def holds(self, at: float) -> bool:
        """Whether a time is in it."""
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class ServerAct:
    """A server's state over a span; `addresses` None: all of the service's. `state` is asked once an exchange."""

    span: Span
    service: str
    state: Callable[[float, Random], ServerState]
    addresses: frozenset[str] | None = None
    truth: int | None = None


@dataclass(frozen=True, slots=True)
class LinkAct:
    """A link's state over a span. Link (asn, asn) is the access link of that network."""

    span: Span
    link: Link
    state: LinkState
    truth: int | None = None


@dataclass(frozen=True, slots=True)
class VantageAct:
    """A vantage's own trouble: `dead`, `nameless` (its resolver is), `lossy` or `slow` (its uplink is full)."""

    span: Span
    vantage: str
    trouble: str
    truth: int | None = None


@dataclass(frozen=True, slots=True)
class NameAct:
    """What a service's name resolves to over a span, for some vantages or (None) all."""

    span: Span
    service: str
    state: NameState
    vantages: frozenset[str] | None = None
    truth: int | None = None


@dataclass(slots=True)
class Script:
    """All acts of a play, asked for one exchange at a time."""

    servers: list[ServerAct] = field(default_factory=list)
    links: list[LinkAct] = field(default_factory=list)
    vantages: list[VantageAct] = field(default_factory=list)
    names: list[NameAct] = field(default_factory=list)
    silences: list[Span] = field(default_factory=list)

    def server(self, service: Service, address: str, at: float, rng: Random) -> tuple[ServerState, set[int]]:
        """The state of the server behind an address, and the troubles in it."""
        state, truths = ServerState(), set[int]()
        for act in self.servers:
            if act.service != service.name or not act.span.holds(at):
                continue
            if act.addresses is not None and address not in act.addresses:
                continue
            state = _joined(state, act.state(at, rng))
            truths |= _one(act.truth)
        return state, truths

    def crossing(self, path: tuple[int, ...], at: float) -> tuple[list[LinkState], set[int]]:
        """What each step of a path costs beyond the ordinary; the last is the access link of its end."""
        steps = _steps(path)
        states, truths = [_NOTHING] * len(steps), set[int]()
        for act in self.links:
            if act.span.holds(at) and act.link in steps:
                states[steps.index(act.link)] = act.state
                truths |= _one(act.truth)
        return states, truths

    def at_vantage(self, vantage: Vantage, at: float) -> tuple[str | None, set[int]]:
        """A vantage's own trouble."""
        for act in self.vantages:
            if act.vantage == vantage.name and act.span.holds(at):
                return act.trouble, _one(act.truth)
        return None, set()

    def name(self, service: Service, vantage: Vantage, at: float) -> tuple[NameState, set[int]]:
        """What is wrong with a service's name as a vantage sees it."""
        for act in self.names:
            concerns = act.vantages is None or vantage.name in act.vantages
            if act.service == service.name and concerns and act.span.holds(at):
                return act.state, _one(act.truth)
        return NameState(), set()

    def silent(self, at: float) -> bool:
        """Whether nothing at all is measured at a time."""
        return any(span.holds(at) for span in self.silences)


def _one(truth: int | None) -> set[int]:
    return set() if truth is None else {truth}


def _joined(one: ServerState, other: ServerState) -> ServerState:
    """Two states at once: delays add up, the worse of the rest counts."""
    neutral = ServerState()
    changed = {
        name: value
        for name in ServerState.__dataclass_fields__
        if (value := getattr(other, name)) != getattr(neutral, name)
    }
    joined = replace(one, **changed)
    return replace(
        joined,
        think_factor=one.think_factor * other.think_factor,
        think_extra_s=one.think_extra_s + other.think_extra_s,
    )
