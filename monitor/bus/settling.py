"""When a vantage's old numbers may be forgotten, where facts overtake each other on their way. Pure.

An agent says below which number it has nothing left to send. Over a bus its word may overtake facts that it speaks
of, which stand before it in the stream; settled too early, they would be taken for repetitions and be lost. So the
word waits until the stores have kept all that stands before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from monitor.history.shipment import Shipment


class Settling:
    """Holds back `settled_below`, the newest of each vantage."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[int, Shipment]] = {}

    def parted(self, shipments: Iterable[Shipment], place: int) -> Iterator[Shipment]:
        """The shipments of a message at `place` of the stream, without the word that has to wait."""
        for shipment in shipments:
            if shipment.settled_below > 1:
                self._hold(shipment, place)
            yield replace(shipment, settled_below=1)

    def ripe(self, kept: int, end: int) -> list[Shipment]:
        """The words whose time has come, without facts: all up to the place `kept` is in the history.

        One that stands behind the stream's `end` is dropped: the stream was made anew, and counts anew.
        """
        found = [one for place, one in self._waiting.values() if place <= min(kept, end)]
        self._waiting = {name: (place, one) for name, (place, one) in self._waiting.items() if kept < place <= end}
        return found

    def _hold(self, shipment: Shipment, place: int) -> None:
        waiting = self._waiting.get(shipment.vantage)
        # One that waits is not put off by the next: it would wait for ever where there is always a next.
        if waiting is None:
            self._waiting[shipment.vantage] = (place, replace(shipment, facts=(), refused=()))
