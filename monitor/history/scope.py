"""The WHERE of a question: a window of completion times, one target or all, one vantage or all."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.history.connection import Connection
from monitor.history.resolution import bound_micros


@dataclass(frozen=True, slots=True)
class Scope:
    """A condition on any table of observations; `condition` holds only our own text, `values` the rest.

    `target`, `vantage`: their numbers, None where all are meant.
    """

    condition: str
    values: tuple[int | str, ...]
    target: int | None
    vantage: int | None


def scope(
    connection: Connection,
    since: float,
    until: float,
    target: str | None = None,
    vantage: str | None = None,
    *,
    targets: tuple[str, ...] | None = None,
) -> Scope | None:
    """The scope of [since, until); None: the target or the vantage has never been heard of.

    `targets`: any of these, heard of or not. Without a target the condition lists all of them, so that the tables'
    key (target, done, …) is used for each instead of reading everything.
    """
    condition, values = "target IN (SELECT id FROM target)", list[int | str]()
    if targets is not None:
        condition = f"target IN (SELECT id FROM target WHERE name IN ({', '.join('?' * len(targets))}))"  # noqa: S608
        values += targets
    target_id = vantage_id = None
    if target is not None:
        target_id = _number(connection, "SELECT id FROM target WHERE name = ?", target)
        if target_id is None:
            return None
        condition, values = "target = ?", [target_id]
    condition += " AND done >= ? AND done < ?"
    values += [bound_micros(since), bound_micros(until)]
    if vantage is not None:
        vantage_id = _number(connection, "SELECT id FROM vantage WHERE name = ?", vantage)
        if vantage_id is None:
            return None
        condition += " AND vantage = ?"
        values.append(vantage_id)
    return Scope(condition, tuple(values), target_id, vantage_id)


def _number(connection: Connection, statement: str, name: str) -> int | None:
    row = connection.execute(statement, (name,)).fetchone()
    return None if row is None else int(row[0])
