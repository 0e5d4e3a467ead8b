"""In which line of a TOML text each table and key stands, since `tomllib` does not say.

Reads only text that `tomllib` has accepted, so it need not judge TOML (v1.0.0), only find its statements:
a header `[a.b]`, a header `[[a]]`, or `key = value` with the value skipped over. Keys inside an inline
table are not listed; the line of the nearest enclosing key serves for them.
"""

from __future__ import annotations

import re
import tomllib

from monitor.config.problem import KeyPath

_SIMPLE_KEY = r"""(?:"(?:\\.|[^"\\\n])*"|'[^'\n]*'|[A-Za-z0-9_-]+)"""
_KEY = rf"{_SIMPLE_KEY}(?:[ \t]*\.[ \t]*{_SIMPLE_KEY})*"
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_HEADER = re.compile(rf"(\[\[?)[ \t]*({_KEY})[ \t]*\]\]?")
_ASSIGNMENT = re.compile(rf"({_KEY})[ \t]*=")
# Strings come first, so that brackets, quotes and line ends inside them are passed over.
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*|[\[\]{}\n]",
    re.DOTALL,
)


class LineNumbers:
    """The line of every table and key of one text."""

    def __init__(self, text: str) -> None:
        self._lines: dict[KeyPath, int] = {}
        self._scan(text)

    def find(self, path: KeyPath) -> int | None:
        """The line, from 1, of the value at `path` or of the nearest thing around it; None: of nothing."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._lines:
                return self._lines[path[:length]]
        return None

    def _scan(self, text: str) -> None:
        table: KeyPath = ()
        counts: dict[KeyPath, int] = {}
        position, line, counted = 0, 1, 0
        while (position := _end_of_blank(text, position)) < len(text):
            line, counted = line + text.count("\n", counted, position), position
            if header := _HEADER.match(text, position):
                table = _header_path(_split(header[2]), header[1] == "[[", counts)
                self._lines.setdefault(table, line)
                if header[1] == "[[":
                    self._lines.setdefault(table[:-1], line)  # the array itself starts with its first table
                position = header.end()
            elif assignment := _ASSIGNMENT.match(text, position):
                self._lines.setdefault(table + _split(assignment[1]), line)
                position = _end_of_value(text, assignment.end())
            else:
                return  # not TOML after all; what was found so far still holds


def _end_of_blank(text: str, position: int) -> int:
    blank = _BLANK.match(text, position)
    return blank.end() if blank else position


def _end_of_value(text: str, position: int) -> int:
    """The end of the line on which the value that starts at `position` ends."""
    depth = 0
    for token in _TOKEN.finditer(text, position):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
        elif token[0] == "\n" and depth <= 0:
            return token.end()
    return len(text)


def _split(dotted: str) -> tuple[str, ...]:
    """The parts of a dotted key, unquoted by the one who knows how."""
    parts: list[str] = []
    table: object = tomllib.loads(f"{dotted} = 0")
    while isinstance(table, dict):
        ((part, table),) = table.items()
        parts.append(part)
    return tuple(parts)


def _header_path(parts: tuple[str, ...], is_array: bool, counts: dict[KeyPath, int]) -> KeyPath:
    """A header's path with the position of each array of tables that it stands in."""
    path: KeyPath = ()
    for place, part in enumerate(parts):
        path += (part,)
        if is_array and place == len(parts) - 1:
            counts[path] = counts.get(path, 0) + 1
        if path in counts:
            path += (counts[path] - 1,)
    return path
