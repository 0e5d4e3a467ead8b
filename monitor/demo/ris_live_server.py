"""A server that speaks RIS Live's websocket protocol on loopback, fed with messages by its owner.

It is for the demonstration, tests and measurements, where the real one (https://ris-live.ripe.net/manual/)
is out of reach or would have nothing to tell. It filters as the real one does: a message goes to a client
of whose subscriptions one matches, once. It knows nothing of who listens, and makes up no message.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from monitor.model import Prefix, covers, parse_prefix

_MAX_REQUEST_BYTES = 64 * 1024
_MAX_SUBSCRIPTIONS = 20_000
_OUTBOX = 10_000
"""Messages that wait for one client; who lets more pile up is told so and cut off, as RIS Live does."""
_FILTERS = frozenset({"host", "type", "require", "peer", "prefix", "moreSpecific", "lessSpecific", "path"})


class _RequestError(ValueError):
    """A client's message that the server answers with `ris_error`."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """The filters of one `ris_subscribe`; None: any. A message must pass all of them."""

    prefix: Prefix | None = None
    more_specific: bool = True
    less_specific: bool = False
    host: str | None = None
    type: str | None = None
    peer: str | None = None
    require: str | None = None

    def matches(self, message: Mapping[str, Any], prefixes: tuple[Prefix, ...]) -> bool:
        """Whether a message, whose prefixes are `prefixes`, is to be sent."""
        return (
            (self.host is None or message.get("host") == self.host)
            and (self.type is None or message.get("type") == self.type)
            and (self.peer is None or message.get("peer") == self.peer)
            and (self.require is None or bool(message.get(self.require)))
            and (self.prefix is None or any(self._concerns(prefix) for prefix in prefixes))
        )

    def _concerns(self, prefix: Prefix) -> bool:
        if self.prefix is None or prefix == self.prefix:
            return True
        return (self.more_specific and covers(self.prefix, prefix)) or (
            self.less_specific and covers(prefix, self.prefix)
        )


@dataclass(slots=True, eq=False)
class _Client:
    """A connection, what it asked for, and what waits to be sent to it."""

    connection: ServerConnection
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    outbox: asyncio.Queue[str | None] = field(default_factory=lambda: asyncio.Queue(_OUTBOX))
    """Lines to send; None: close the connection."""


class RisLiveServer:
    """`async with RisLiveServer() as server:` listens at `server.url` until left.

    `push` sends a message object to the clients that asked for it. `acknowledge` False makes a server
    that takes subscriptions and confirms none, `answer_pings` False one that falls silent.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, *, acknowledge: bool = True, answer_pings: bool = True
    ) -> None:
        self.acknowledge = acknowledge
        self.answer_pings = answer_pings
        self._host = host
        self._port = port
        self._clients: set[_Client] = set()
        self._server: Server | None = None
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> RisLiveServer:
        self._server = await serve(
            self._serve, self._host, self._port, max_size=_MAX_REQUEST_BYTES, close_timeout=1
        )
        # Keep the port over a restart, so that clients find the server again.
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    @property
    def url(self) -> str:
        """Where it listens; known once it was entered."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"ws://{host}:{self._port}/v1/ws/"

    async def push(self, message: Mapping[str, Any]) -> int:
        """Send a message object (`{"type":"UPDATE",…}`, without envelope); to how many clients it goes."""
        prefixes = tuple(parse_prefix(text) for text in _prefix_texts(message))
        text = json.dumps({"type": "ris_message", "data": dict(message)})
        receivers = [
            client
            for client in self._clients
            if any(wish.matches(message, prefixes) for wish in client.subscriptions.values())
        ]
        for client in receivers:
            self._put(client, text)
        return len(receivers)

    async def wait_for_subscription(self, prefix: Prefix) -> None:
        """Return once some client is subscribed to exactly this prefix."""
        async with self._changed:
            await self._changed.wait_for(lambda: prefix in self.subscribed())

    def subscribed(self) -> frozenset[Prefix]:
        """The prefixes that clients are subscribed to now."""
        return frozenset(
            wish.prefix for client in self._clients for wish in client.subscriptions.values() if wish.prefix
        )

    async def send_text(self, text: str) -> None:
        """Send a line as it is to every client: what a faulty server might say."""
        for client in list(self._clients):
            self._put(client, text)

    async def drop_clients(self, complaint: str | None = None) -> None:
        """Cut every connection off, after a last `ris_error` if there is a complaint."""
        for client in list(self._clients):
            if complaint is not None:
                await client.connection.send(_error(complaint))
            await client.connection.close(1001, "going away")

    def _put(self, client: _Client, text: str) -> None:
        """Queue a line for a client without ever waiting for it."""
        try:
            client.outbox.put_nowait(text)
        except asyncio.QueueFull:
            while not client.outbox.empty():
                client.outbox.get_nowait()
            client.outbox.put_nowait(_error("client is too slow"))
            client.outbox.put_nowait(None)

    async def _serve(self, connection: ServerConnection) -> None:
        client = _Client(connection)
        self._clients.add(client)
        sender = asyncio.create_task(self._send(client))
        try:
            async for request in connection:
                for answer in self._answers(client, request):
                    self._put(client, answer)
                async with self._changed:
                    self._changed.notify_all()
        except ConnectionClosed:
            pass
        finally:
            self._clients.discard(client)
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    async def _send(self, client: _Client) -> None:
        while (line := await client.outbox.get()) is not None:
            await client.connection.send(line)
        await client.connection.close(1008, "client is too slow")

    def _answers(self, client: _Client, request: str | bytes) -> list[str]:
        try:
            return self._answer(client, request)
        except _RequestError as error:
            return [_error(str(error))]

    def _answer(self, client: _Client, request: str | bytes) -> list[str]:
        kind, data = _request(request)
        if kind == "ping":
            return [json.dumps({"type": "pong"})] if self.answer_pings else []
        if kind == "request_rrc_list":
            return [json.dumps({"type": "ris_rrc_list", "data": []})]
        if kind not in ("ris_subscribe", "ris_unsubscribe"):
            raise _RequestError(f"unknown message type {kind!r}")
        filters = {key: value for key, value in data.items() if key in _FILTERS}
        name = json.dumps(filters, sort_keys=True)
        if kind == "ris_unsubscribe":
            client.subscriptions.pop(name, None)
            return []
        if len(client.subscriptions) >= _MAX_SUBSCRIPTIONS:
            raise _RequestError(f"more than {_MAX_SUBSCRIPTIONS} subscriptions")
        client.subscriptions[name] = _subscription(filters)
        options = data.get("socketOptions")
        wants_answer = isinstance(options, dict) and options.get("acknowledge") is True
        if not (wants_answer and self.acknowledge):
            return []
        return [
            json.dumps({"type": "ris_subscribe_ok", "data": {"subscription": filters, "socketOptions": options}})
        ]


def _prefix_texts(message: Mapping[str, Any]) -> list[str]:
    announced = [text for group in message.get("announcements") or () for text in group["prefixes"]]
    return [text for text in (*announced, *(message.get("withdrawals") or ())) if text != "eor"]


def _request(request: str | bytes) -> tuple[str, dict[str, Any]]:
    """Type and data of a client's message."""
    try:
        message = json.loads(request)
    except (ValueError, RecursionError) as error:
        raise _RequestError("not JSON") from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise _RequestError("no message type")
    data = message.get("data")
    return message["type"], data if isinstance(data, dict) else {}


def _subscription(filters: dict[str, Any]) -> Subscription:
    for key in ("host", "type", "peer", "require"):
        if not isinstance(filters.get(key), str | None):
            raise _RequestError(f"{key} is not text")
    if "path" in filters:
        raise _RequestError("this server does not filter by path")
    text = filters.get("prefix")
    try:
        prefix = None if text is None else parse_prefix(text)
    except (ValueError, TypeError) as error:
        raise _RequestError(f"prefix: {error}") from error
    return Subscription(
        prefix=prefix,
        # The manual's defaults.
        more_specific=filters.get("moreSpecific", True) is True,
        less_specific=filters.get("lessSpecific", False) is True,
        host=filters.get("host"),
        type=filters.get("type"),
        peer=filters.get("peer"),
        require=filters.get("require"),
    )


def _error(complaint: str) -> str:
    return json.dumps({"type": "ris_error", "data": {"message": complaint}})
