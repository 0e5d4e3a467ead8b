"""A connection to the server that takes the statements which all engines share.

Values: integers go as 64 bits, so that a statement is the same for small and for large ones. PostgreSQL's text
holds no NUL, which a hostile server may put into what it says: a NUL is kept as two characters of the private use
area, and their first one doubled in a way, so that every text comes back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg
from psycopg import RawCursor
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap
from psycopg.types.numeric import Int8BinaryDumper
from psycopg.types.string import StrBinaryDumper, TextBinaryLoader

_MARK = "\uf8fe"
_UNDONE = re.compile(f"{_MARK}(.)")
_PLACE = re.compile(r"\?(\d*)")


class _TextDumper(StrBinaryDumper):
    def dump(self, obj: str) -> Buffer | None:
        if "\0" in obj or _MARK in obj:
            obj = obj.replace(_MARK, f"{_MARK}1").replace("\0", f"{_MARK}0")
        return super().dump(obj)


class _TextLoader(TextBinaryLoader):
    def load(self, data: Buffer) -> bytes | str:
        text = super().load(data)
        if isinstance(text, str) and _MARK in text:
            return _UNDONE.sub(lambda found: "\0" if found[1] == "0" else _MARK, text)
        return text


def adapt(adapters: AdaptersMap) -> None:
    """Let a connection's adapters take and give our values."""
    adapters.register_dumper(int, Int8BinaryDumper)
    adapters.register_dumper(str, _TextDumper)
    adapters.register_loader("text", _TextLoader)


@lru_cache(maxsize=1024)
def numbered(statement: str) -> str:
    """A statement with `$1` where it had `?` or `?1`."""
    places = count(1)
    return _PLACE.sub(lambda found: f"${found[1] or next(places)}", statement)


class PostgresConnection:
    """A `Connection`. `raw`: what it speaks through, another one after the server was gone."""

    def __init__(self, raw: psycopg.Connection[Any]) -> None:
        self.raw = raw

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> RawCursor[Any]:
        """Run one statement; all its rows are here when this returns."""
        cursor = RawCursor(self.raw)
        return cursor.execute(numbered(statement), tuple(values), binary=True)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> RawCursor[Any]:
        """Run one statement for each row of values, without waiting for each answer."""
        cursor = RawCursor(self.raw)
        cursor.executemany(numbered(statement), [tuple(row) for row in rows])
        return cursor

    def run(self, statements: str) -> list[Any]:
        """Run several statements without values, in one message; the rows of the last one."""
        cursor = RawCursor(self.raw)
        cursor.execute(statements)
        while cursor.nextset():
            pass
        return cursor.fetchall() if cursor.description is not None else []
