"""Whom a source gives its facts to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from monitor.model import RouteFact

Sink = Callable[[Sequence[RouteFact]], Awaitable[None]]
"""Takes facts in the order in which they came; the source waits for it, so a slow one slows the source."""
