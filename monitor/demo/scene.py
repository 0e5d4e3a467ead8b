"""What the story needs of the place where it is played: an Internet with a service, and the monitor at work in it.

The demo's own scene is `local_scene`; the test laboratory brings another. A scene obeys deeds and fills the
board. It tells nobody anything and knows nothing of what should be named.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from monitor.demo.board import Board
from monitor.demo.story import Deed
from monitor.model.asn import Asn


@dataclass(frozen=True, slots=True, kw_only=True)
class Diversion:
    """What is really announced while the traffic is diverted."""

    prefix: str
    origin: Asn


class Scene(Protocol):
    """What the play needs. `told` and `diversion` hold once it is opened."""

    @property
    def mode(self) -> str:
        """One word for the summary: `laboratory`, `namespaces` or `loopback`."""

    @property
    def told(self) -> str:
        """What is real and what is replayed, in a plain sentence."""

    @property
    def diversion(self) -> Diversion:
        """The truth that a right answer must name."""

    @property
    def crowd_answers(self) -> Mapping[str, int]:
        """What the crowd was answered, by status; empty before it has left."""

    def opened(self) -> AbstractAsyncContextManager[Board]:
        """Everything at work: servers, routes, vantages, monitor. Leaving it ends it all, whatever happened.

        :raises NetworkError, ChildError, OSError: it cannot be built, or falls apart
        :raises HistoryError: the monitor's history failed
        """

    async def do(self, deed: Deed, length_s: float) -> None:
        """Begin a deed that lasts `length_s` seconds."""
