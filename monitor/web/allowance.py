"""How much one may bring: an average with a burst, the token bucket of RFC 2697's single colour. Pure."""

from __future__ import annotations


class Allowance:
    """Several quantities side by side, each filling at its own rate a second up to `burst_s` seconds' worth."""

    def __init__(self, rates: tuple[float, ...], burst_s: float, now: float) -> None:
        self._rates = rates
        self._burst_s = burst_s
        self._left = [rate * burst_s for rate in rates]
        self._at = now

    def spend(self, amounts: tuple[float, ...], now: float) -> float:
        """Spend amounts, and say 0.0; or, where not all are there, how many seconds to wait, and spend nothing.

        An amount beyond the whole burst is allowed when the bucket is full.
        """
        passed = max(now - self._at, 0.0)
        self._at = now
        most = [rate * self._burst_s for rate in self._rates]
        self._left = [
            min(left + rate * passed, top) for left, rate, top in zip(self._left, self._rates, most, strict=True)
        ]
        waits = [
            (min(amount, top) - left) / rate
            for amount, left, rate, top in zip(amounts, self._left, self._rates, most, strict=True)
        ]
        if max(waits) > 1e-9:
            return max(waits)
        self._left = [left - amount for left, amount in zip(self._left, amounts, strict=True)]
        return 0.0
