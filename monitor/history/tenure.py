"""Tenures: who may still write the changes of incidents, where several processes could each believe that they may.

A process that takes a task over begins a tenure of it, which ends the one before: what is written under that
one is refused from then on, whatever its process believes. The number stands beside the changes, so that no
clock, lease or message can be late. In the same transaction it is held until the end, so that whoever begins
the next tenure sees all that was written under the last.
"""

from __future__ import annotations

from dataclasses import dataclass

from monitor.history.connection import Connection
from monitor.history.errors import HistoryError


class TenureError(HistoryError):
    """Another process has begun a tenure of this task; nothing was written."""


@dataclass(frozen=True, slots=True)
class Tenure:
    """A task by name, and how many processes have had it before, this one included."""

    task: str
    term: int


def begin(connection: Connection, task: str) -> Tenure:
    """Take a task, within the caller's transaction."""
    ((term,),) = connection.execute(
        "INSERT INTO counter (name, value) VALUES (?, 1)"
        " ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value",
        (_name(task),),
    ).fetchall()
    return Tenure(task, int(term))


def hold(connection: Connection, tenure: Tenure) -> None:
    """Make sure, within the caller's transaction, that it is still the newest, and stays so until the end of that.

    :raises TenureError: it is not
    """
    held = connection.execute(
        "UPDATE counter SET value = value WHERE name = ? AND value = ?", (_name(tenure.task), tenure.term)
    )
    if held.rowcount != 1:
        raise TenureError(f"tenure {tenure.term} of {tenure.task} is over: another process has it now")


def _name(task: str) -> str:
    return f"tenure {task}"
