"""A notice: one message that is owed to people, in the durable outbox until it is theirs.

The states follow what is *known* of the delivery. A crash between the handing over and the server's
answer leaves a notice of which nobody knows whether it arrived: it becomes `unknown` and is never sent
again, because the same mail twice in an outage is worse than one that a log names as doubtful.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class NoticeState(StrEnum):
    """pending -> handed_over -> sent; back to pending after a refusal that may pass; failed for good."""

    PENDING = "pending"
    HANDED_OVER = "handed_over"
    SENT = "sent"
    UNKNOWN = "unknown"
    FAILED = "failed"


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one set of recipients about one change of an incident.

    `key` is unique and made from what the notice is about, so that saving it again changes nothing.
    `payload` is the whole message (RFC 5322), `message_id` its Message-ID. `tries` counts attempts that
    ended. All times Unix seconds UTC; `next_try_at` is when it is due.
    """

    key: str
    channel: str
    created_at: float
    subject: str
    payload: bytes
    recipients: tuple[str, ...]
    incident_id: str
    sequence: int
    message_id: str
    state: NoticeState = NoticeState.PENDING
    tries: int = 0
    next_try_at: float = 0.0
    last_error: str | None = None
