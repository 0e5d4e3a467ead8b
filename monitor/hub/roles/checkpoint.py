"""Where the next owner of a partition begins, if this one ends now. Pure.

Theory of operation. An engine's memory of the last minute, counts of moments in a row and open windows, is in
no history. So the next owner goes back by `REWIND_S`: it takes what is older from the history, and the minute
itself from the stream once more, judging as the last owner did; what it concludes up to where that one was is
known already and changes nothing. If its open incidents are then not those that are stored (the minute began in
the middle of something), it begins plainly there instead.

So a checkpoint has two times, and a place in the stream before which stands nothing that became known after the
earlier one. A fact becomes known before it is received, and is received before it stands in the stream; clocks and
ways of senders differ by less than `SLACK_S`.
"""

from __future__ import annotations

from collections import deque

import msgspec

from monitor.diagnose.resting import Resting

REWIND_S = 60.0
SLACK_S = 10.0

OLD_S = 600.0
"""After a longer time without an owner nothing is rewound: nobody shall be told now what was then."""


class Checkpoint(msgspec.Struct, frozen=True):
    """`reached`: the watermark that was concluded from; `rewound`: that to begin from, with `place`.

    `resting`: what was over at `reached` and not yet told to be.
    """

    reached: float
    rewound: float
    place: int
    resting: tuple[Resting, ...] = ()

    @property
    def rested(self) -> tuple[Resting, ...]:
        """What was over at `rewound` already; what ended later is seen to end once more."""
        return tuple(one for one in self.resting if one.since <= self.rewound)


def pack_checkpoint(checkpoint: Checkpoint) -> bytes:
    """As it stands in a lease."""
    return msgspec.msgpack.encode(checkpoint)


def unpack_checkpoint(note: bytes, now: float) -> Checkpoint | None:
    """What the last owner left; None: nothing, or it is too old to go on from."""
    try:
        found = msgspec.msgpack.decode(note, type=Checkpoint)
    except (msgspec.DecodeError, ValueError):
        return None
    return found if abs(now - found.reached) <= OLD_S else None


class Trail:
    """The watermarks of the last minute, each with the place at which it was reached."""

    def __init__(self, since: float, place: int) -> None:
        """Begun from a watermark; nothing that is known after it stands before `place`."""
        self._since = since
        self._steps: deque[tuple[float, int]] = deque([(since + SLACK_S, place)])

    def step(self, reached: float, place: int, resting: tuple[Resting, ...] = ()) -> Checkpoint:
        """The watermark `reached` was concluded from, at `place`; what to leave now."""
        if reached > self._steps[-1][0]:
            self._steps.append((reached, place))
        rewound = max(self._since, reached - REWIND_S)
        while len(self._steps) > 1 and self._steps[1][0] <= rewound - SLACK_S:
            self._steps.popleft()
        return Checkpoint(reached, rewound, self._steps[0][1], resting)
