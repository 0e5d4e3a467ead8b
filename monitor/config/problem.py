"""A mistake in a configuration, and the error that carries all of a file's mistakes at once.

A problem says where (file, line, key), what stands there and what is allowed. Nothing here knows TOML.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

KeyPath = tuple[str | int, ...]
"""Where a value stands: table names and keys, and positions in arrays counted from 0."""

SHOWN_CHARACTERS = 80
"""As much of an offending value as a person needs to find it; a pasted certificate would fill the screen."""
MAX_SCANNED = 4096
"""As much of a value as is looked at for a password, more than any URL that is read."""

_PASSWORD = re.compile(r"(://[^/?#@:]*):[^/?#]*@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake. `key` is a key path such as `target[2].expect.status`, empty for the whole file.

    `line` counts from 1; None where it is not known. `value` is the offending value as TOML-like text, None
    when the key is absent. `allowed` completes the sentence "must be …" or says what is wrong.
    """

    key: str
    allowed: str
    value: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        """`target[2].interval = "0.1s": must be …`, without the file."""
        subject = self.key if self.value is None else f"{self.key} = {self.value}"
        return f"{subject}: {self.allowed}" if subject else self.allowed


class ConfigError(Exception):
    """A configuration that cannot be used. `problems`: every mistake found, in the file's order.

    `source` is the file, None for text that came from none. Trying again without an edit cannot help.
    """

    def __init__(self, problems: tuple[Problem, ...], source: Path | None = None) -> None:
        super().__init__(problems, source)
        self.problems = problems
        self.source = source

    def __str__(self) -> str:
        """One line a problem, `file:line: key = value: what is allowed`."""
        name = str(self.source) if self.source is not None else "<config>"
        return "\n".join(
            f"{name}:{problem.line}: {problem}" if problem.line is not None else f"{name}: {problem}"
            for problem in self.problems
        )


def spell(path: KeyPath) -> str:
    """A key path as people write it: `target[2].expect.status`; odd keys are quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        plain = (
            len(part) <= SHOWN_CHARACTERS and part.replace("-", "").replace("_", "").isalnum() and part.isascii()
        )
        text += ("." if text else "") + (part if plain else show(part))
    return text


def show(value: object) -> str:
    """A value from the file as one bounded, printable line, spelled as TOML would."""
    if isinstance(value, list):
        # Inner lists are not opened: they may be nested more deeply than Python's stack.
        items = ["[…]" if isinstance(item, list) else show(item) for item in value[:8]]
        shown = "[" + ", ".join(items) + (", …" if len(value) > 8 else "") + "]"
    elif isinstance(value, dict):
        shown = "{" + ", ".join(f"{spell((str(key),))} = …" for key in list(value)[:8]) + "}"
    elif isinstance(value, str):
        # A password put into a URL is refused; the refusal must not carry it into a log.
        masked = _PASSWORD.sub(r"\1:***@", value[:MAX_SCANNED])
        shown = '"' + "".join(_printable(char) for char in masked[:SHOWN_CHARACTERS]) + '"'
    elif isinstance(value, bool):
        shown = str(value).lower()
    elif isinstance(value, int) and value.bit_length() > 256:
        # A hexadecimal literal can be longer than Python is willing to print in decimal.
        shown = f"an integer of {value.bit_length()} bits"
    else:
        shown = str(value)
    return shown if len(shown) <= SHOWN_CHARACTERS else shown[: SHOWN_CHARACTERS - 1] + "…"


def _printable(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    return char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode("ascii")
