"""The outbox: notices with their states, saved with the change that they tell of.

    pending ──> handed_over ──> sent
       ^  \\          │  \\
       │   failed     │   failed
       └──────────────┘ (a refusal that may pass)
    handed_over ──> unknown   the process ended before the answer was known (`settle_interrupted`)

`sent`, `unknown` and `failed` are ends: nothing leaves them, so nothing is sent twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from monitor.history.connection import Connection
from monitor.history.errors import HistoryError
from monitor.history.notice import Notice, NoticeState

_COLUMNS = (
    "key, channel, created_at, subject, payload, recipients, incident_id, sequence, message_id, state, tries,"
    " next_try_at, last_error"
)
_RECIPIENTS = msgspec.json.Decoder(tuple[str, ...])
_ENDS = (NoticeState.SENT, NoticeState.UNKNOWN, NoticeState.FAILED)
_FROM: dict[NoticeState, tuple[NoticeState, ...]] = {
    NoticeState.PENDING: (NoticeState.PENDING, NoticeState.HANDED_OVER),
    NoticeState.HANDED_OVER: (NoticeState.PENDING,),
    NoticeState.SENT: (NoticeState.HANDED_OVER,),
    NoticeState.UNKNOWN: (NoticeState.HANDED_OVER,),
    NoticeState.FAILED: (NoticeState.PENDING, NoticeState.HANDED_OVER),
}
_INTERRUPTED = "the monitor stopped after handing it over and before the server's answer"
# A server's answer is a line or a few (RFC 5321 section 4.5.3.1.5: 512 octets each).
_MAX_ERROR = 2000


def save(connection: Connection, notices: Sequence[Notice]) -> None:
    """Keep notices, within the caller's transaction; a key that is there already keeps its notice."""
    marks = ", ".join("?" * (_COLUMNS.count(",") + 1))
    connection.executemany(
        f"INSERT INTO notice ({_COLUMNS}) VALUES ({marks}) ON CONFLICT (key) DO NOTHING",  # noqa: S608
        [_to_row(notice) for notice in notices],
    )


def due(connection: Connection, now: float, limit: int) -> list[Notice]:
    """Pending notices whose time has come, oldest first, at most `limit`.

    Of an incident's notices to the same recipients only the oldest is ever due, so that nobody reads "closed"
    before "opened" because the first mail was refused for now and the second was not.
    """
    rows = connection.execute(
        f"WITH line AS (SELECT key AS first, row_number() OVER"  # noqa: S608
        " (PARTITION BY incident_id, recipients ORDER BY created_at, sequence, key) AS place"
        " FROM notice WHERE state = 'pending')"
        f" SELECT {_COLUMNS} FROM line JOIN notice ON key = first WHERE place = 1 AND next_try_at <= ?"
        " ORDER BY created_at, key LIMIT ?",
        (now, limit),
    ).fetchall()
    return [_from_row(row) for row in rows]


def mark(
    connection: Connection,
    key: str,
    state: NoticeState,
    at: float,
    error: str | None,
    next_try_at: float | None,
) -> None:
    """Move a notice to a state, within the caller's transaction; see the module for the moves that exist.

    An attempt ends with every mark but `handed_over`, and is counted then. `at` is the next try's time when
    none is given. Marking an end that it already has changes nothing; handing over twice is an error,
    because it would be the same mail twice.

    :raises HistoryError: there is no such notice, or the move does not exist
    """
    row = connection.execute("SELECT state FROM notice WHERE key = ?", (key,)).fetchone()
    if row is None:
        raise HistoryError(f"no notice {key[:120]!r} in the outbox")
    before = NoticeState(row[0])
    if before is state and state in _ENDS:
        return
    if before not in _FROM[state]:
        raise HistoryError(f"notice {key[:120]!r} is {before}, which cannot become {state}")
    ended = int(state is not NoticeState.HANDED_OVER)
    connection.execute(
        "UPDATE notice SET state = ?, tries = tries + ?, next_try_at = ?, last_error = ? WHERE key = ?",
        (state.value, ended, at if next_try_at is None else next_try_at, error and error[:_MAX_ERROR], key),
    )


def settle_interrupted(connection: Connection) -> list[str]:
    """Make `handed_over` notices of a process that is gone `unknown`; their keys, oldest first."""
    rows = connection.execute(
        "SELECT key FROM notice WHERE state = 'handed_over' ORDER BY created_at, key"
    ).fetchall()
    connection.execute(
        "UPDATE notice SET state = 'unknown', tries = tries + 1, last_error = ? WHERE state = 'handed_over'",
        (_INTERRUPTED,),
    )
    return [key for (key,) in rows]


def between(connection: Connection, since: float, until: float) -> list[Notice]:
    """Notices made in [since, until), oldest first, whatever their state."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM notice WHERE created_at >= ? AND created_at < ? ORDER BY created_at, key",  # noqa: S608
        (since, until),
    ).fetchall()
    return [_from_row(row) for row in rows]


def told_since(connection: Connection, since: float) -> list[tuple[str, int, float]]:
    """(incident, sequence, time) of every notice made since `since`, whatever became of it, oldest first."""
    return connection.execute(
        "SELECT DISTINCT incident_id, sequence, created_at FROM notice WHERE created_at >= ? ORDER BY created_at",
        (since,),
    ).fetchall()


def delete_ended(connection: Connection, before: float) -> int:
    """Delete notices from before `before` that have come to an end; how many. Unsent ones stay."""
    marks = ", ".join("?" * len(_ENDS))
    cursor = connection.execute(
        f"DELETE FROM notice WHERE created_at < ? AND state IN ({marks})",  # noqa: S608
        (before, *(end.value for end in _ENDS)),
    )
    return cursor.rowcount


def _to_row(notice: Notice) -> tuple[Any, ...]:
    return (
        notice.key, notice.channel, notice.created_at, notice.subject, notice.payload,
        msgspec.json.encode(notice.recipients).decode(), notice.incident_id, notice.sequence, notice.message_id,
        notice.state.value, notice.tries, notice.next_try_at, notice.last_error,
    )  # fmt: skip


def _from_row(row: tuple[Any, ...]) -> Notice:
    (key, channel, created_at, subject, payload, recipients, incident_id, sequence, message_id, state, tries,
     next_try_at, last_error) = row  # fmt: skip
    return Notice(
        key=key,
        channel=channel,
        created_at=created_at,
        subject=subject,
        payload=payload,
        recipients=_RECIPIENTS.decode(recipients),
        incident_id=incident_id,
        sequence=sequence,
        message_id=message_id,
        state=NoticeState(state),
        tries=tries,
        next_try_at=next_try_at,
        last_error=last_error,
    )
