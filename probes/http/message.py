"""One request as it goes out, and one response as it comes in, whichever HTTP version carries them.

Pure values, but for the response's content, which is read from the connection as it is asked for.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from probes.http.url import Url

Field = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A request: `fields` complete, Host and Content-Length among them, with lower-case names."""

    method: str
    url: Url
    fields: tuple[Field, ...]
    content: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A response whose header section is read. `fields` have lower-case names.

    `content` gives the content as it arrives, transfer coding undone; close it (`contextlib.aclosing`).
    """

    status: int
    version: str
    fields: tuple[tuple[str, str], ...]
    content: AsyncGenerator[bytes, None]

    def field(self, name: str) -> str:
        """The first value of the field `name`, in lower case; empty when there is none."""
        return next((value for given, value in self.fields if given == name), "")


def read_fields(raw: list[Field]) -> tuple[tuple[str, str], ...]:
    """Field names and values as text: UTF-8 where it is that, else ISO 8859-1, which takes every byte."""
    return tuple((name.lower().decode("latin-1"), _text(value)) for name, value in raw)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
