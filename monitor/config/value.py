"""Readers of plain values: text, numbers, choices and lists of them, each bounded.

A reader takes what stands in the file and gives the checked value, or raises `UnfitError` with what is allowed.
"""

from __future__ import annotations

import math
import re
from enum import StrEnum
from typing import TypeVar

from monitor.config.problem import show
from monitor.config.table import Reader, UnfitError
from monitor.model.target import MOST_ADDRESSES
from probes.expectation import JsonScalar
from probes.header_field import check_field
from probes.json_path import parse_path
from probes.pattern import read_pattern

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

# RFC 9110 section 5.6.2: what a method or a field name may be made of.
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")

MAX_BODY = 65_536
"""Characters of a request body or of a text to look for; the file is for people to read."""
MAX_HEADERS = 32
MAX_JSON_VALUES = 32
MAX_PATTERN = 1_000
"""Characters of a regular expression: long ones are a mistake, and cost time on every answer."""


def text(most: int, what: str = "text") -> Reader[str]:
    """A reader of non-empty text of at most `most` characters, line ends and tabs included."""

    def read(value: object) -> str:
        if not isinstance(value, str) or not 0 < len(value) <= most:
            raise UnfitError(f"{what} of 1 to {most} characters")
        return value

    return read


def name(value: object) -> str:
    """A name: printable, since it stands in mails, file names and on terminals."""
    if not isinstance(value, str) or not 0 < len(value) <= 64 or not value.isprintable() or value != value.strip():
        raise UnfitError("a name of 1 to 64 printable characters, without space around it")
    return value


def vantage_name(value: object) -> str:
    """A name that does not begin with `~`, as those do under which a hub keeps facts of its own."""
    found = name(value)
    if found.startswith("~"):
        raise UnfitError("a name that does not begin with ~")
    return found


def boolean(value: object) -> bool:
    """`true` or `false`, nothing that merely resembles them."""
    if not isinstance(value, bool):
        raise UnfitError("true or false")
    return value


def integer(least: int, most: int) -> Reader[int]:
    """A reader of whole numbers from `least` to `most`, both included."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise UnfitError(f"a whole number from {least} to {most}")
        return value

    return read


def choice(kinds: type[E]) -> Reader[E]:
    """A reader of one of the words of `kinds`."""

    def read(value: object) -> E:
        words = [kind.value for kind in kinds]
        if not isinstance(value, str) or value not in words:
            raise UnfitError("one of " + ", ".join(f'"{word}"' for word in words))
        return kinds(value)

    return read


def list_of(reader: Reader[T], most: int, least: int = 0) -> Reader[tuple[T, ...]]:
    """A reader of `least` to `most` different values; a single value stands for a list of one."""

    def read(value: object) -> tuple[T, ...]:
        """The values, each by `reader`; an error says which is unfit."""
        items = value if isinstance(value, list) else [value]
        if not least <= len(items) <= most:
            raise UnfitError(f"a list of {least} to {most} values, here are {len(items)}")
        values: list[T] = []
        for place, item in enumerate(items):
            try:
                read_item = reader(item)
            except UnfitError as unfit:
                at = f" (value {place} is not)" if isinstance(value, list) else ""
                raise UnfitError(f"{unfit}{at}") from unfit
            if read_item in values:
                raise UnfitError(f"a list without repetition (value {place} was there before)")
            values.append(read_item)
        return tuple(values)

    return read


def method(value: object) -> str:
    """An HTTP method (RFC 9110 section 9.3) that sends one request and reads one answer."""
    allowed = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    if value not in allowed:
        raise UnfitError("one of " + ", ".join(f'"{word}"' for word in allowed))
    return str(value)


def headers(value: object) -> tuple[tuple[str, str], ...]:
    """Header fields as (name, text) pairs in the file's order (RFC 9110 section 5.5: no line ends)."""
    if not isinstance(value, dict) or len(value) > MAX_HEADERS:
        raise UnfitError(f"a table of at most {MAX_HEADERS} header fields")
    for field, content in value.items():
        if not _TOKEN.fullmatch(field):
            raise UnfitError(f"a table whose keys are header field names; {show(field)} is none")
        if not isinstance(content, str) or len(content) > 4096 or not content.isprintable():
            raise UnfitError(f'a table of printable text of at most 4096 characters; "{field}" has none')
    return tuple(value.items())


def sent_headers(value: object) -> tuple[tuple[str, str], ...]:
    """Header fields that go out with each request."""
    fields = headers(value)
    for field, content in fields:
        try:
            check_field(field, content)
        except ValueError as error:
            raise UnfitError(f"a table of header fields that can be sent: {error}") from error
    return fields


def lower_headers(value: object) -> tuple[tuple[str, str], ...]:
    """Header fields to look for; their names compare without case, so they are kept in lower case."""
    lowered = tuple((field.lower(), content) for field, content in headers(value))
    if len(dict(lowered)) != len(lowered):
        raise UnfitError("a table of header fields without repetition; their names compare without case")
    return lowered


def json_values(value: object) -> tuple[tuple[str, JsonScalar], ...]:
    """JSON paths and the value expected at each: text, true or false, or a number that JSON can hold."""
    if not isinstance(value, dict) or not 0 < len(value) <= MAX_JSON_VALUES:
        raise UnfitError(f"a table of 1 to {MAX_JSON_VALUES} JSON paths and values")
    for path, expected in value.items():
        try:
            parse_path(text(MAX_PATTERN, "a JSON path")(path))
        except ValueError as error:
            raise UnfitError(f"a table whose keys are JSON paths: {error}") from error
        if not isinstance(expected, JsonScalar) or (isinstance(expected, float) and not math.isfinite(expected)):
            raise UnfitError(f"a table of text, numbers, true or false; {show(path)} has none of these")
    return tuple(value.items())


def addresses(value: object) -> int:
    """How many addresses of each family are probed: a word for it, or a number."""
    if value == "all":
        return MOST_ADDRESSES
    if value == "one-per-family":
        return 1
    try:
        return integer(1, MOST_ADDRESSES)(value)
    except UnfitError as unfit:
        raise UnfitError(f'"one-per-family", "all" or {unfit}') from unfit


def pattern(value: object) -> str:
    """A regular expression of RE2 (`probes.pattern`), checked by reading it."""
    expression = text(MAX_PATTERN, "a regular expression")(value)
    try:
        read_pattern(expression)
    except ValueError as error:
        raise UnfitError(f"a regular expression that RE2 takes: {error}") from error
    return expression
