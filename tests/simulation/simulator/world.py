"""The stage: networks, places, addresses, routing, and the acts on it; and what is true of the play."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from simulator.addresses import AddressPlan, Network
from simulator.as_graph import AsGraph
from simulator.cast import Service, Setting, Vantage
from simulator.conditions import LinkState, Script, Span
from simulator.geography import Geography
from simulator.propagation import Path
from simulator.relations import Relation
from simulator.routing import LAG_S, Delivery, RoutingHistory


@dataclass(slots=True)
class Truth:
    """A trouble as it really is. `causes` are the right names, the best first; `touched` is counted in the play.

    `hijack`: kind, effect, prefixes and origin, where it is one; `culprit`: the network to blame. A truth with
    no causes is harmless: an incident on it is a false alarm. `everyone`: all exchanges of its span meet it.
    """

    target: str | None
    causes: tuple[str, ...]
    span: Span
    culprit: int | None = None
    hijack: dict[str, object] = field(default_factory=dict)
    vantage: str | None = None
    everyone: bool = False


@dataclass(slots=True)
class World:
    """Everything that a play is made from. `rng` is for the play's own dice only."""

    kind: str
    seed: int
    rng: Random
    graph: AsGraph
    geography: Geography
    plan: AddressPlan
    routing: RoutingHistory
    setting: Setting
    script: Script = field(default_factory=Script)
    truths: list[Truth] = field(default_factory=list)
    roas: list[tuple[Network, int, int]] = field(default_factory=list)
    """Prefix, longest length, origin."""
    relations: frozenset[Relation] | None = None
    """What the monitor is told of who is whose provider or peer; None: it has no such table."""
    resets: list[tuple[Span, str]] = field(default_factory=list)
    """Sessions of a collector that are down for a while."""
    churn: list[tuple[float, Network, int]] = field(default_factory=list)
    """When, of which unrelated prefix, by whom: announced for a minute and withdrawn."""
    prepended: list[tuple[float, Network, int]] = field(default_factory=list)
    """From when on the origin of a prefix prepends itself, and how often."""
    span: Span = field(default_factory=lambda: Span(0.0, 0.0))
    """When the trouble of the play lasts."""

    @property
    def main(self) -> Service:
        """The target that the play is about."""
        return self.setting.targets[0]

    def recast(self, service: Service, **changes: object) -> None:
        """Change what a service is like, from the beginning of the play."""
        services = tuple(
            replace(one, **changes) if one is service else one  # type: ignore[arg-type]
            for one in self.setting.services
        )
        self.setting = replace(self.setting, services=services)

    def tell(self, truth: Truth) -> int:
        """Note what is true; gives the number that acts name it by."""
        self.truths.append(truth)
        return len(self.truths) - 1

    def truth(self, *causes: str, target: str | None = None, **more: object) -> int:
        """Note a trouble of the play's span, of the main target unless another is named."""
        named = target if target is not None else self.main.name
        return self.tell(Truth(target=named, causes=causes, span=self.span, **more))  # type: ignore[arg-type]

    def heard(self, prefix: Network, asn: int) -> Path:
        """The path by which a network goes as soon as the span's routes have settled; empty: by none."""
        return self.routing.route(asn, prefix, self.span.start + LAG_S[1]) or ()

    def serving(self, service: Service, address: str, delivery: Delivery) -> bool:
        """Whether packets reached the genuine servers."""
        return delivery.arrived and (delivery.taken is None or delivery.taken.effect == "interception")

    def rtt_s(self, vantage: Vantage, path: tuple[int, ...], crossing: list[LinkState]) -> float:
        """The quiet round trip over a path, with what its links cost now."""
        return 0.0008 + self.geography.round_trips(path)[-1] + sum(state.extra_s for state in crossing)
