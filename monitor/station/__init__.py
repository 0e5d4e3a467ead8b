"""A whole monitor in one process: agent and hub together, for `run` (until stopped) and `once` (one round)."""

from monitor.station.single_round import Outcome, single_round
from monitor.station.station import Station

__all__ = ["Outcome", "Station", "single_round"]
