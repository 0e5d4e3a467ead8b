"""The exit statuses of `once` and `doctor`: those of the Monitoring Plugins Development Guidelines. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class State(IntEnum):
    """What a plug-in's exit status says."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


# The guidelines' `max_state`: what is known to be bad outranks what nobody knows.
_WORST_FIRST = (State.CRITICAL, State.UNKNOWN, State.WARNING, State.OK)


def worst(states: Iterable[State]) -> State:
    """The status of all together; unknown when there are none."""
    found = frozenset(states)
    return next((state for state in _WORST_FIRST if state in found), State.UNKNOWN)
