"""What roles say to each other of the moment, and nobody keeps: topics and their messages."""

from __future__ import annotations

import msgspec

BOOST = "boost"
"""From a diagnosis to the doors: look closer (`Boosted`)."""

HEARD = "heard"
"""Among doors: the names of the vantages that came lately."""

MET = "met"
"""From a diagnosis to the feeds: observations with addresses that are new (a packed crate)."""


class Boosted(msgspec.Struct, frozen=True):
    """Look closer at a target; `vantage` None: from everywhere."""

    target: str
    vantage: str | None = None
