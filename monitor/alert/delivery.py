"""What a delivery is to the outbox: a function, and the two ways in which it fails.

DeliveryError
├── TemporaryError   a later try can help: network, 4xx, or the server itself is set up wrongly just now
└── PermanentError   this message to this recipient will never be taken (5xx)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from monitor.history import Notice


class DeliveryError(Exception):
    """The message was not accepted, or nobody knows whether it was; the text names server and step."""


class TemporaryError(DeliveryError):
    """Trying again later can help."""


class PermanentError(DeliveryError):
    """Trying again cannot help."""


class Deliver(Protocol):
    """Hands one notice to the next server; blocking, called in a thread of its own.

    It calls `before_final_dot` once, after which the message may be taken for delivered at any moment, and
    lets through what that raises without finishing the message.
    """

    def __call__(self, notice: Notice, before_final_dot: Callable[[], None]) -> None:
        """Deliver `notice`.

        :raises DeliveryError: it was not accepted
        """
