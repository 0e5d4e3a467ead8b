"""Which facts a partition has had lately, so that one that comes twice counts once. Pure.

It need not remember for long: what is older than the bound for late facts is not concluded from anyway. Two
generations are kept, and the older one is dropped when the younger is `GENERATION_S` old; so a name is known for
that long at least, and for twice that at most.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeVar

GENERATION_S = 200.0
"""Longer than a fact may be late (150 s) with the time that it may be on its way again (a broker's 30 s)."""

T = TypeVar("T")


class Seen:
    """Names are (source, number)."""

    def __init__(self) -> None:
        self._young: defaultdict[str, set[int]] = defaultdict(set)
        self._old: defaultdict[str, set[int]] = defaultdict(set)
        self._since: float | None = None
        self.repeated = 0
        """How many came again."""

    def fresh(self, source: str, numbered: Iterable[tuple[int, T]]) -> Iterator[T]:
        """Those that come for the first time."""
        young, old = self._young[source], self._old.get(source, set())
        for number, one in numbered:
            if number in young or number in old:
                self.repeated += 1
                continue
            young.add(number)
            yield one

    def tick(self, now: float) -> None:
        """Time goes on; `now` by the stream, Unix seconds."""
        if self._since is None:
            self._since = now
        elif now - self._since >= GENERATION_S:
            self._old, self._young, self._since = self._young, defaultdict(set), now
