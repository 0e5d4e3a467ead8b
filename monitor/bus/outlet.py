"""The seam between who brings facts and who keeps and judges them.

In one process the hub itself is the outlet: it hands facts over directly and answers when they are on the disk.
Between processes it is the bus, which answers when its brokers hold them. Doors, feeds and look-ups know only
this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from monitor.diagnose.fact import Fact
from monitor.history.shipment import Shipment, Taken


class Outlet(Protocol):
    """Takes facts; may be called from any task, and makes its caller wait while there is too much."""

    async def put(self, facts: Sequence[Fact]) -> None:
        """Bring facts of the hub's own sources, which are kept together or not at all."""
        ...

    async def take(self, shipment: Shipment) -> Taken | None:
        """Bring an agent's shipment, and wait until it is safe; None: it could not be taken now.

        Cancelled, it may be kept all the same; brought again, it changes nothing.
        """
        ...
