"""Of states that are told when they change: what each was told last."""

from __future__ import annotations

from typing import Any

from monitor.history.connection import Connection
from monitor.history.shelf import Row, Shelf


def newest_states(connection: Connection, shelf: Shelf[Any], each: str, until_us: int) -> list[Row]:
    """The shelf's newest row of before `until_us` (Unix microseconds) for each value of the columns `each`."""
    columns = ", ".join(shelf.columns)
    return connection.execute(
        f"SELECT {columns} FROM (SELECT {columns}, row_number() OVER"  # noqa: S608
        f" (PARTITION BY {each} ORDER BY at DESC, seq DESC) AS turn FROM {shelf.table} WHERE at < ?)"
        " AS told WHERE turn = 1",
        (until_us,),
    ).fetchall()
