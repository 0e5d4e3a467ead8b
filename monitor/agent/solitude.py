"""Whether an agent is alone, and which troubles are then its own to tell. Pure; time is a value.

Theory of operation. An agent that has somebody to tell concludes all the time, like a standby hub, and is as
silent as one while a hub is heard. Hubs that were not heard for `alone_after_s` tell nobody any more: from then on
the agent does, and first what has begun since the hubs were last heard, or shortly before, when they perhaps did
not get to it. Of what hubs told, hubs tell the end: its close is not taken here. When and whether a thing is told
is the ledger's to say (`alert.ledger`): quiet hours and maintenance are those of every monitor.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from monitor.model.incident import ChangeKind, IncidentChange

MARGIN_S = 60.0
"""A hub that is well concludes and tells within a minute: what is older it has told."""

MOST_HELD = 1_000
MOST_OWN = 10_000


class Solitude:
    """`heard_at`: when a hub was last heard, by the clock `monotonic`; None: not since this start.

    `own`: ids of incidents that were told of from here, before this start.
    """

    def __init__(
        self,
        heard_at: Callable[[], float | None],
        alone_after_s: float,
        *,
        own: Iterable[str] = (),
        monotonic: Callable[[], float],
    ) -> None:
        self._heard_at = heard_at
        self._alone_after_s = alone_after_s
        self._monotonic = monotonic
        self._began_at = monotonic()
        self._held: deque[tuple[float, IncidentChange]] = deque(maxlen=MOST_HELD)
        self._own = dict.fromkeys(own)

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
        """Whether `change` is this agent's to tell; while it is not alone, it is held for a while instead."""
        if not self.alone:
            self._held.append((self._monotonic(), change))
            return False
        return self._is_own(change)

    def released(self) -> list[IncidentChange]:
        """What was held and is its own after all, once, in order, when this agent has become alone."""
        if not self._held or not self.alone:
            return []
        since = self._monotonic() - self.unheard_s - MARGIN_S
        held = [change for at, change in tuple(self._held) if at >= since]
        self._held.clear()
        return [change for change in held if self._is_own(change)]

    def _is_own(self, change: IncidentChange) -> bool:
        """Whether its incident began, or got another cause, since hubs were heard."""
        incident = change.incident.id
        if change.kind in (ChangeKind.OPENED, ChangeKind.CAUSE_CHANGED):
            self._own[incident] = None
            if len(self._own) > MOST_OWN:
                del self._own[next(iter(self._own))]
        return incident in self._own
