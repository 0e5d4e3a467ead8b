"""What a feed counts of its messages, in all, and as facts of the time since the last one."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.model import FeedTally
from probes import clock


@dataclass(slots=True)
class FeedCounts:
    """Since the start: the numbers of `FeedTally`, the `facts` given to the sink, and the `connections` that
    came to be live."""

    received: int = 0
    parsed: int = 0
    relevant: int = 0
    late: int = 0
    dropped: int = 0
    bad: int = 0
    facts: int = 0
    connections: int = 0
    _told: dict[str, int] = field(default_factory=dict)
    _told_at: float = field(default_factory=clock.wall)

    def tally(self, source: str, now: float) -> FeedTally | None:
        """What was counted since the last call; None where nothing was."""
        counted = {name: getattr(self, name) for name in _TOLD}
        news = {name: count - self._told.get(name, 0) for name, count in counted.items()}
        if not any(news.values()):
            return None
        tally = FeedTally(since=min(self._told_at, now), at=now, source=source, **news)
        self._told, self._told_at = counted, now
        return tally


_TOLD = ("received", "parsed", "relevant", "late", "dropped", "bad")
