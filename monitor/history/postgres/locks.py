"""The advisory locks by which processes on one history agree, and what each is for.

A lock is of a session or of a transaction; the server drops it with either, however the process ended.
"""

from __future__ import annotations

_OURS = 0x77687964
"""Of two numbers that name a lock the first: "whyd" in ASCII."""

MIGRATING = f"{_OURS}, 1"
"""Of a session: it changes the tables."""

CARETAKER = f"{_OURS}, 2"
"""Of a transaction: it does a piece of upkeep."""

TELLER = f"{_OURS}, 3"
"""Of a session: it sends the notices."""

WORDS = f"{_OURS}, 4"
"""Of a transaction: shared, it uses entries of dictionaries; alone, it deletes some."""

PARTITIONS = f"{_OURS}, 5"
"""Of a transaction: it makes a day's tables."""
