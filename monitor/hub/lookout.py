"""What follows from a step of the diagnosis at once: who shall look closer, and what is to be watched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from monitor.diagnose.fact import Fact, parted
from monitor.diagnose.latency_watch import ChangedSeries
from monitor.hub.judging import Step
from monitor.hub.reaction import Reaction
from monitor.model.route import RouteEvent
from probes import Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Whom the hub tells; all are called on the event loop's thread and return at once.

    `boost` a target to probe faster, `look` at it so from one vantage (target, vantage), `located` the
    facts from which the watched addresses are learned, `stepped` after each step of the pipeline.
    """

    boost: Callable[[str], object]
    look: Callable[[str, str], object] = field(default=lambda target, vantage: None)
    located: Callable[[Sequence[Observation]], object] = field(default=lambda seen: None)
    stepped: Callable[[Step], object] = field(default=lambda step: None)


class Lookout:
    """Asks `reaction` after each step, and tells the listeners."""

    def __init__(self, listeners: Listeners, reaction: Reaction) -> None:
        self._listeners = listeners
        self._reaction = reaction
        self._log = structlog.get_logger("hub")

    def exchange(self, reaction: Reaction) -> None:
        """Go on with another one, which takes over what the last remembers."""
        reaction.continue_from(self._reaction)
        self._reaction = reaction

    def after(self, step: Step, facts: Sequence[Fact]) -> None:
        """A step was made with these facts."""
        seen, heard = parted(facts)
        events = [fact for fact in heard if isinstance(fact, RouteEvent)]
        closer = self._reaction.to_observations(seen) | self._reaction.to_routes(events)
        closer |= self._reaction.to_verdicts(step.verdicts) | self._reaction.to_unease(step.uneasy)
        for target in sorted(closer):
            self._log.info("boost", target=target)
            self._listeners.boost(target)
        for moved in self._reaction.to_latency(seen):
            if moved.target not in closer:
                self._look(moved)
        if seen:
            self._listeners.located(seen)
        self._listeners.stepped(step)

    def _look(self, moved: ChangedSeries) -> None:
        change = moved.change
        self._log.info(
            "latency_changed", target=moved.target, vantage=moved.vantage, address=moved.address,
            before_ms=round(1000 * change.before_s, 1), after_ms=round(1000 * change.after_s, 1),
        )  # fmt: skip
        self._listeners.look(moved.target, moved.vantage)
