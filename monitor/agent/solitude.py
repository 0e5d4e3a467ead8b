"""Whether an agent is alone, and what it then tells: the decision, without the telling. Pure; time is a value.

Theory of operation. An agent with mail settings concludes all the time, like a standby hub, and is as silent as
one while a hub is heard. Hubs that were not heard for `alone_after_s` tell nobody any more: from then on the agent
does, and first what has begun since the hubs were last heard, or shortly before, when they perhaps did not get to
it. A close is told only where readers heard of that trouble from here; of what hubs told, hubs tell the end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from monitor.alert.policy import worth_telling
from monitor.model.incident import ChangeKind, IncidentChange

MARGIN_S = 60.0
"""A hub that is well concludes and tells within a minute: what is older it has told."""

MOST_HELD = 1_000
MOST_TOLD = 10_000


class Solitude:
    """`heard_at`: when a hub was last heard, by the clock `monotonic`; None: not since this start.

    `told`: ids of incidents that were told of from here, before this start.
    """

    def __init__(
        self,
        heard_at: Callable[[], float | None],
        alone_after_s: float,
        *,
        told: Iterable[str] = (),
        monotonic: Callable[[], float],
    ) -> None:
        self._heard_at = heard_at
        self._alone_after_s = alone_after_s
        self._monotonic = monotonic
        self._began_at = monotonic()
        self._held: deque[tuple[float, IncidentChange]] = deque(maxlen=MOST_HELD)
        self._told = dict.fromkeys(told)

    @property
    def unheard_s(self) -> float:
        """For how long no hub was heard; since the start, when none was."""
        heard_at = self._heard_at()
        return self._monotonic() - (self._began_at if heard_at is None else heard_at)

    @property
    def alone(self) -> bool:
        """Whether nobody else tells people."""
        return self.unheard_s >= self._alone_after_s

    @property
    def heard(self) -> bool:
        """Whether a hub is heard; before the first word of one this agent is neither alone nor heard."""
        return self._heard_at() is not None and not self.alone

    def passed(self, change: IncidentChange) -> bool:
        """Whether to tell of `change` now; else it is held for a while."""
        if not self.alone:
            self._held.append((self._monotonic(), change))
            return False
        return self._is_told(change)

    def released(self) -> list[IncidentChange]:
        """What is to be told after all, once, in order, when this agent has become alone."""
        if not self._held or not self.alone:
            return []
        since = self._monotonic() - self.unheard_s - MARGIN_S
        held = [change for at, change in tuple(self._held) if at >= since]
        self._held.clear()
        over = {change.incident.id for change in held if change.kind is ChangeKind.CLOSED} - self._told.keys()
        return [change for change in held if change.incident.id not in over and self._is_told(change)]

    def _is_told(self, change: IncidentChange) -> bool:
        """Whether people are told of `change` from here; if so, they have been."""
        incident = change.incident.id
        if not worth_telling(change, told_before=incident in self._told):
            return False
        self._told[incident] = None
        if len(self._told) > MOST_TOLD:
            del self._told[next(iter(self._told))]
        return True
