"""How fast agents may bring what waited while the hub was away: as fast as it does not delay what is fresh. Pure.

Theory of operation. Fresh batches measure the hub: how long each waited for its receipt. While they are quick
the rate at which late facts are welcome rises by steps, larger ones at first; when some of half a second were
slow it falls by a share, as TCP's window does (RFC 5681), so it settles below what this machine can do, without
knowing what that is. A single slow one tells nothing: a disk that is slow to sync makes one now and then with no
backlog at all.

Agents stand in a queue, each with a place in it: a count of facts that are let in before its own. The count that
is served grows by the rate. Who has been let in gets a new place at the end, and its receipt says when that is
reached; so all agents, however many, take turns, and nobody knocks in vain but once after a hub's return.
"""

from __future__ import annotations

SLOW_S = 0.15
"""A receipt for what is fresh that took longer than this slows the backlog down; 250 ms is the promise."""

FIRST_RATE = 2_000.0
LEAST_RATE = 200.0
MOST_RATE = 10_000.0
"""Facts a second of all agents together."""

STEP = 5.0
SEEKING_STEP = 20.0
"""Until the first fall: agents bring a backlog when a hub has just started, and does not know what it can do."""

SHARE = 0.7
SETTLE_S = 0.5
"""What is judged together, and between two reductions: what is under way was asked for before."""

MOST_SLOW = 0.1
"""The share of the receipts that may be slow."""

EARLY_S = 0.25
"""Who comes so much before its turn is let in: clocks and ways differ."""

USUAL = 500.0
"""Facts of a batch, while it is not known how many there are."""

LONGEST_S = 30.0
"""The rate may rise meanwhile, so nobody is told to stay away for longer."""


class BacklogPace:
    """One for all agents of a hub; all times by one monotonic clock. Agents are told apart by their names."""

    def __init__(self, now: float) -> None:
        self.rate = FIRST_RATE
        """Late facts a second that are welcome."""
        self._judged_at = now
        self._step = SEEKING_STEP
        self._receipts = self._slow = 0
        self._at = now
        self._served = 0.0
        self._end = 0.0
        self._places: dict[str, float] = {}

    def fresh_took(self, took_s: float, now: float) -> None:
        """A fresh batch was answered after so long."""
        self._serve(now)
        self._receipts += 1
        if took_s <= SLOW_S:
            self.rate = min(self.rate + self._step, MOST_RATE)
        else:
            self._slow += 1
        if now - self._judged_at >= SETTLE_S:
            if self._slow > MOST_SLOW * self._receipts:
                self.rate, self._step = max(self.rate * SHARE, LEAST_RATE), STEP
            self._judged_at, self._receipts, self._slow = now, 0, 0

    def wait_s(self, agent: str, now: float) -> float:
        """How long an agent that comes now with late facts shall wait; 0.0: it is welcome."""
        self._serve(now)
        if agent not in self._places:
            self._queue(agent, USUAL)
        wait_s = (self._places[agent] - self._served) / self.rate
        return min(wait_s, LONGEST_S) if wait_s > EARLY_S else 0.0

    def admit(self, agent: str, facts: int, now: float) -> float:
        """An agent's late facts are let in; how long it shall wait with the next ones."""
        self._serve(now)
        self._queue(agent, float(facts))
        return min(max(self._places[agent] - self._served, 0.0) / self.rate, LONGEST_S)

    def _queue(self, agent: str, facts: float) -> None:
        """Give the place at the end, for so many facts."""
        self._places[agent] = max(self._end, self._served)
        self._end = self._places[agent] + facts

    def _serve(self, now: float) -> None:
        self._served += self.rate * max(now - self._at, 0.0)
        self._at = max(self._at, now)
