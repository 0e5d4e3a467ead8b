"""What the engine is told before any fact: targets, vantages, tables. Read-only; the engine learns the rest.

Pure: it neither fetches nor reads the clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from monitor.bgp.episodes import Relationships
from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.rpki import VrpTable
from monitor.diagnose.usual_hours import PastHour
from monitor.model.settings import Config
from monitor.model.target import Control, Target, Vantage
from monitor.model.vrp import VrpChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """Everything that is known before the first fact. `prefix_table`, `vrps`, `relationships` None: not available.

    `vrp_changes`: what of the VRPs the facts to come will change, in order of time: before the first of these
    the table was another one. `origin_zone`: the zone of the DNS service whose answers among the facts tell
    origins; None: they are not used. `shortest_s`: the shortest interval of all that the monitor watches, where
    these targets are a share of it, so that all shares judge at the same moments; None: these are all. `hours`:
    what the hours before the facts were like, where they are kept.
    """

    targets: tuple[Target, ...]
    controls: tuple[Control, ...] = ()
    vantages: tuple[Vantage, ...] = ()
    prefix_table: PrefixTable | None = None
    vrps: VrpTable | None = None
    vrp_changes: tuple[VrpChange, ...] = ()
    relationships: Relationships | None = None
    origin_zone: str | None = None
    shortest_s: float | None = None
    hours: tuple[PastHour, ...] = ()
    control_names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Derive the controls' names, which their observations carry as `target`."""
        object.__setattr__(self, "control_names", frozenset(control.name for control in self.controls))

    @classmethod
    def from_config(
        cls,
        config: Config,
        *,
        prefix_table: PrefixTable | None = None,
        vrps: VrpTable | None = None,
        vrp_changes: Iterable[VrpChange] = (),
        relationships: Relationships | None = None,
        hours: Iterable[PastHour] = (),
    ) -> Knowledge:
        """What a configuration says, with the tables that were loaded beside it."""
        return cls(
            targets=config.targets,
            controls=config.controls,
            vantages=config.vantages,
            prefix_table=prefix_table,
            vrps=vrps,
            vrp_changes=tuple(vrp_changes),
            relationships=relationships,
            origin_zone=config.prefix_to_as.dns,
            hours=tuple(hours),
        )
