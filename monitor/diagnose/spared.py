"""Whom a trouble on the way spares: whose packets are neither late nor lost, whatever share of their way it is.

A full line adds the same to every round trip that crosses it: much to a near vantage, and little of a far one's,
which is then neither affected nor well. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from monitor.diagnose.situation import VantageSituation

ALIKE = 0.5
"""Who is late by this part of what the others are late by has the same trouble."""


def spared(views: Sequence[VantageSituation]) -> list[VantageSituation]:
    """The vantages of whom nothing shows that they share what makes the impaired ones' packets late or lost."""
    rises = [view.rtt_rise_s for view in views if view.rtt_raised and view.rtt_rise_s > 0.0]
    least_s = ALIKE * median(rises) if rises else float("inf")
    return [view for view in views if not view.is_impaired and view.rtt_rise_s < least_s]
