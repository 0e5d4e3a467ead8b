"""What can go wrong on the bus."""

from __future__ import annotations


class BusError(Exception):
    """The brokers cannot do what was asked; the message names them and the reason. Trying again can help."""
