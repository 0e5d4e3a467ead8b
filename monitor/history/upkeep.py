"""What the writer does beside writing: folding roll-ups, sealing and forgetting, one small piece at a time.

Folding comes first, then sealing, because what is forgotten can be neither folded nor sealed any more. Rows of an
older version are moved in between: with nothing else to do, but before rows are forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from monitor.history import retention, rollups, sealer
from monitor.history.engine import WriteEngine
from monitor.history.glossary import WritingGlossary
from monitor.history.retention import Keep
from monitor.history.sealer import Head

BETWEEN_PASSES_S = 3600.0
"""How often it is looked for what is too old: an hour's facts are pieces enough."""


class Tended(NamedTuple):
    """What one piece of upkeep did. `more`: there is another one to do now; `sealed`: the seal that was added."""

    more: bool
    folded: int = 0
    sealed: Head | None = None
    deleted: int = 0


class Upkeep:
    """Does a piece at a time, each within the caller's transaction."""

    def __init__(self, engine: WriteEngine, glossary: WritingGlossary) -> None:
        self._engine = engine
        self._glossary = glossary
        self._older = engine.has_old_rows()
        self._folder = rollups.Folder(engine.connection)
        self._sealer = sealer.Sealer(engine.connection)
        self._chores: Iterator[int] | None = None
        self._passed_at: float | None = None

    def step(self, now: float, keep: Keep) -> Tended:
        """Do the next piece; `now` in Unix seconds. Nothing, while another process does it."""
        if not self._engine.is_caretaker():
            return Tended(more=False)
        connection = self._engine.connection
        stale = rollups.next_stale(connection, now)
        if stale is not None:
            self._folder.fold(stale)
            self._engine.mark("unsealed", [stale])
            return Tended(more=True, folded=1)
        unsealed = sealer.next_unsealed(connection, now)
        if unsealed is not None:
            return Tended(more=True, sealed=self._sealer.seal(unsealed))
        if self._older:
            self._engine.move_old_rows(self._glossary)
            self._older = self._engine.has_old_rows()
            return Tended(more=True)
        if self._chores is None:
            if self._passed_at is not None and abs(now - self._passed_at) < BETWEEN_PASSES_S:
                return Tended(more=False)
            self._passed_at = now
            self._chores = retention.chores(self._engine, now, keep)
        deleted = next(self._chores, None)
        if deleted is None:
            self._chores = None
            return Tended(more=False)
        return Tended(more=True, deleted=deleted)

    def begin_anew(self) -> None:
        """What was done last failed: a pass begins with the next piece."""
        self._chores = self._passed_at = None
