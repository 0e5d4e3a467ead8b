"""The history: everything that was observed, heard, concluded and owed to people.

It is in one SQLite file, or in a database on a PostgreSQL server. `Store` writes, `Reader` reads; each is opened
at a place, and what keeps the history there is known in `opening` alone. SQL lives in this package and nowhere
else; people with sqlite3 or psql have the views `v_http v_dns v_trace v_paths v_routes v_incidents v_changes
v_vantages v_seals`. The package knows the words of `probes.observation` and `monitor.model`, and draws no
conclusions.
"""

from monitor.history.errors import (
    HistoryDamagedError,
    HistoryError,
    HistoryForeignError,
    HistoryFullError,
    HistoryLockedError,
    HistoryMissingError,
    HistoryUnreachableError,
    TooManyGapsError,
    UnstorableFactError,
)
from monitor.history.notice import Notice, NoticeState
from monitor.history.reader import Reader
from monitor.history.retention import Keep
from monitor.history.shipment import Contact, Refusal, Shipment, Taken
from monitor.history.store import Store
from monitor.history.upkeep import Tended

__all__ = [
    "Contact",
    "HistoryDamagedError",
    "HistoryError",
    "HistoryForeignError",
    "HistoryFullError",
    "HistoryLockedError",
    "HistoryMissingError",
    "HistoryUnreachableError",
    "Keep",
    "Notice",
    "NoticeState",
    "Reader",
    "Refusal",
    "Shipment",
    "Store",
    "Taken",
    "Tended",
    "TooManyGapsError",
    "UnstorableFactError",
]
