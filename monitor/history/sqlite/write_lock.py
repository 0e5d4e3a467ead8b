"""The lock that makes a writer the only one: flock on a file beside the database.

SQLite would let two processes take turns; we do not, because the SQLite of Debian 12 (3.40.1, anything
before 3.51.3) can damage a file when one connection resets the write-ahead log while another writes
("WAL-reset bug"). The kernel drops the lock with the process, however it ends.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from monitor.history.errors import HistoryError, HistoryLockedError


class WriteLock:
    """Held from `take` to `release`, or to the end of the process."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, database: Path) -> WriteLock:
        """Lock the database's lock file, `<database>.lock`; it holds the writer's process id for people.

        :raises HistoryLockedError: another writer has it
        :raises HistoryError: the file cannot be made
        """
        path = database.with_name(database.name + ".lock")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise HistoryError(
                f"history {database}: cannot open the lock file {path}: {error.strerror}"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise HistoryLockedError(
                f"history {database}: process {owner or '(unknown)'} is writing it; there is one writer at a time"
            ) from error
        # Only for people, and a full disk may have no room for it.
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Let the next writer in. The file stays: removing it would let two writers lock two files."""
        os.close(self._descriptor)
