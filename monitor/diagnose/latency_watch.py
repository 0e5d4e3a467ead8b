"""Which series' round trips have just changed: one for each target, vantage and address. Pure, in bounded memory.

What a change is worth is not decided here, nor what is done about it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from monitor.diagnose.latency_change import LatencyChange, LatencyChanges
from monitor.diagnose.symptom import SYN_EARLY_S, SYN_RETRY_S, round_trip_s
from probes.observation import HttpObservation
from probes.starved import starved

MOST_SERIES = 10_000
"""Series remembered, those measured last: some 40 MB. A large CDN has hundreds of addresses for one target."""

LOST_SYN_S = SYN_RETRY_S[0] - SYN_EARLY_S
"""What took longer to connect was sent again: loss, which says nothing of how long the way is."""


@dataclass(frozen=True, slots=True)
class ChangedSeries:
    """A series, and its change."""

    target: str
    vantage: str
    address: str
    change: LatencyChange


class LatencyWatch:
    """Takes HTTP observations as they come."""

    def __init__(self) -> None:
        self._series: OrderedDict[tuple[str, str, str], LatencyChanges] = OrderedDict()

    def __len__(self) -> int:
        """How many series are remembered."""
        return len(self._series)

    def add(self, observation: HttpObservation) -> ChangedSeries | None:
        """Take one; gives the change that it makes certain. Without a round trip to tell, it changes nothing."""
        rtt_s = round_trip_s(observation)
        if observation.address is None or rtt_s is None or rtt_s >= LOST_SYN_S or starved(observation):
            return None
        key = (observation.target, observation.vantage, observation.address)
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = LatencyChanges()
            if len(self._series) > MOST_SERIES:
                self._series.popitem(last=False)
        else:
            self._series.move_to_end(key)
        change = series.add(rtt_s)
        return ChangedSeries(*key, change) if change is not None else None
