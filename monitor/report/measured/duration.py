"""Durations of a measurement in milliseconds, to three digits or a tenth. Pure."""

from __future__ import annotations


def milliseconds(seconds: float | None) -> str:
    """`20.4 ms`, `0.04 ms`, or a dash for what was not measured."""
    if seconds is None:
        return "–"
    return f"{seconds * 1000:.2f} ms" if seconds < 0.001 else f"{seconds * 1000:.1f} ms"
