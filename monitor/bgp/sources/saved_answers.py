"""Answers of RIPEstat that a person saved in a folder: an investigation without the Internet.

They are found by what they say of themselves, whatever their names: a colleague's `curl -o`, or the folder in
which our own are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from monitor.bgp.ripestat import About, RipestatError, about
from monitor.bgp.sources.answer_folder import read_answer
from monitor.bgp.sources.ripestat_query import Query, RipestatUnavailableError
from monitor.model import Prefix, parse_prefix

MAX_SAVED_FILES = 2_000


class SavedAnswers:
    """The answers in a folder by what they are about; `refused` says of each other file what is wrong with it."""

    def __init__(self, folder: Path, told: Callable[[Query, str], object] = lambda query, how: None) -> None:
        """:raises OSError: there is no such folder"""
        self._told = told
        self._found: list[tuple[About, Path]] = []
        self.refused: list[str] = []
        names = sorted(path for path in folder.iterdir() if path.name.endswith((".json", ".json.gz")))
        for path in names[:MAX_SAVED_FILES]:
            try:
                self._found.append((about(read_answer(path)), path))
            except (OSError, RipestatError) as error:
                self.refused.append(f"{path.name}: {error}")
        if len(names) > MAX_SAVED_FILES:
            self.refused.append(
                f"{folder}: {len(names) - MAX_SAVED_FILES} files beyond {MAX_SAVED_FILES} not read"
            )

    def prefixes(self, wanted: Callable[[Prefix], bool]) -> tuple[Prefix, ...]:
        """The wanted ones among the prefixes whose routes are in the folder."""
        found: dict[Prefix, None] = {}
        for said, _ in self._found:
            with suppress(ValueError):
                if said.call.startswith("bgp") and wanted(parse_prefix(said.resource)):
                    found[parse_prefix(said.resource)] = None
        return tuple(found)

    async def ask(self, query: Query) -> bytes:
        """The answer that covers most of the question's window; a table's is the latest that is not after its end.

        :raises RipestatUnavailableError: none is about that
        """
        fit = [
            (said, path) for said, path in self._found if (said.call, said.resource) == (query.call, query.subject)
        ]
        worth = max(fit, key=lambda found: _worth(found[0], query), default=None)
        if worth is None or not _worth(worth[0], query):
            raise RipestatUnavailableError("not among the saved answers")
        self._told(query, f"from {worth[1].name}")
        return read_answer(worth[1])


def _worth(said: About, query: Query) -> float:
    """How well an answer fits the moment or window of a question; 0: not at all."""
    if query.since is None or said.since is None or said.until is None:
        return 1.0
    until = query.since if query.until is None else query.until
    if query.call == "bgp-state":
        return said.since if said.since <= until else 0.0
    return max(min(said.until, until) - max(said.since, query.since), 0.0)
