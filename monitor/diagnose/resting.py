"""What a process has to tell the next one that no stored incident says: which of them are over. Pure."""

from __future__ import annotations

import msgspec

from monitor.model.verdict import Cause


class Resting(msgspec.Struct, frozen=True, array_like=True):
    """A target's incident under a cause that is over since then, Unix seconds, and whose end is not yet told."""

    target: str
    cause: Cause
    since: float
