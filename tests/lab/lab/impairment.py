"""What one direction of a link does to packets: delay, loss, a rate with a bounded queue. Pure, told the time.

Packets keep their order. The queue is a drop-tail one, its length given in seconds at the link's rate, as a
buffer of bytes would be; so a full link adds delay first and loses packets then.
"""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Impairment:
    """`delay_s` one way, `loss` the share of packets dropped (0 to 1), `rate_bps` None: without limit.

    `queue_s`: how long a packet may wait for the line before it is dropped instead.
    """

    delay_s: float = 0.0
    loss: float = 0.0
    rate_bps: float | None = None
    queue_s: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.delay_s <= 10:
            raise ValueError(f"delay_s must be 0..10 s, not {self.delay_s:g}")
        if not 0 <= self.loss <= 1:
            raise ValueError(f"loss must be a share, not {self.loss:g}")
        if self.rate_bps is not None and not self.rate_bps >= 1000:
            raise ValueError(f"rate_bps must be 1000 or more, not {self.rate_bps:g}")
        if not 0 <= self.queue_s <= 10:
            raise ValueError(f"queue_s must be 0..10 s, not {self.queue_s:g}")


class Direction:
    """One direction of a link, with what it has carried and dropped. `chance` decides losses."""

    def __init__(self, impairment: Impairment, chance: random.Random) -> None:
        self.impairment = impairment
        self.carried = 0
        self.lost = 0
        self.overflowed = 0
        self._chance = chance
        self._free_at = 0.0
        self._last_at = 0.0

    def admit(self, now: float, size: int) -> float | None:
        """When a packet of `size` bytes that enters at `now` comes out; None when it never does.

        `now`: seconds of any clock, never running backwards.
        """
        impairment = self.impairment
        if impairment.loss and self._chance.random() < impairment.loss:
            self.lost += 1
            return None
        leaves = now
        if impairment.rate_bps is not None:
            begins = max(now, self._free_at)
            if begins - now > impairment.queue_s:
                self.overflowed += 1
                return None
            leaves = self._free_at = begins + size * 8 / impairment.rate_bps
        self.carried += 1
        # A delay that was just made shorter must not let packets overtake each other.
        self._last_at = max(self._last_at, leaves + impairment.delay_s)
        return self._last_at
