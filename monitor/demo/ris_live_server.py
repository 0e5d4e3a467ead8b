"""A server that speaks RIS Live's protocol on loopback, by websocket and HTTP, fed with messages by its owner.

It is for the demonstration, tests and measurements, where the real one (https://ris-live.ripe.net/manual/)
is out of reach or would have nothing to tell. It filters as the real one does: a message goes to a client
of whose subscriptions one matches, once. It knows nothing of who listens, and makes up no message.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any

from monitor.demo.ris_live_client import LINGER_S, STREAM_PATH, WEBSOCKET_PATH, Client, Wire, on_wire
from monitor.demo.ris_live_filter import FILTERS, Message, RequestError, parse_subscription, prefixes_of
from monitor.model import Prefix

_MAX_SUBSCRIPTIONS = 20_000
_MOST_WAITING_BYTES = 8 * 1024 * 1024
"""Of one client, some 20,000 messages; the real server's limit is not published."""


class Prepared:
    """A message that is ready to be sent often: its bytes are made once, and who gets it is remembered."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.prefixes = prefixes_of(message)
        self.receivers: tuple[Client, ...] = ()
        self.receivers_of = -1
        """The server's state for which `receivers` are right."""
        self._wires: dict[tuple[Wire, bool], bytes] = {}

    def bytes_for(self, client: Client) -> bytes:
        """What is written to a client."""
        key = (client.wire, client.include_raw)
        if key not in self._wires:
            left_out = () if client.include_raw else ("raw",)
            data = {name: value for name, value in self.message.items() if name not in left_out}
            self._wires[key] = on_wire(json.dumps({"type": "ris_message", "data": data}).encode(), client.wire)
        return self._wires[key]


class Volley:
    """Prepared messages that are sent in one piece, often: who gets which of them is joined once."""

    def __init__(self, batch: Iterable[Prepared]) -> None:
        self.batch = tuple(batch)
        self.pieces: dict[Client, bytes] = {}
        self.count = 0
        """How many messages the pieces are, each client's counted."""
        self.pieces_of = -1
        """The server's state for which they are right."""


class RisLiveServer:
    """`async with RisLiveServer() as server:` listens at `server.url` and `server.stream_url` until left.

    `push` sends a message object to the clients that asked for it. `acknowledge` False makes a server
    that takes subscriptions and confirms none, `answer_pings` False one that falls silent, `closed_paths` one
    that refuses one of the two ways in.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        acknowledge: bool = True,
        answer_pings: bool = True,
        closed_paths: Iterable[str] = (),
        most_waiting_bytes: int = _MOST_WAITING_BYTES,
    ) -> None:
        self.acknowledge = acknowledge
        self.answer_pings = answer_pings
        self.closed_paths = frozenset(closed_paths)
        self.most_waiting_bytes = most_waiting_bytes
        self._host = host
        self._port = port
        self.arrivals = 0
        """How many clients were let in so far."""
        self._connections: set[Client] = set()
        self._clients: set[Client] = set()
        self._collectors: set[str] = set()
        self._state = 0
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> RisLiveServer:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, self._host, self._port)
        # Keep the port over a restart, so that clients find the server again.
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            await self.drop_clients()
            for stranger in tuple(self._connections):
                stranger.end(1001, "going away")
            await self._server.wait_closed()
            self._server = None

    @property
    def url(self) -> str:
        """Where its websocket is; known once it was entered."""
        return f"ws://{self._place}{WEBSOCKET_PATH}"

    @property
    def stream_url(self) -> str:
        """Where its HTTP stream is."""
        return f"http://{self._place}{STREAM_PATH}?format=json"

    @property
    def clients(self) -> int:
        """How many are connected and were let in."""
        return len(self._clients)

    async def push(self, message: Mapping[str, Any]) -> int:
        """Send a message object (`{"type":"UPDATE",…}`, without envelope); to how many clients it goes."""
        return self.push_many([Prepared(message)])

    def push_many(self, batch: Iterable[Prepared]) -> int:
        """Send prepared messages in one piece; how many went to clients, each counted."""
        return self.push_volley(Volley(batch))

    def push_volley(self, volley: Volley) -> int:
        """As `push_many`, of what is sent often."""
        self.make_ready(volley)
        for client, piece in volley.pieces.items():
            client.write(piece)
        return volley.count

    def make_ready(self, volley: Volley) -> None:
        """Find out who gets what of a volley, as its clients' subscriptions are now."""
        if volley.pieces_of == self._state:
            return
        pieces: dict[Client, list[bytes]] = {}
        for prepared in volley.batch:
            if prepared.receivers_of != self._state:
                self._find_receivers(prepared)
            for client in prepared.receivers:
                pieces.setdefault(client, []).append(prepared.bytes_for(client))
        volley.pieces = {client: b"".join(written) for client, written in pieces.items()}
        volley.count = sum(map(len, pieces.values()))
        volley.pieces_of = self._state

    def push_to_all(self, batch: Iterable[Prepared]) -> None:
        """Send prepared messages to every client, as to one that asked for all of the world's routes."""
        batch = list(batch)
        for client in tuple(self._clients):
            client.write(b"".join([prepared.bytes_for(client) for prepared in batch]))

    async def wait_until_read(self, most_bytes: int = 0) -> None:
        """Return once no client has more bytes waiting: for an owner that must not overrun them."""
        while any(client.waiting_bytes > most_bytes for client in self._clients):  # noqa: ASYNC110
            await asyncio.sleep(0.0005)  # asyncio tells one protocol of its buffer, not many of theirs

    async def wait_for_subscription(self, prefix: Prefix) -> None:
        """Return once some client is subscribed to exactly this prefix."""
        while prefix not in self.subscribed():
            self._changed.clear()
            await self._changed.wait()

    def subscribed(self) -> frozenset[Prefix]:
        """The prefixes that clients are subscribed to now."""
        return frozenset(
            prefix
            for client in self._clients
            for wish in client.subscriptions.values()
            for prefix in wish.prefixes or ()
        )

    async def send_text(self, text: str) -> None:
        """Send a line as it is to every client: what a faulty server might say."""
        for client in tuple(self._clients):
            client.say(text)

    async def drop_clients(self, complaint: str | None = None) -> None:
        """Close every connection, after a last `ris_error` if there is a complaint."""
        for client in tuple(self._clients):
            client.end(1001, "going away", None if complaint is None else _error(complaint))
        async with asyncio.timeout(2 * LINGER_S):
            while self._clients:
                self._changed.clear()
                await self._changed.wait()

    @property
    def _place(self) -> str:
        return f"[{self._host}]:{self._port}" if ":" in self._host else f"{self._host}:{self._port}"

    def _connection(self) -> Client:
        client = Client(self, _error)
        self._connections.add(client)
        return client

    def _find_receivers(self, prepared: Prepared) -> None:
        message = prepared.message
        self._collectors.add(str(message.get("host", "")))
        prepared.receivers = tuple(
            client
            for client in self._clients
            if any(wish.matches(message, prepared.prefixes) for wish in client.subscriptions.values())
        )
        prepared.receivers_of = self._state

    def _has_changed(self) -> None:
        self._state += 1
        self._changed.set()

    # What connections tell (`ris_live_client.Host`).

    def refuses(self, path: str) -> bool:
        """Whether this way in is closed."""
        return path in self.closed_paths

    def came(self, client: Client) -> None:
        """A client may ask now."""
        self._clients.add(client)
        self.arrivals += 1
        self._has_changed()

    def left(self, client: Client) -> None:
        """A client is gone."""
        self._connections.discard(client)
        self._clients.discard(client)
        self._has_changed()

    def streams(self, client: Client, filters: str | None) -> str | None:
        """A client asks for the HTTP stream, of all messages without filters; what is wrong with them."""
        try:
            data = _object(filters or "{}")
            client.subscriptions[filters or ""] = parse_subscription(data)
        except RequestError as error:
            return _error(str(error))
        client.include_raw = _options(data).get("includeRaw") is True
        return None

    def asked(self, client: Client, request: str) -> None:
        """A client of the websocket says something."""
        try:
            answers = self._answer(client, request)
        except RequestError as error:
            answers = [_error(str(error))]
        for answer in answers:
            client.say(answer)
        self._has_changed()

    def _answer(self, client: Client, request: str) -> list[str]:
        message = _object(request)
        kind, data = message.get("type"), message.get("data")
        if kind == "ping":
            return [json.dumps({"type": "pong"})] if self.answer_pings else []
        if kind == "request_rrc_list":
            return [json.dumps({"type": "ris_rrc_list", "data": sorted(self._collectors)})]
        if kind not in ("ris_subscribe", "ris_unsubscribe"):
            raise RequestError(f"unknown message type {kind!r}")
        data = data if isinstance(data, dict) else {}
        filters = {key: value for key, value in data.items() if key in FILTERS}
        name = json.dumps(filters, sort_keys=True)
        if kind == "ris_unsubscribe":
            client.subscriptions.pop(name, None)
            return []
        if len(client.subscriptions) >= _MAX_SUBSCRIPTIONS:
            raise RequestError(f"more than {_MAX_SUBSCRIPTIONS} subscriptions")
        client.subscriptions[name] = parse_subscription(filters)
        options = _options(data)
        if "includeRaw" in options:
            client.include_raw = options["includeRaw"] is True
        if not (self.acknowledge and options.get("acknowledge") is True):
            return []
        confirmed = {"subscription": filters, "socketOptions": options}
        return [json.dumps({"type": "ris_subscribe_ok", "data": confirmed})]


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError("not JSON") from error
    if not isinstance(found, dict):
        raise RequestError("not a JSON object")
    return found


def _options(data: dict[str, Any]) -> dict[str, Any]:
    options = data.get("socketOptions")
    return options if isinstance(options, dict) else {}


def _error(complaint: str) -> str:
    return json.dumps({"type": "ris_error", "data": {"message": complaint}})
