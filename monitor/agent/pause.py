"""How long to wait before a hub is tried again: longer each time, and never in step with other agents."""

from __future__ import annotations

import random

from monitor.agent.hub_link import LinkError

FIRST_S = 1.0
LONGEST_S = 30.0
"""A hub that comes back is found within half a minute."""


class Pause:
    """Between tries of one hub."""

    def __init__(self) -> None:
        self._step_s = 0.0

    def after(self, error: Exception) -> float:
        """Seconds to wait: what the hub asked for and up to half more, or up to twice as long as the last time."""
        if isinstance(error, LinkError) and error.retry_after_s is not None:
            return error.retry_after_s * random.uniform(1.0, 1.5)  # noqa: S311  (no secret)
        self._step_s = min(max(self._step_s * 2, FIRST_S), LONGEST_S)
        return self._step_s * random.uniform(0.5, 1.0)  # noqa: S311  (no secret)

    def over(self) -> None:
        """The hub was reached."""
        self._step_s = 0.0
