"""When a notice that was not taken is tried again, and when that ends. Pure.

The first tries follow quickly, since most refusals in a bad night last seconds (a restart, greylisting);
later ones every five minutes. RFC 5321 section 4.5.4.1 asks a sender to go on for at least 4 to 5 days,
for mail in general; an alert is old news after three.
"""

from __future__ import annotations

FIRST_DELAY_S = 5.0
LONGEST_DELAY_S = 300.0
GIVE_UP_AFTER_S = 3 * 86400.0
# A clock that jumps, or a monitor that was off for days, must not turn the first refusal into the last.
FEWEST_TRIES = 100


def delay_s(tries: int, jitter: float) -> float:
    """Seconds to wait after try number `tries` (from 1) failed; `jitter` in 0..1 takes off up to half."""
    doubled = FIRST_DELAY_S * 2.0 ** min(max(tries - 1, 0), 16)
    return min(doubled, LONGEST_DELAY_S) * (1.0 - 0.5 * jitter)


def is_over(created_at: float, tries: int, now: float) -> bool:
    """Whether a notice made at `created_at` that failed `tries` times is not tried again."""
    return now - created_at >= GIVE_UP_AFTER_S and tries >= FEWEST_TRIES
