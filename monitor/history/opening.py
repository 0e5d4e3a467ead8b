"""Which engine keeps a history at a place. The only module that knows all of them."""

from __future__ import annotations

from pathlib import Path

from monitor.history.engine import ReadEngine, WriteEngine
from monitor.history.sqlite.reading import SqliteReading
from monitor.history.sqlite.writing import SqliteWriting
from monitor.model.history_place import HistoryPlace


def open_writing(place: HistoryPlace) -> WriteEngine:
    """The engine for the writer.

    :raises HistoryError: see the engines' `open`
    """
    if isinstance(place, Path):
        return SqliteWriting.open(place)
    raise NotImplementedError


def open_reading(place: HistoryPlace) -> ReadEngine:
    """The engine for a reader.

    :raises HistoryError: see the engines' `open`
    """
    if isinstance(place, Path):
        return SqliteReading.open(place)
    raise NotImplementedError
