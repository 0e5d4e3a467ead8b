"""Which of two hubs alerts: the first of the agents' lists; the standby only when no agent hears the first. Pure.

Theory of operation. Both hubs get every fact and conclude alike; only telling must not happen twice. The hubs need
no way to each other, which could be cut while both are well: the agents are witnesses. Each tells the standby,
four times a minute, for how long it has not heard the first hub. When everyone who has reported lately says
`UNHEARD_S` or longer, the standby leads; when anybody hears the first again, it is silent. What it would have told
since the first hub was last heard, or so shortly before that that one perhaps did not get to it (`MARGIN_S`), it
tells then, but for what the first has sent: its agents know that as soon as a mail server has taken it, and say so
in each report to the standby.

What is left, because SMTP has no way to ask what became of a message (RFC 1047; RFC 5321 section 4.5.3.2.6): a
first hub that dies after the final dot and before its word that it was taken has reached an agent, whose request
for orders is open for that: the time of the server's answer and of one way to the nearest agent. (Each report by
which the standby comes to lead brings along what its agent knows.) That message comes twice, which is better
than never, and under one Message-ID, by which mailboxes and readers fold it: it is made of the incident's name,
which both hubs give alike, unless a decisive fact reached one of them more than the grace of 2 s later than the
other, and it opened the incident at another moment. Back again, the first hub does not send it a third time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from monitor.history.notice import Notice

UNHEARD_S = 20.0
"""A hub that is well is heard every 15 s. With reports that are as old at most, the standby leads within 40 s."""

RECENT_S = 60.0

MARGIN_S = 10.0
"""A hub that is well concludes within its grace of 2 s, and mails at once."""

MOST_HELD = 1_000


class Standby:
    """`is_standby` False: the first hub, which always leads. `monotonic` tells the time."""

    def __init__(self, *, is_standby: bool, monotonic: Callable[[], float]) -> None:
        self._is_standby = is_standby
        self._monotonic = monotonic
        self._unheard: dict[str, tuple[float, float]] = {}
        self._held: deque[tuple[float, Notice]] = deque(maxlen=MOST_HELD)
        self._told: dict[str, None] = {}

    def report(self, vantage: str, unheard_s: float | None, told: Sequence[str] = ()) -> None:
        """A vantage has not heard its first hub for so long; None: it says nothing of that.

        `told`: keys of the notices that it knows the first hub to have sent.
        """
        if unheard_s is not None:
            self._unheard[vantage] = (self._monotonic(), unheard_s)
            self._told |= dict.fromkeys(told)
            for oldest in list(self._told)[: max(len(self._told) - MOST_HELD, 0)]:
                del self._told[oldest]

    @property
    def leads(self) -> bool:
        """Whether this hub tells people."""
        if not self._is_standby:
            return True
        recent = self._recent()
        return bool(recent) and min(unheard_s for _, unheard_s in recent) >= UNHEARD_S

    def passed(self, notices: Sequence[Notice]) -> Sequence[Notice]:
        """The notices, if this hub leads; else none, and they are held for a while."""
        if self.leads:
            return self._untold(notices)
        self._held.extend((self._monotonic(), notice) for notice in notices)
        return ()

    def released(self) -> list[Notice]:
        """What is to be told after all, once, when this hub has begun to lead."""
        if not self._held or not self.leads:
            return []
        heard_at = max((at - unheard_s for at, unheard_s in self._recent()), default=0.0)
        found = [notice for at, notice in tuple(self._held) if at >= heard_at - MARGIN_S]
        self._held.clear()
        return self._untold(found)

    def _untold(self, notices: Sequence[Notice]) -> list[Notice]:
        return [notice for notice in notices if notice.key not in self._told]

    def _recent(self) -> list[tuple[float, float]]:
        """When somebody reported lately, and for how long the first hub was not heard there then."""
        now = self._monotonic()
        return [(at, unheard_s) for at, unheard_s in tuple(self._unheard.values()) if now - at <= RECENT_S]
