"""How far a partition may conclude: up to the time before which nobody holds anything back. Pure.

Theory of operation. Every sender marks, once a second, the time before which all that it took in stands in the
stream. The least of these is the watermark; so while a broker stands still, or one sender cannot get through,
time stands still for the diagnosis too, and silence is not taken for trouble. A sender that is gone is left out
when the others have gone on for `GONE_S` without it; what agents had given it comes again by another one. While
nobody brings what agents measure, nothing is concluded.

At the sender's side, agents that had to wait come a moment after the stream is free again; so after a stall the
mark is held for `HOLD_S`, and while they still bring what waited, for `MOST_HOLD_S` at most.
"""

from __future__ import annotations

from monitor.bus.crate import Mark

GONE_S = 15.0
"""Longer than a door takes that has lost its broker without a word: 6 s until it is sure, 3 s for trying one that
is cut off too, 5 s until what was under way is sent again. Left out sooner, it would come with facts of a time
that was concluded already. Shorter than anybody's patience."""

STALL_S = 2.0
"""A shipment that waited for longer found the way blocked."""

HOLD_S = 6.0
"""After a stall agents come again within their answer's time; the next batch, with all that waited, is here in
a second or two after that."""

BEHIND_S = 3.0
"""An agent whose newest fact is older than this when it sends it has more to bring: fresh ones are sent within a
second or two."""

BEHIND_LASTS_S = 2.0
"""After what was old when it came; who has more to bring does so at once."""

MOST_HOLD_S = 30.0
"""After a stall: an agent that never catches up must not keep all others from their verdicts."""

KNOWN_S = 2.0
"""Two rounds of marks: by then who reads from the middle of the stream has heard of every sender."""

MOST_SENDERS = 1_000


class Watermark:
    """Takes marks in the order of the stream. `until`: the time reached, Unix seconds; None: none yet."""

    def __init__(self, until: float | None = None) -> None:
        self.until = until
        self._marks: dict[str, Mark] = {}
        self._since: float | None = None

    def take(self, mark: Mark) -> None:
        """A sender's next mark."""
        if mark.leaving:
            self._marks.pop(mark.sender, None)
        elif mark.sender in self._marks or len(self._marks) < MOST_SENDERS:
            self._marks[mark.sender] = mark
        newest = max((one.sent_at for one in self._marks.values()), default=mark.sent_at)
        self._marks = {name: one for name, one in self._marks.items() if newest - one.sent_at <= GONE_S}
        self._since = newest if self._since is None else self._since
        if newest - self._since >= KNOWN_S and any(one.agents for one in self._marks.values()):
            least = min(one.at for one in self._marks.values())
            self.until = least if self.until is None else max(self.until, least)


class Hold:
    """What a sender may say in its marks."""

    def __init__(self) -> None:
        self._said = 0.0
        self._stalled_at: float | None = None

    def at(self, now: float, oldest: float | None, behind_at: float | None = None) -> float:
        """The time to mark at `now`.

        `oldest`: when the oldest thing came that is not yet sent, None: all is. `behind_at`: when an agent last
        brought what was old by then.
        """
        found = now if oldest is None else min(oldest, now)
        if now - found > STALL_S:
            self._stalled_at = now
        elif self._stalled_at is not None:
            catching_up = behind_at is not None and now - behind_at < BEHIND_LASTS_S
            if now - self._stalled_at < (MOST_HOLD_S if catching_up else HOLD_S):
                return self._said
            self._stalled_at = None
        self._said = max(self._said, found)
        return self._said
