"""What the engine is told before any fact: targets, vantages, tables. Read-only; the engine learns the rest.

Pure: it neither fetches nor reads the clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.bgp.episodes import Relationships
from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.rpki import VrpTable
from monitor.model.settings import Config
from monitor.model.target import Control, Target, Vantage


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """Everything that is known without measuring. `prefix_table`, `vrps`, `relationships` None: not available.

    `origin_zone`: the zone of the DNS service whose answers among the facts tell origins; None: they are not used.
    """

    targets: tuple[Target, ...]
    controls: tuple[Control, ...] = ()
    vantages: tuple[Vantage, ...] = ()
    prefix_table: PrefixTable | None = None
    vrps: VrpTable | None = None
    relationships: Relationships | None = None
    origin_zone: str | None = None
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
        relationships: Relationships | None = None,
    ) -> Knowledge:
        """What a configuration says, with the tables that were loaded beside it."""
        return cls(
            targets=config.targets,
            controls=config.controls,
            vantages=config.vantages,
            prefix_table=prefix_table,
            vrps=vrps,
            relationships=relationships,
            origin_zone=config.prefix_to_as.dns,
        )
