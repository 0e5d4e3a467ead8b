"""One target at one moment, as the detectors see it: everything measured, nothing concluded. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from monitor.diagnose.elsewhere import Elsewhere
from monitor.diagnose.identity import Identity
from monitor.diagnose.names import Tampered
from monitor.diagnose.paths.change import Divergence, PathChange
from monitor.diagnose.paths.trail import Trail
from monitor.diagnose.routing import Routing, belongs
from monitor.diagnose.symptom import SILENT, Judged, Symptom
from monitor.model.asn import Asn
from monitor.model.target import Target
from monitor.model.verdict import Cause
from probes.observation import DnsObservation


class VantageSituation(msgspec.Struct, frozen=True, kw_only=True):
    """What one healthy vantage sees of the target since the trouble began; made anew at every moment of it.

    `rtt_s`, `think_s`: newest figures; `usual_*` None without a baseline. `identity` UNKNOWN: no key seen
    since the onset. `path` UNKNOWN: no traceroute since the onset, or an odd one that nothing bears out yet.
    """

    vantage: str
    network: str
    """What it witnesses for: vantages of one network are one witness (see `networks`)."""
    affected: bool
    diverted: bool = False
    """Its traffic goes through, or is answered by, a network that has no business with it."""
    vouched: bool = False
    """Its controls were seen healthy since its trouble began."""
    fresh: bool = False
    """Its newest exchange is bad."""
    bad_since: float | None = None
    """When its own trouble was first known; the target's may have begun elsewhere, or with a strange route."""
    failing_since: float | None = None
    """When the first of the exchanges that failed in a row, up to now, was known; none of them merely slow."""
    symptom: Symptom
    turned_away: bool = False
    """Each of many exchanges was refused at once, so that nobody is served."""
    latest: Judged
    lasting: tuple[Judged, ...] = ()
    """Its newest exchanges since the onset, oldest first."""
    rtt_s: float | None = None
    usual_rtt_s: float | None = None
    rtt_shifted: bool | None = None
    moved: bool | None = None
    """Whether many answers with a new key come from another distance, be it by little; None: not known."""
    rtt_rise_s: float = 0.0
    """By how much its last round trips are longer than usual, in the middle, seconds; 0.0: not known."""
    nearer_since: float | None = None
    """Since when it is answered from nearer than ever before; None: it is not."""
    loses: bool | None = None
    """Whether packets of its connections, once open, are lost by more than chance; None: too few to tell."""
    opens_late: bool = False
    """Some of its connections opened since the onset, after SYNs that were lost."""
    think_s: float | None = None
    usual_think_s: float | None = None
    identity: Identity = Identity.UNKNOWN
    issuer: str | None = None
    usual_address: bool | None = None
    path: PathChange = PathChange.UNKNOWN
    trail: Trail | None = None
    usual_trail: Trail | None = None
    new_networks: tuple[Asn, ...] = ()
    divergence: Divergence | None = None
    path_at: float | None = None
    path_to: str | None = None
    """The address that was traced; the way to another one may be another."""

    def went_bad_with(self, at: float) -> bool:
        """Whether a route event of this time may have brought its trouble, or the part of it that goes on: a bad
        exchange of some minutes before does not clear a route.
        """
        starts = (self.bad_since, self.failing_since)
        return any(start is not None and belongs(at, start) for start in starts)

    @property
    def is_astray(self) -> bool:
        """Whether it hears nothing since its packets go another way."""
        return self.affected and self.symptom in SILENT and self.path.is_change

    @property
    def is_given_one_key(self) -> bool:
        """Whether it got no other key any more since it first got the one of its latest exchange."""
        given = [key for one in self.lasting if (key := one.observation.spki_sha256) is not None]
        newest = self.latest.observation.spki_sha256
        return newest in given and set(given[given.index(newest) :]) == {newest}

    @property
    def rtt_raised(self) -> bool:
        """Whether its round trip is longer than usual by more than chance."""
        return bool(self.rtt_shifted) and (self.rtt_s or 0.0) > (self.usual_rtt_s or 0.0)

    @property
    def well_at(self) -> frozenset[str]:
        """The addresses that answered it well."""
        answered = (one.observation.address for one in self.lasting if not one.bad)
        return frozenset(address for address in answered if address is not None)

    @property
    def is_impaired(self) -> bool:
        """Whether its packets take longer than usual, or get lost."""
        return self.rtt_raised or bool(self.loses)


class DependencyState(StrEnum):
    """How a target that this one depends on is doing."""

    FINE = "fine"
    SUSPECT = "suspect"
    TROUBLED = "troubled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Dependency:
    """A dependency's state, the cause of its own trouble, and the share of the vantages that see any."""

    name: str
    state: DependencyState
    cause: Cause | None = None
    share: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A target at `now`. `onset`: when its trouble began, or `now` when there is none.

    `vantages` are the healthy ones that measure it, by name; `trouble` tells whether their views add up to
    trouble; `sick` names the vantages left out by the gate; `receding`: the trouble is
    going, so that what is seen is of its end. `elsewhere`: of the vantages whose packets go astray, how they reach
    everything else; `carrying`: where there is any such vantage, the networks on the peers' present ways.
    """

    target: Target
    now: float
    onset: float
    trouble: bool
    vantages: tuple[VantageSituation, ...]
    sick: tuple[str, ...] = ()
    receding: bool = False
    routing: Routing = field(default_factory=Routing)
    expected_origins: frozenset[Asn] = frozenset()
    dependencies: tuple[Dependency, ...] = ()
    names_failing: dict[str, DnsObservation] | None = None
    names_asked: frozenset[str] = frozenset()
    names_tampered: tuple[Tampered, ...] = ()
    elsewhere: Mapping[str, tuple[Elsewhere, ...]] = field(default_factory=dict)
    carrying: frozenset[Asn] = frozenset()

    @property
    def affected(self) -> tuple[VantageSituation, ...]:
        """The vantages that see the trouble."""
        return tuple(view for view in self.vantages if view.affected)

    def brought_home_by(self, near: Asn | None) -> tuple[VantageSituation, ...]:
        """The vantages whose traceroutes go from a network straight into the target's own: that link is real.

        Who forged a path has no such link, and hands on what he draws, if he does, by a way that others have.
        """
        home = self.expected_origins | self.target.siblings
        if near is None or near in home:
            return ()
        return tuple(
            view
            for view in self.vantages
            if view.trail is not None and any(view.trail.hands_over(near, far) for far in home)
        )

    @property
    def networks(self) -> dict[str, str]:
        """Vantage to the network that it witnesses for."""
        return {view.vantage: view.network for view in self.vantages}

    @property
    def clean(self) -> tuple[VantageSituation, ...]:
        """The healthy vantages that see nothing wrong."""
        return tuple(view for view in self.vantages if not view.affected)
