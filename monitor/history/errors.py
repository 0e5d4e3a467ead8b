"""What can go wrong with the store.

    HistoryError
    ├── HistoryMissingError     there is no file or no database to read
    ├── HistoryForeignError     it is not ours: no database, another program's, a newer version's
    ├── HistoryLockedError      another process is the writer (a later try can help)
    ├── HistoryFullError        there is no room on the disk (a later try can help)
    ├── HistoryUnreachableError the server does not answer, or not in time (a later try can help)
    ├── HistoryDamagedError     what is stored contradicts itself
    ├── UnstorableFactError     one fact of a batch is outside the store's limits; nothing of the batch was kept
    └── TooManyGapsError        a shipment's numbers leave too many gaps; nothing of it was kept

The engines' own errors become one of them that names the place.
"""

from __future__ import annotations


class HistoryError(Exception):
    """The store cannot do what was asked; the message names the place and the reason."""

    can_retry = False
    """Whether the same call may succeed later without anybody changing anything."""


class HistoryMissingError(HistoryError):
    """There is no history at this place yet."""


class HistoryForeignError(HistoryError):
    """What is there is not a history of this version; it was not touched."""


class HistoryLockedError(HistoryError):
    """Another process is writing this history."""

    can_retry = True


class HistoryFullError(HistoryError):
    """No room is left on the disk. What was acknowledged is there; what was not has to come again."""

    can_retry = True


class HistoryUnreachableError(HistoryError):
    """The database server was not there, or did not end in time. What was not acknowledged has to come again."""

    can_retry = True


class HistoryDamagedError(HistoryError):
    """What the history holds contradicts itself."""


class UnstorableFactError(HistoryError):
    """A fact outside the store's limits. `index`: its place in the batch, of which nothing was kept."""

    def __init__(self, reason: str, index: int = 0) -> None:
        super().__init__(f"fact {index} of the batch: {reason}")
        self.reason = reason
        self.index = index


class TooManyGapsError(HistoryError):
    """A vantage numbers its facts with more gaps than are remembered; see `Shipment.settled_below`."""


class DamagedValueError(Exception):
    """Stored values contradict each other. Engines turn it into `HistoryDamagedError`, which names the place."""
