"""Where facts are kept: the file, its SQLite, the room on its disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from monitor.alert.worker_thread import in_own_thread
from monitor.doctor.finding import Finding
from monitor.history import HistoryError, HistoryMissingError
from monitor.history.sqlite.health import HAS_WAL_RESET_BUG, SQLITE_VERSION, Health, examine
from monitor.report.safe_text import one_line
from monitor.station.plugin_state import State

LOOK_S = 15.0
LITTLE_BYTES = 2**30
LEAST_BYTES = 100 * 2**20


async def look_at_history(path: Path) -> Sequence[Finding]:
    """The file's integrity as far as there is time, SQLite's version, and the disk."""
    return [await _look_at_file(path), _sqlite(), look_at_disk("history", path)]


async def _look_at_file(path: Path) -> Finding:
    try:
        health: Health = await in_own_thread(lambda: examine(path, LOOK_S), "doctor's look at the history")
    except HistoryMissingError:
        return Finding(check="history", state=State.OK, text=f"{path}: none yet; the monitor makes it")
    except HistoryError as error:
        return Finding(check="history", state=State.CRITICAL, text=one_line(str(error), 300))
    if health.complaint is not None:
        todo = "stop the monitor; `whydown recover` makes a new one of what can be read and keeps this one"
        text = one_line(f"{path}: damaged: {health.complaint}", 300)
        return Finding(check="history", state=State.CRITICAL, text=text, todo=todo)
    how_far = "sound" if health.whole else f"sound as far as {LOOK_S:g} s of looking went"
    return Finding(check="history", state=State.OK, text=f"{path}: {how_far}")


def _sqlite() -> Finding:
    text = f"SQLite {SQLITE_VERSION}"
    if HAS_WAL_RESET_BUG:
        text += (
            " has the WAL-reset bug (mended in 3.51.3); whydown is safe from it, since one connection writes."
            " Let no other program write the file"
        )
    return Finding(check="history", state=State.OK, text=text)


def look_at_disk(check: str, path: Path) -> Finding:
    """Whether the file's folder, or the nearest one that is there, can be written and has room."""
    folder = path.absolute().parent
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    if not os.access(folder, os.W_OK | os.X_OK):
        todo = "run doctor as the monitor's user; give the folder to it"
        return Finding(
            check=check, state=State.CRITICAL, text=f"{folder} cannot be written by this user", todo=todo
        )
    free = shutil.disk_usage(folder).free
    text = f"{folder}: {free / 2**30:.1f} GiB free"
    if free >= LITTLE_BYTES:
        return Finding(check=check, state=State.OK, text=text)
    state = State.CRITICAL if free < LEAST_BYTES else State.WARNING
    return Finding(check=check, state=state, text=text, todo="make room, or keep fewer days ([history] keep_days)")
