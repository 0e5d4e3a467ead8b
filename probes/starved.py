"""Whether an observation's times are those of the service or of a monitor that was short of processor. Pure.

What was said in it stays true: a refused connection was refused and a certificate was shown. But a phase that
was timed while the event loop was held up is longer by up to that much, and a deadline may have passed unseen.
"""

from __future__ import annotations

from probes.observation import HttpObservation, Observation

STARVED_S = 0.05
"""Lateness of the event loop, seconds, from which times are not evidence. A loop on a busy machine is late by
1 to 20 ms; a rise that a user would notice in a phase begins at some 80 ms."""


def starved(observation: Observation) -> bool:
    """Whether the monitor itself was held up for longer than STARVED_S while it took this observation.

    False where the lateness was not measured: DNS and traceroute are timed by the kernel's own stamps.
    """
    if not isinstance(observation, HttpObservation) or observation.loop_lag_s is None:
        return False
    return observation.loop_lag_s > STARVED_S
