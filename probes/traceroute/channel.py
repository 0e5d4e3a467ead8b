"""The seam between the engine and the sockets: a way to send the probes of one trace and hear answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from probes.traceroute.replies import Reply
from probes.traceroute.stamps import Departure

__all__ = ["Arrival", "Channel", "Inlet", "OnArrival"]


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """A reply and how it came: `stamp_ns` is the kernel's wall-clock stamp, `ttl` the TTL or hop limit that was
    left; None where the kernel did not say."""

    reply: Reply
    stamp_ns: int | None
    ttl: int | None = None


OnArrival = Callable[[Arrival], None]


class Inlet(Protocol):
    """The sockets that all traces hear by: read whenever something comes, or held back and read when told.

    What the kernel stamps can wait; so a busy tracer wakes up for many answers and not for each.
    """

    def hold(self) -> None:
        """Read nothing unless told. Ignored where the kernel stamps no arrivals."""

    def release(self) -> None:
        """Read whenever something comes."""

    def read(self) -> None:
        """Read what waits, if held back."""


class Channel(Protocol):
    """The sockets of one trace."""

    def send(self, ttl: int, mark: int, departure: Departure) -> None:
        """Send the probe with this mark, and have the kernel's stamp put into `departure` when it is known.

        It is known before an answer to the probe is handed on, if it ever is.

        :raises OSError: the kernel refused it; see `send_error`
        """

    def close(self) -> None:
        """Send and hear nothing more. May be called twice."""
