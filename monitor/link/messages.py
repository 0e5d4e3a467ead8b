"""What an agent and a hub say to each other. Values only: not how they are packed, signed or carried.

    POST /v1/batches   Batch          ->  Receipt    facts; the receipt says that they are kept, for good
    POST /v1/orders    OrdersRequest  ->  Orders     answered when there is an order, or after a while without

A fact has a number, given when the agent wrote it down: (vantage, sequence) is the fact's name for ever. So a
batch that comes twice, late or in pieces changes nothing, and the agent may send again whatever it is not sure
of. Numbers rise and have gaps; a spool that is made anew starts above all that were given before.

A receipt speaks of every fact of its batch: those that are not among the refused are durable at the hub, and a
refused one would be refused again. Both kinds leave the spool.

Times are Unix seconds; `sent_at` by the agent's clock, all others by the hub's.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

VERSION = 1
"""Of this language. A hub refuses another one; fields may be added within it."""

BATCHES_PATH = "/v1/batches"
ORDERS_PATH = "/v1/orders"
MEDIA_TYPE = "application/vnd.whydown.msgpack"

MOST_FACTS = 2_000
"""Facts in a batch: as many as the hub stores in one transaction."""

MOST_LOSSES = 100
MOST_TOLD = 100
"""Messages to people that agents remember of their first hub, for the standby."""
MOST_BOOSTS = 1_000

MOST_SEQUENCE = 2**63 - 1
"""SQLite's largest integer."""

Sequence = Annotated[int, msgspec.Meta(ge=1, le=MOST_SEQUENCE)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
NoticeKey = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]


class Numbered(msgspec.Struct, frozen=True, array_like=True):
    """A fact with its number. It stays packed, so that a bad one spoils no other."""

    sequence: Sequence
    fact: msgspec.Raw


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that a full spool had to give up: how many, and measured when.

    `thinned`: of their kind and time one was kept; else none was.
    """

    count: Annotated[int, msgspec.Meta(ge=1)]
    since: float
    until: float
    thinned: bool


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Facts of one vantage. `late`: from the backlog, after an outage."""

    version: int = VERSION
    vantage: Name
    sent_at: float
    late: bool = False
    hub_ahead_s: float = 0.0
    """How far the hub's clock is ahead of the agent's, by the hub's last answer; 0.0: there was none yet."""
    settled_below: Sequence = 1
    """The agent has nothing left for this hub with a lower number: sent and received, or given up."""
    facts: Annotated[tuple[Numbered, ...], msgspec.Meta(max_length=MOST_FACTS)] = ()
    losses: Annotated[tuple[Loss, ...], msgspec.Meta(max_length=MOST_LOSSES)] = ()


class Refusal(msgspec.Struct, frozen=True, array_like=True):
    """A fact that the hub does not take, and never will."""

    sequence: int
    reason: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """All facts of the batch are durable but the `refused`. `backlog_pause_s`: how long to wait with late ones.

    `epoch`: while it is the same, nothing that was durable was lost; when it changes, the agent shall send
    again what it still has. Empty: this hub does not say.
    """

    version: int = VERSION
    received_at: float
    refused: tuple[Refusal, ...] = ()
    backlog_pause_s: float = 0.0
    epoch: Annotated[str, msgspec.Meta(max_length=64)] = ""


class OrdersRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for what is new. `measures`: digest of those in use; `after`: number of the newest boost known."""

    version: int = VERSION
    vantage: Name
    sent_at: float
    program: Annotated[str, msgspec.Meta(max_length=64)] = ""
    measures: Annotated[str, msgspec.Meta(max_length=64)] = ""
    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    waiting: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Facts in the spool that this hub has not got."""
    refused_targets: Annotated[tuple[Name, ...], msgspec.Meta(max_length=MOST_BOOSTS)] = ()
    """Targets of the hub that are not on this agent's own list."""
    first_unheard_s: Annotated[float, msgspec.Meta(ge=0)] | None = None
    """To the standby: for how long the agent's first hub has not been heard. None: this is the first."""
    told_after: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """To the first hub: the number of the newest message that is known to be sent. None: there is no standby."""
    told: Annotated[tuple[NoticeKey, ...], msgspec.Meta(max_length=MOST_TOLD)] = ()
    """To the standby: messages that the first hub has sent, the newest last."""


class Boost(msgspec.Struct, frozen=True, array_like=True):
    """Look closer at this target, now. Numbers rise, across restarts of the hub too."""

    number: int
    target: str


class Told(msgspec.Struct, frozen=True, array_like=True):
    """A message that the hub has sent to people. Numbers rise, across restarts of the hub too."""

    number: int
    key: NoticeKey


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What to do. `measures` None: nothing has changed; else the targets and how to probe them, as JSON."""

    version: int = VERSION
    at: float
    measures: str | None = None
    boosts: Annotated[tuple[Boost, ...], msgspec.Meta(max_length=MOST_BOOSTS)] = ()
    told: Annotated[tuple[Told, ...], msgspec.Meta(max_length=MOST_TOLD)] = ()
