"""What an AS path is by itself, whichever prefix it leads to: one leads to many, and is worked out once. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.bgp.episodes.relationships import Relationships, Valley
from monitor.model import Asn, AsPath, AsSet

MAX_SHAPES = 200_000
"""Different paths that are kept worked out; all peers of RIS show some 100,000 to 1,000 prefixes."""


@dataclass(slots=True, eq=False)
class Shape:
    """What a path is by itself, whichever prefix it leads to.

    `origin`: its only one, None for a set. `usual`: it was learned, so that its links are known.
    """

    sequence: tuple[Asn, ...]
    origins: frozenset[Asn]
    origin: Asn | None
    repeats: int
    valley: Valley | None
    usual: bool = False


class Shapes:
    """The shapes of the paths met; all are forgotten, what was learned of them too, when they are too many."""

    def __init__(self, relationships: Relationships) -> None:
        self._relationships = relationships
        self._known: dict[tuple[Asn | AsSet, ...], Shape] = {}

    def of(self, path: AsPath) -> Shape:
        """The shape of a path."""
        found = self._known.get(path.segments)
        if found is None:
            if len(self._known) >= MAX_SHAPES:
                self._known.clear()
            sequence, origins = path.sequence, path.origins
            found = self._known[path.segments] = Shape(
                sequence=sequence,
                origins=origins,
                origin=next(iter(origins)) if len(origins) == 1 else None,
                repeats=_origin_repeats(path),
                valley=self._relationships.valley(sequence),
            )
        return found


def _origin_repeats(path: AsPath) -> int:
    """How often the last network of a path stands at its end."""
    count = 0
    for segment in reversed(path.segments):
        if segment != path.segments[-1]:
            break
        count += 1
    return count
