"""The door by which agents bring facts and ask for orders: who they are, what they may say, how much at once.

Everything that comes in is judged in this order, the cheapest first: size announced, rate, size received and how
fast, signature, form. A batch is refused as a whole only when it is not from a vantage that we know or is no
batch; a fact that may not be, of another vantage, from the future, long ago, or malformed, is refused with its
reason and takes no other with it.

| status | means | agent |
|---|---|---|
| 200 | the receipt, or the orders | goes on |
| 400 | not a message of this language | says so and tries on: another version may help |
| 401 | nobody vouches for it; with `whydown-retry: clock`, its time is wrong | signs by the hub's clock |
| 403 | signed by one vantage, speaks for another | as 400 |
| 408 | the body came too slowly | tries again |
| 413 | too large | sends less |
| 429, 503 | too much at once, `retry-after` says when | waits |

It stores nothing: what was taken goes to the `Desk`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.link.messages import (
    BATCHES_PATH,
    MEDIA_TYPE,
    ORDERS_PATH,
    VERSION,
    Batch,
    Orders,
    OrdersRequest,
    Receipt,
    Refusal,
)
from monitor.link.packing import MOST_PACKED, PackingError, pack, unpack
from monitor.link.signature import Doorkeeper, Message, SignatureError
from monitor.web.allowance import Allowance
from probes import clock
from probes.observation import Observation, completed_at

BODY_S = 20.0
"""Time for a body of at most MOST_PACKED to arrive: 100 kB/s at the worst."""

ANSWER_S = 60.0
"""After this the hub is not well; the agent shall try again rather than wait."""

MOST_AHEAD_S = 2 * 3600.0
"""A fact from further ahead than a clock that was set to the wrong hour is no fact."""

MOST_TEXT = 65_536
"""Bytes of one packed fact; a traceroute of 64 hops with labels has 10,000."""

REQUESTS_PER_S = 20.0
FACTS_PER_S = 5_000.0
"""What one vantage may bring on average, with `BURST_S` seconds of it at once: ten times a large agent's."""

BURST_S = 10.0

_DECODER: msgspec.msgpack.Decoder[Observation] = msgspec.msgpack.Decoder(Observation)

Asked = TypeVar("Asked", Batch, OrdersRequest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """A batch of a vantage that is known, checked. `refused`: what may not be taken, and why."""

    vantage: str
    batch: Batch
    facts: tuple[tuple[int, Observation], ...]
    refused: tuple[Refusal, ...]
    received_at: float


class Desk(Protocol):
    """What stands behind the door: the hub."""

    def backlog_wait_s(self, vantage: str) -> float:
        """How long a vantage shall wait before it comes again with late facts; 0.0: they are welcome now."""
        ...

    async def take(self, brought: Brought) -> Receipt | None:
        """Keep facts; the receipt says that they are durable. None: not now, the agent shall come again."""
        ...

    async def orders(self, request: OrdersRequest) -> Orders:
        """What the vantage is to do; waits a while when there is nothing new."""
        ...


class _RefusedError(Exception):
    """The request ends here with this status."""

    def __init__(self, status: int, reason: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.headers = headers or {}


class Intake:
    """Both doors. `now`: the wall clock; `keep_s`: how long ago a fact may be."""

    def __init__(self, desk: Desk, doorkeeper: Doorkeeper, *, now: Callable[[], float], keep_s: float) -> None:
        self._desk = desk
        self._doorkeeper = doorkeeper
        self._now = now
        self._keep_s = keep_s
        # One for each vantage that has a key.
        self._allowances: dict[str, Allowance] = {}
        self._log = structlog.get_logger("intake")

    def application(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route(BATCHES_PATH, self._batches, methods=["POST"]),
                Route(ORDERS_PATH, self._orders, methods=["POST"]),
            ]
        )

    async def _batches(self, request: Request) -> Response:
        return await self._answered(request, self._take)

    async def _orders(self, request: Request) -> Response:
        return await self._answered(request, self._order)

    async def _answered(
        self, request: Request, answer: Callable[[Request], Awaitable[Receipt | Orders]]
    ) -> Response:
        try:
            async with asyncio.timeout(ANSWER_S):
                found = await answer(request)
        except _RefusedError as refused:
            client = request.client.host if request.client else ""
            say = self._log.info if refused.status == 503 else self._log.warning
            say("request_refused", status=refused.status, reason=str(refused), address=client)
            return self._response(
                refused.status, str(refused).encode(), "text/plain; charset=utf-8", refused.headers
            )
        except TimeoutError:
            return self._response(503, b"no answer in time", "text/plain", {"retry-after": "5"})
        except ClientDisconnect:
            return self._response(400, b"", "text/plain", {})
        return self._response(200, pack(found), MEDIA_TYPE, {"content-encoding": "zstd"})

    def _response(self, status: int, body: bytes, media_type: str, headers: dict[str, str]) -> Response:
        # The hub's time goes with every answer: it is what agents sign by.
        close = {} if status == 200 else {"connection": "close"}
        time = {"whydown-time": f"{self._now():.3f}"}
        return Response(body, status, {**time, **close, **headers, "content-type": media_type})

    async def _take(self, request: Request) -> Receipt:
        vantage, batch = await self._admitted(request, Batch)
        self._allow(vantage, len(batch.facts))
        if batch.late and (wait_s := self._desk.backlog_wait_s(vantage)) > 0.0:
            # Before its facts are decoded, and on a connection that stays: a hundred come when a hub is back.
            again = {"retry-after": f"{wait_s:.1f}", "connection": "keep-alive"}
            raise _RefusedError(503, "others bring their backlog first", again)
        received_at = self._now()
        facts: list[tuple[int, Observation]] = []
        refused: list[Refusal] = []
        for sequence, packed in ((one.sequence, one.fact) for one in batch.facts):
            try:
                facts.append((sequence, self._fact(packed, vantage, received_at)))
            except ValueError as error:
                refused.append(Refusal(sequence, str(error)[:300]))
        if refused:
            self._log.warning("facts_refused", vantage=vantage, facts=len(refused), first=refused[0].reason)
        receipt = await self._desk.take(
            Brought(
                vantage=vantage, batch=batch, facts=tuple(facts), refused=tuple(refused), received_at=received_at
            )
        )
        if receipt is None:
            raise _RefusedError(503, "the hub cannot take this now", {"retry-after": "5"})
        return receipt

    async def _order(self, request: Request) -> Orders:
        vantage, asked = await self._admitted(request, OrdersRequest)
        self._allow(vantage, 0)
        return await self._desk.orders(asked)

    async def _admitted(self, request: Request, kind: type[Asked]) -> tuple[str, Asked]:
        """Who it is, and what is asked."""
        body = await self._body(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        host, path = headers.get("host", ""), request.scope["raw_path"].decode("ascii")
        message = Message(request.method, f"https://{host}{path}", headers)
        try:
            vantage = self._doorkeeper.vantage(message, body, self._now())
        except SignatureError as error:
            raise _RefusedError(401, str(error), {"whydown-retry": "clock"} if error.clock else {}) from error
        request.state.standing.proved = True
        try:
            asked = unpack(body, kind)
        except PackingError as error:
            raise _RefusedError(413 if error.too_large else 400, f"{vantage}: {error}") from error
        if asked.version != VERSION:
            raise _RefusedError(400, f"{vantage} speaks version {asked.version}, this hub {VERSION}")
        if asked.vantage != vantage:
            raise _RefusedError(403, f"the key is that of {vantage}, the message speaks for {asked.vantage!r}")
        return vantage, asked

    async def _body(self, request: Request) -> bytes:
        announced = request.headers.get("content-length", "0")
        # h11 has checked that it is digits; a length beyond 20 of them is refused there.
        if int(announced) > MOST_PACKED:
            raise _RefusedError(413, f"a body of {announced} bytes; at most {MOST_PACKED} are taken")
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_S):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > MOST_PACKED:
                        raise _RefusedError(413, f"a body of more than {MOST_PACKED} bytes")
        except TimeoutError as error:
            raise _RefusedError(408, f"the body did not arrive within {BODY_S:.0f} s") from error
        return bytes(body)

    def _allow(self, vantage: str, facts: int) -> None:
        allowance = self._allowances.setdefault(
            vantage, Allowance((REQUESTS_PER_S, FACTS_PER_S), BURST_S, clock.monotonic())
        )
        wait_s = allowance.spend((1, facts), clock.monotonic())
        if wait_s > 0:
            raise _RefusedError(
                429, f"{vantage}: more than {REQUESTS_PER_S:.0f} requests or {FACTS_PER_S:.0f} facts a second",
                {"retry-after": f"{max(1, round(wait_s))}"},
            )  # fmt: skip

    def _fact(self, packed: msgspec.Raw, vantage: str, now: float) -> Observation:
        """One fact of this vantage.

        :raises ValueError: it cannot be taken; the text says why
        """
        if len(bytes(packed)) > MOST_TEXT:
            raise ValueError(f"a fact of {len(bytes(packed))} bytes; at most {MOST_TEXT} are taken")
        try:
            fact = _DECODER.decode(packed)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise ValueError(f"not an observation: {error}") from error
        if fact.vantage != vantage:
            raise ValueError(f"it speaks for the vantage {fact.vantage[:64]!r}")
        at = completed_at(fact)
        if not fact.at <= at:
            raise ValueError("it ended before it began")
        if not at <= now + MOST_AHEAD_S:
            raise ValueError(f"it is from {at - now:.0f} s ahead; at most {MOST_AHEAD_S:.0f} are taken")
        if not fact.at >= now - self._keep_s:
            raise ValueError(f"it is {now - fact.at:.0f} s old; at most {self._keep_s:.0f} are kept")
        return fact
