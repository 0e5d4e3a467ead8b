"""What a child process does before it begins: bind its life to its parent's."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None, use_errno=True)


def bound_to_parent(number: int) -> Callable[[], None]:
    """A `preexec_fn`: the kernel sends signal `number` when the parent dies, and Ctrl-C is left to the parent.

    So even a parent's SIGKILL leaves nothing behind.
    """

    def begin() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, number)
        os.setsid()

    return begin
