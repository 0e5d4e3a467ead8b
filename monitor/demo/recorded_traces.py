"""Traceroutes for the demo without namespaces: recorded from the demo's own namespaces, replayed with new times.

The file beside this one holds, for each vantage, the traceroute that the real tracer measured in calm and in
the hijack, with AS64503 not filtering. Replaying moves them to the loopback's addresses and stamps them; the
round trips are the recorded ones. A test holds the recording to what the namespaces give.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from monitor.demo import setting
from probes.observation import Hop, TraceObservation

RECORDING = Path(__file__).with_name("recorded_traces.txt")
# Recorded in 198.18.0.0/15 (`topology`), replayed in the same shape inside 127.0.0.0/8.
_MOVED = (("198.18.", "127.18."), ("198.19.", "127.19."))


class RecordedTrace(msgspec.Struct, frozen=True, kw_only=True):
    """One traceroute and the state of the route when it was measured."""

    diverted: bool
    trace: TraceObservation


class RecordedTraces:
    """The recording, by vantage and state."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        decoder = msgspec.json.Decoder(RecordedTrace)
        entries = [decoder.decode(line) for line in lines if line]
        self._traces = {(entry.trace.vantage, entry.diverted): entry.trace for entry in entries}

    @classmethod
    def load(cls, path: Path = RECORDING) -> RecordedTraces:
        """Read the recording.

        :raises OSError: the file is not there
        :raises msgspec.DecodeError: a line is not a recorded traceroute
        """
        return cls(tuple(path.read_text(encoding="utf-8").splitlines()))

    def at(self, when: float, vantage: str, *, diverted: bool, port: int) -> TraceObservation:
        """The traceroute of `vantage` in this state, as if measured at `when` to `port`.

        :raises KeyError: nothing was recorded for it
        """
        trace = self._traces[vantage, diverted]
        return msgspec.structs.replace(
            trace,
            at=when,
            target=setting.TARGET,
            address=_moved(trace.address),
            port=port,
            hops=tuple(_moved_hop(hop) for hop in trace.hops),
        )


def _moved_hop(hop: Hop) -> Hop:
    return msgspec.structs.replace(hop, address=_moved(hop.address))


def _moved(address: str | None) -> str | None:
    for recorded, replayed in _MOVED:
        if address is not None and address.startswith(recorded):
            return replayed + address.removeprefix(recorded)
    return address
