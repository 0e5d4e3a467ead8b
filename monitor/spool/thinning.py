"""What a spool gives up when it is full, so that the most telling facts stay the longest.

Theory of operation. First the oldest facts are thinned: of those that say the same of the same target within ten
minutes (same kind of probe, address and failure) one stays, the one in the middle by its duration, and stands
for the others: it is a real observation, so a hub needs to know nothing of thinning, and what was seen only once
is never thinned away. An hour of a target every 30 s, 120 observations, becomes six. When all is thinned, the
oldest go. What went is counted, and told to each hub.

Works on the connection of `Spool`, inside its transaction.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import dataclass

import msgspec

from probes.observation import (
    DnsObservation,
    HttpObservation,
    NotMeasured,
    Observation,
    TraceObservation,
)

STEP = 5_000
"""Facts that one step of thinning looks at: some 30 ms of work."""

FEWEST_GONE = 500
"""Facts that go in one step when all are thinned."""

BUCKET_S = 600

_DECODER: msgspec.msgpack.Decoder[Observation] = msgspec.msgpack.Decoder(Observation)


@dataclass(frozen=True, slots=True)
class Given:
    """What one step gave up: how many facts, measured between these times (Unix milliseconds), and how."""

    count: int = 0
    since: int = 0
    until: int = 0
    thinned: bool = False


def thin(connection: sqlite3.Connection) -> Given | None:
    """Thin the oldest facts that have not been; None when all have."""
    rows = connection.execute(
        "SELECT sequence, owed, at, body FROM fact WHERE sequence > (SELECT thinned FROM counter)"
        " ORDER BY sequence LIMIT ?",
        (STEP,),
    ).fetchall()
    if not rows:
        return None
    connection.execute("UPDATE counter SET thinned = ?", (rows[-1][0],))
    alike: dict[tuple[object, ...], list[tuple[float, int, int]]] = defaultdict(list)
    for sequence, owed, at, body in rows:
        seen = _DECODER.decode(body)
        alike[(owed, at // (BUCKET_S * 1000), *_sayings(seen))].append((_duration(seen), sequence, at))
    gone = [one for group in alike.values() for one in _all_but_the_middle(group)]
    return _delete(connection, [(sequence, at) for _, sequence, at in gone], thinned=True)


def give_up_oldest(connection: sqlite3.Connection) -> Given:
    """Give up the oldest facts, whatever they are."""
    return _delete(connection, _oldest(connection), thinned=False)


def give_up_old(connection: sqlite3.Connection, before: int) -> Given | None:
    """Give up facts from before `before`, Unix milliseconds, at the head of the spool; None: there are none."""
    old = [(sequence, at) for sequence, at in _oldest(connection) if at < before]
    return _delete(connection, old, thinned=False) if old else None


def note(connection: sqlite3.Connection, given: Given, bits: tuple[int, ...]) -> None:
    """Remember, for each hub, what went; it joins the last note of its kind, so that notes stay few."""
    if not given.count:
        return
    for bit in bits:
        joined = connection.execute(
            """UPDATE loss SET count = count + ?, since = min(since, ?), until = max(until, ?)
            WHERE id = (SELECT max(id) FROM loss WHERE hub = ?) AND thinned = ?""",
            (given.count, given.since, given.until, bit, given.thinned),
        )
        if not joined.rowcount:
            connection.execute(
                "INSERT INTO loss (hub, count, since, until, thinned) VALUES (?, ?, ?, ?, ?)",
                (bit, given.count, given.since, given.until, given.thinned),
            )


def _oldest(connection: sqlite3.Connection) -> list[tuple[int, int]]:
    return connection.execute("SELECT sequence, at FROM fact ORDER BY sequence LIMIT ?", (FEWEST_GONE,)).fetchall()


def _delete(connection: sqlite3.Connection, rows: list[tuple[int, int]], *, thinned: bool) -> Given:
    if not rows:
        return Given()
    connection.executemany("DELETE FROM fact WHERE sequence = ?", [(sequence,) for sequence, _ in rows])
    times = [at for _, at in rows]
    return Given(len(rows), min(times), max(times), thinned)


def _sayings(seen: Observation) -> tuple[object, ...]:
    """What the observation says, without figures: equal for facts of which one can stand for the others."""
    match seen:
        case HttpObservation():
            return ("http", seen.target, seen.address, seen.failure, seen.status, seen.spki_sha256)
        case DnsObservation():
            answer = (seen.rcode, seen.answers, seen.failure, seen.dnssec)
            return ("dns", seen.target, seen.server, seen.transport, seen.name, seen.rrtype, *answer)
        case TraceObservation():
            hops = tuple((hop.ttl, hop.address) for hop in seen.hops)
            return ("trace", seen.target, seen.address, seen.method, seen.flow, seen.reached, seen.failure, hops)
        case NotMeasured():
            return ("not_measured", seen.target, seen.probe, seen.reason)


def _duration(seen: Observation) -> float:
    match seen:
        case HttpObservation():
            return seen.wait_s or seen.total_s or 0.0
        case DnsObservation() | TraceObservation():
            return seen.elapsed_s or 0.0
        case NotMeasured():
            return seen.at


def _all_but_the_middle(group: list[tuple[float, int, int]]) -> list[tuple[float, int, int]]:
    group.sort()
    middle = len(group) // 2
    return group[:middle] + group[middle + 1 :]
