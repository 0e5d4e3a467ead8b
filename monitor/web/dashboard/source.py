"""What the pages are made of: the history, the configuration where it is known, whose an address is, the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from monitor.history import Reader
from monitor.model import Asn
from monitor.model.language import Language
from monitor.model.settings import Config
from monitor.model.target import ORIGINS_TARGET, Control, Target

Origins = Callable[[str], frozenset[Asn] | None]
"""The networks that originate an address; None where that is not known."""

FRESH_S = 300.0
"""A target is asked every minute or so; what is older than this is no present state."""

_ROUNDS_MISSED = 3
_MOST_FRESH_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """`config` None: only the history's file is known. `now`: Unix seconds.

    `is_past`: `now` is a chosen moment of long ago, so nothing is told that came to be known later. (A live page
    tells what it finds: a vantage's clock may be ahead of ours.)
    """

    reader: Reader
    now: Callable[[], float]
    is_past: bool = False
    config: Config | None = None
    origins: Origins = lambda address: None

    @property
    def as_of(self) -> float | None:
        """The moment whose knowledge is shown; None: all there is."""
        return self.now() if self.is_past else None

    @property
    def timezone(self) -> str:
        """The zone of those who have not chosen one."""
        return self.config.alert.timezone if self.config is not None else "UTC"

    @property
    def language(self) -> Language:
        """The language of those who have not chosen one, and whose browser asks for none of ours: the mails'."""
        return self.config.alert.language if self.config is not None else Language.EN

    @property
    def controls(self) -> tuple[str, ...]:
        """Names of the controls, in the order of the configuration."""
        return tuple(control.name for control in self.config.controls) if self.config is not None else ()

    def targets(self) -> tuple[str, ...]:
        """Names of the targets in the order of the configuration; without one, all that facts are kept of."""
        if self.config is not None and self.config.targets:
            return tuple(target.name for target in self.config.targets)
        return tuple(name for name in self.reader.targets() if name not in (*self.controls, ORIGINS_TARGET))

    def target(self, name: str) -> Target | None:
        """What the configuration says of a target."""
        return self.config.target(name) if self.config is not None else None

    def fresh_s(self, name: str) -> float:
        """How old the newest request of a target or control may be to be its present state."""
        watched: tuple[Target | Control, ...] = (
            () if self.config is None else (*self.config.targets, *self.config.controls)
        )
        interval_s = next((one.interval_s for one in watched if one.name == name), 0.0)
        return min(max(FRESH_S, _ROUNDS_MISSED * interval_s), _MOST_FRESH_S)
