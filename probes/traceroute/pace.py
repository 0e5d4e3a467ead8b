"""Whose packet goes out next, and when: a packet rate that many senders share. Pure; time is an argument.

A token bucket: tokens come in at the rate, a packet takes one, and at most a burst of them is saved up. So in
any second at most the rate and a burst of packets go out. Senders that want to send stand in one line; each
turn is one packet, and who wants another one goes to its end. With few senders a whole trace leaves at once;
with many, an answer to a sender's last packet has mostly come before its next turn, and then spares packets.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

__all__ = ["Pace", "burst_of"]

_LEAST_BURST: Final = 32
"""Packets; all of a trace of the default 30 hops, whose length is known, may go out in one round trip."""
_BURST_S: Final = 0.05
"""A busy machine may let a process wait so long; what it was to send meanwhile is made up for."""

_BATCH_S: Final = 0.01
"""When tokens are short, what this time brings in is waited for: a hundred wake-ups a second suffice."""

Sender = TypeVar("Sender", bound=Hashable)


class Pace(Generic[Sender]):
    """The line of senders, and the tokens. `rate` in packets per second, more than 0, may be set at any time."""

    def __init__(self, rate: float, *, now: float) -> None:
        self.rate = rate
        self._tokens = burst_of(rate)
        self._counted_at = now
        self._line: OrderedDict[Sender, None] = OrderedDict()

    def join(self, sender: Sender) -> None:
        """Stand at the end of the line; who stands in it already keeps its place."""
        self._line[sender] = None

    def leave(self, sender: Sender) -> None:
        """Step out of the line, wherever in it; who is not in it may do so too."""
        self._line.pop(sender, None)

    def turn(self, now: float) -> Sender | None:
        """Who may send one packet now, taken out of the line; None: nobody wants to, or there is no token."""
        if not self._line:
            return None
        if now > self._counted_at:
            self._count(now)
        return self._line.popitem(last=False)[0] if self._tokens >= 1 else None

    def spend(self) -> None:
        """A packet was sent."""
        self._tokens -= 1

    def next_turn_at(self) -> float | None:
        """When to call `turn` again; None while nobody stands in line."""
        if not self._line:
            return None
        wanted = max(min(float(len(self._line)), self.rate * _BATCH_S), 1.0)
        return self._counted_at + max(wanted - self._tokens, 0.0) / self.rate

    def _count(self, now: float) -> None:
        self._tokens = min(self._tokens + (now - self._counted_at) * self.rate, burst_of(self.rate))
        self._counted_at = now


def burst_of(rate: float) -> float:
    """How many packets may go out at once after a pause."""
    return max(_LEAST_BURST, rate * _BURST_S)
