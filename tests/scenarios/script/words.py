"""The words of a script: who watches what, what happened to whom and when, and what is true of it. Values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from world import Place, Service, World

from probes.observation import DnsObservation, HttpObservation, TraceObservation

Answer = Callable[[World, float, Place, Service], HttpObservation | None]
Way = Callable[[World, float, Place, Service], TraceObservation | None]
Lookup = Callable[[World, float, Place, Service, str], DnsObservation | None]
"""What a vantage meets; None: nothing was measured. A lookup is told which server is asked."""

Message = dict[str, object]
"""One message of RIS Live."""


def utc(text: str) -> float:
    """Unix seconds of an ISO time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A target: `prefixes` are its usual routes with the networks at their end, the origin last.

    `name_servers`: who is asked for its name, address to role. `declares`: further lines of its configuration.
    """

    service: Service
    prefixes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    interval_s: float = 60.0
    url: str = ""
    declares: tuple[str, ...] = ()
    name_servers: Mapping[str, str] = field(default_factory=dict)

    @property
    def config(self) -> str:
        """Its table in config.toml."""
        name = self.service.name
        lines = ["[[target]]", f'name = "{name}"', f'url = "{self.url or f"https://{name}.example/"}"']
        return "\n".join((*lines, f'interval = "{self.interval_s:.0f}s"', *self.declares)) + "\n"


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A collector's peer and its way to the targets' first network."""

    asn: int
    transit: tuple[int, ...] = ()
    address: str
    collector: str = "rrc00"

    @property
    def key(self) -> tuple[str, int, str]:
        """As the makers of messages name it."""
        return self.address, self.asn, self.collector

    def path(self, networks: tuple[int, ...], *, direct: bool = False) -> tuple[int, ...]:
        """Its AS path to `networks`, which may begin on its way; `direct`: without its usual transit."""
        way = (self.asn,) if direct else (self.asn, *self.transit)
        for index, asn in enumerate(networks):
            if asn in way:
                return way[: way.index(asn)] + networks[index:]
        return way + networks


def peers(*ways: tuple[int, ...]) -> tuple[Peer, ...]:
    """Peers of three collectors by turns; each way is the peer's AS and its transit to the targets."""
    return tuple(
        Peer(asn=way[0], transit=way[1:], address=f"198.19.200.{number}", collector=f"rrc{number % 3:02}")
        for number, way in enumerate(ways, 1)
    )


@dataclass(frozen=True, kw_only=True)
class Spell:
    """From `start` to `end`, `places` meet something else at `target`; what is None is as usual."""

    target: str
    start: float
    end: float
    places: tuple[str, ...]
    answer: Answer | None = None
    way: Way | None = None
    lookup: Lookup | None = None


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Routes of `prefix` change at `peers` (AS numbers; empty: all), `step_s` after each other, and back at `end`.

    `tail` is what the new path ends in, behind the peer and its transit (`direct`: behind the peer itself);
    None: the route is withdrawn. At the end a usual route comes back, any other is withdrawn; None: it stays.
    """

    prefix: str
    start: float
    end: float | None
    tail: tuple[int, ...] | None
    peers: tuple[int, ...] = ()
    direct: bool = False
    step_s: float = 1.7


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What the verdict has to be, in full; as in expected.json.

    `also`: causes that are right as well (`none`: no incident at all). `detail`: fields of the incident's
    detail with the value, or the list of values, that are right. `culprit`: the network to blame.
    """

    target: str | None
    cause: str
    start: float
    end: float
    affected: tuple[str, ...]
    suspected: bool = False
    also: tuple[str, ...] = ()
    detail: Mapping[str, object] = field(default_factory=dict)
    culprit: int | None = None


@dataclass(frozen=True, kw_only=True)
class Script:
    """One incident or near-miss. `facts` and `assumptions` head its config.toml.

    `networks`: usual routes besides the targets', prefix to the networks at its end. `messages`: of RIS Live,
    besides those of the turns. `vrps`: prefix, greatest length, AS. `control`: what the control is like.
    `relationships`: lines of an AS relationship file. `seed`: of the noise; else from the name.
    `recorded`: gives the real messages of the collectors from the folder of shared data, None where it has
    none; they take the place of all other routes.
    """

    name: str
    title: str
    facts: str
    assumptions: str
    start: float
    end: float
    places: tuple[Place, ...]
    targets: tuple[Watched, ...]
    peers: tuple[Peer, ...] = ()
    networks: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    spells: tuple[Spell, ...] = ()
    turns: tuple[Turn, ...] = ()
    truths: tuple[Truth, ...] = ()
    messages: tuple[Message, ...] = ()
    vrps: tuple[tuple[str, int, int], ...] = ()
    relationships: tuple[str, ...] = ()
    control: Spell | None = None
    control_interval_s: float = 60.0
    trace_interval_s: float = 300.0
    lookup_interval_s: float = 60.0
    recorded: Callable[[Path], list[Message]] | None = None

    @property
    def everybody(self) -> tuple[str, ...]:
        """The names of all vantages, sorted."""
        return tuple(sorted(place.name for place in self.places))
