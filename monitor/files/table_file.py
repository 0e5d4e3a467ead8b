"""Values of one class as a table: CSV for spreadsheets, Parquet for data frames, JSON lines for everything else.

The columns are the class's fields, in their order, typed by their annotations. Fields that hold a wall time
(`at`, `…_at`, `not_before`, `not_after`: Unix seconds) become times: ISO 8601 in CSV, microseconds UTC in Parquet.
What is nested is JSON text in a CSV cell, and lists and records in Parquet. Knows nothing of what the values mean.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from enum import Enum
from itertools import islice
from typing import IO, Any

import msgspec

_ROWS_AT_ONCE = 10_000
_MOMENTS = frozenset({"at", "not_before", "not_after"})
# Spreadsheets take a cell that begins so for a formula and run it (OWASP, "CSV Injection"). Issuers and answers
# are written by strangers; what no number is gets an apostrophe in front, which spreadsheets do not show.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class MissingLibraryError(Exception):
    """What is asked for needs a library that is not installed; the message says how to install it."""


def is_moment(name: str) -> bool:
    """Whether a field of that name holds Unix seconds."""
    return name in _MOMENTS or name.endswith("_at")


def write_csv(file: IO[bytes], kind: type[msgspec.Struct], rows: Iterable[msgspec.Struct]) -> None:
    """Write a header and a line for each row, as UTF-8; None is an empty cell."""
    names = kind.__struct_fields__
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text)  # RFC 4180: lines end in CR LF, and a cell with either is quoted
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(name, getattr(row, name)) for name in names])
    text.detach()  # flushes, and leaves `file` open


def write_json_lines(file: IO[bytes], rows: Iterable[msgspec.Struct]) -> None:
    """Write one JSON object a line, times as Unix seconds."""
    for row in rows:
        file.write(msgspec.json.encode(row) + b"\n")


def write_parquet(file: IO[bytes], kind: type[msgspec.Struct], rows: Iterable[msgspec.Struct]) -> None:
    """Write a Parquet file in pieces, so that any number of rows fits.

    :raises MissingLibraryError: pyarrow is not installed
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingLibraryError("Parquet needs pyarrow: pip install 'whydown[parquet]'") from error
    schema = pyarrow.schema(
        [(field.name, _arrow_type(pyarrow, field.name, field.type)) for field in _fields(kind)]
    )
    with pyarrow.parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for piece in _pieces(rows):
            writer.write_table(pyarrow.Table.from_pylist(piece, schema=schema))


def _cell(name: str, value: object) -> str | int | float | None:
    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case int() | float() if is_moment(name):
            moment = _moment(value)
            return None if moment is None else moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
        case int() | float():
            return value
        case str():
            text = str(value.value if isinstance(value, Enum) else value)
            return f"'{text}" if text.startswith(_FORMULA) else text
        case _:
            return msgspec.json.encode(value).decode()


def _moment(at: float) -> datetime | None:
    """None: no year between 1 and 9999 holds it."""
    try:
        return datetime.fromtimestamp(at, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _fields(kind: type[msgspec.Struct]) -> tuple[msgspec.inspect.Field, ...]:
    described = msgspec.inspect.type_info(kind)
    if not isinstance(described, msgspec.inspect.StructType):
        raise TypeError(f"{kind} is no struct")
    return described.fields


def _arrow_type(arrow: Any, name: str, type_: msgspec.inspect.Type) -> Any:
    simple: dict[type[msgspec.inspect.Type], Callable[[], Any]] = {
        msgspec.inspect.FloatType: arrow.float64,
        msgspec.inspect.IntType: arrow.int64,
        msgspec.inspect.BoolType: arrow.bool_,
        msgspec.inspect.StrType: arrow.string,
        msgspec.inspect.EnumType: arrow.string,
    }
    match type_:
        case msgspec.inspect.UnionType(types=types):
            (only,) = (one for one in types if not isinstance(one, msgspec.inspect.NoneType))
            return _arrow_type(arrow, name, only)
        case msgspec.inspect.FloatType() if is_moment(name):
            return arrow.timestamp("us", tz="UTC")
        case msgspec.inspect.VarTupleType(item_type=item):
            return arrow.list_(_arrow_type(arrow, "", item))
        case msgspec.inspect.StructType(fields=fields):
            return arrow.struct([(field.name, _arrow_type(arrow, "", field.type)) for field in fields])
        case _:
            return simple[type(type_)]()


def _pieces(rows: Iterable[msgspec.Struct]) -> Iterator[list[dict[str, Any]]]:
    rest = iter(rows)
    while piece := [_record(row) for row in islice(rest, _ROWS_AT_ONCE)]:
        yield piece


def _record(row: msgspec.Struct) -> dict[str, Any]:
    record = msgspec.to_builtins(row)
    if not isinstance(record, dict):
        raise TypeError(f"{type(row)} is no record")
    return {
        name: _moment(value) if value is not None and is_moment(name) else value for name, value in record.items()
    }
