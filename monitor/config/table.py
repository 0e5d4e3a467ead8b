"""One table of a configuration: hands out checked values and collects every mistake on the way.

A key is known when somebody asks for it; `close` reports the others. So the reading code is the one list of
keys there is, and documentation is tested against it (`Findings.known`). What the keys mean is not known here.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import TypeVar

from monitor.config.problem import KeyPath, Problem, show, spell

T = TypeVar("T")


class UnfitError(Exception):
    """A value that a reader does not take; the text completes "must be …"."""


Reader = Callable[[object], T]
"""Turns a value of the file into a checked one, or raises `UnfitError`."""

# A key's nearest neighbour must share this much of its letters to be worth suggesting (difflib's default).
_SIMILARITY = 0.6


class Findings:
    """What reading a document brought to light: its problems, and the keys that exist."""

    def __init__(self, line_of: Callable[[KeyPath], int | None] = lambda path: None) -> None:
        self._line_of = line_of
        self._problems: list[Problem] = []
        self.known: set[str] = set()
        """Every key that was asked for, without positions: `target.expect.status`."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The mistakes in the order in which they stand in the file."""
        return tuple(sorted(self._problems, key=lambda problem: problem.line or 0))

    def add(self, path: KeyPath, allowed: str, *, value: object = None) -> None:
        """Report that what stands at `path` is wrong; `value` None: nothing stands there."""
        shown = None if value is None else show(value)
        self._problems.append(Problem(key=spell(path), allowed=allowed, value=shown, line=self._line_of(path)))


class Table:
    """A table at `path`, seen through its keys."""

    def __init__(self, values: dict[str, object], path: KeyPath, findings: Findings) -> None:
        self._values = values
        self._asked: set[str] = set()
        self._findings = findings
        self.path = path

    def get(self, key: str, reader: Reader[T], default: T) -> T:
        """The value of `key`; `default` when it is absent or, after reporting that, unfit."""
        value = self._ask(key)
        if value is None:
            return default
        try:
            return reader(value)
        except UnfitError as unfit:
            self._findings.add((*self.path, key), f"must be {unfit}", value=value)
            return default

    def require(self, key: str, reader: Reader[T], stand_in: T) -> T:
        """The value of `key`, which must be there; `stand_in` lets reading go on after a report."""
        if self._ask(key) is None:
            self._findings.add((*self.path, key), "is missing")
        return self.get(key, reader, stand_in)

    def table(self, key: str) -> Table:
        """The table under `key`, an empty one when it is absent."""
        value = self._ask(key)
        if value is not None and not isinstance(value, dict):
            self._findings.add((*self.path, key), f"must be a table, [{spell((*self.path, key))}]", value=value)
        return Table(value if isinstance(value, dict) else {}, (*self.path, key), self._findings)

    def tables(self, key: str, most: int) -> tuple[Table, ...]:
        """The array of tables under `key`, at most `most` of them."""
        path = (*self.path, key)
        value = self._ask(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self._findings.add(path, f"must be an array of tables, [[{spell(path)}]]", value=value)
            return ()
        if len(value) > most:
            self._findings.add(path, f"at most {most} are allowed, there are {len(value)}")
        return tuple(Table(item, (*path, index), self._findings) for index, item in enumerate(value[:most]))

    def names(self, reader: Reader[str]) -> tuple[str, ...]:
        """The keys that stand in the file here, for a table whose keys are the user's own names."""
        self._asked.update(self._values)
        fit: list[str] = []
        for key in self._values:
            try:
                fit.append(reader(key))
            except UnfitError as unfit:
                self._findings.add((*self.path, key), f"its key must be {unfit}")
        return tuple(fit)

    def has(self, key: str) -> bool:
        """Whether the key stands in the file."""
        return key in self._values

    def reject(self, key: str, why: str) -> None:
        """Report what stands under `key`, for a reason that shows only beside other keys."""
        self._findings.add((*self.path, key), why, value=self._values.get(key))

    def close(self) -> None:
        """Report each key that nobody asked for, with the nearest that exists."""
        for key in self._values:
            if key not in self._asked:
                near = difflib.get_close_matches(key, sorted(self._asked), n=1, cutoff=_SIMILARITY)
                hint = f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(sorted(self._asked))}"
                self._findings.add((*self.path, key), f"unknown key; {hint}", value=self._values[key])

    def _ask(self, key: str) -> object:
        self._asked.add(key)
        self._findings.known.add(".".join(str(part) for part in (*self.path, key) if isinstance(part, str)))
        return self._values.get(key)
