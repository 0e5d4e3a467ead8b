"""Errors of the local kernel while tracing, as failure words. Pure.

These are the only failures of a trace: a target that answers nothing is an observation without a failure.
They are kept apart from `probes.failure`, which speaks of exchanges with a service: there EADDRNOTAVAIL is a
shortage of local ports, here it means that the machine has no address of the family.
"""

from __future__ import annotations

import errno
import os
from typing import Final

from probes.failure_word import Failure

__all__ = ["TRANSIENT", "CannotTraceError", "failure_of"]

TRANSIENT: Final = frozenset({errno.EAGAIN, errno.ENOBUFS, errno.EINTR})
"""A full queue of the interface: the probe is lost, like one that is lost on the way."""

_WORDS: Final = {
    errno.ENETUNREACH: Failure.NETWORK_UNREACHABLE,
    errno.ENETDOWN: Failure.NETWORK_UNREACHABLE,
    errno.ENODEV: Failure.NETWORK_UNREACHABLE,
    errno.EADDRNOTAVAIL: Failure.NETWORK_UNREACHABLE,
    errno.EAFNOSUPPORT: Failure.NETWORK_UNREACHABLE,
    errno.EINVAL: Failure.NETWORK_UNREACHABLE,  # a route of type blackhole
    errno.EHOSTUNREACH: Failure.HOST_UNREACHABLE,
    errno.EHOSTDOWN: Failure.HOST_UNREACHABLE,
    errno.EACCES: Failure.HOST_UNREACHABLE,  # a route of type prohibit
    errno.EPERM: Failure.PERMISSION_DENIED,  # a packet filter of this machine
}


class CannotTraceError(Exception):
    """A trace could not be started or went no further; `failure` says why in one word."""

    def __init__(self, failure: Failure, text: str) -> None:
        super().__init__(text)
        self.failure = failure

    @classmethod
    def because(cls, operation: str, error: OSError) -> CannotTraceError:
        """The operation that failed, and the kernel's reason."""
        reason = os.strerror(error.errno) if error.errno else str(error)
        return cls(failure_of(error), f"{operation}: {reason}")


def failure_of(error: OSError) -> Failure:
    """The failure word of a kernel error; `monitor_fault` where the network has no part in it."""
    return _WORDS.get(error.errno or 0, Failure.MONITOR_FAULT)
