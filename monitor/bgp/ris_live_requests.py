"""What a client says to RIS Live (https://ris-live.ripe.net/manual/): subscriptions, pings, the stream's filter.

Writes them from prefixes, and knows where the HTTP stream of a websocket's server is. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from monitor.model import Prefix

CLIENT = "whydown"
"""The manual asks clients to say who they are."""

PING_MESSAGE = '{"type":"ping"}'
"""Answered by a `pong`: proof that the server is there when nothing happens to the prefixes."""

FILTER_HEADER = "X-RIS-Subscribe"
MAX_FILTER_BYTES = 7_000
"""Many servers take header lines of 8 KiB at most (nginx, Node has 16 KiB for all of them)."""

_ENCODER = msgspec.json.Encoder()
_STREAM_OF = {"ws": "http", "wss": "https"}
_WEBSOCKET_PATH, _STREAM_PATH = "/ws/", "/stream/"


def subscribe_message(prefix: Prefix, host: str | None = None) -> str:
    """The client's request for all that concerns a prefix: equal, more specific, less specific; acknowledged."""
    filters = _filters(str(prefix), host) | {"socketOptions": {"acknowledge": True}}
    return _ENCODER.encode({"type": "ris_subscribe", "data": filters}).decode()


def unsubscribe_message(prefix: Prefix, host: str | None = None) -> str:
    """Takes back `subscribe_message` of the same arguments."""
    return _ENCODER.encode({"type": "ris_unsubscribe", "data": _filters(str(prefix), host)}).decode()


def stream_filter(prefixes: Iterable[Prefix], host: str | None = None) -> str:
    """The `X-RIS-Subscribe` header of the HTTP stream. When the prefixes do not fit, it asks for all of them."""
    named = _ENCODER.encode(_filters([str(prefix) for prefix in prefixes], host))
    return (named if len(named) <= MAX_FILTER_BYTES else _ENCODER.encode(_filters(None, host))).decode()


def with_client(url: str) -> str:
    """The address with our name as `client`, unless it names another."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if any(key == "client" for key, _ in query):
        return url
    return parts._replace(query=urlencode([*query, ("client", CLIENT)])).geturl()


def stream_url(websocket_url: str) -> str | None:
    """Where the server of a websocket has its HTTP stream: `…/stream/` beside `…/ws/`; None: not to be told."""
    parts = urlsplit(websocket_url)
    path = parts.path if parts.path.endswith("/") else parts.path + "/"
    if parts.scheme not in _STREAM_OF or not path.endswith(_WEBSOCKET_PATH):
        return None
    path = path.removesuffix(_WEBSOCKET_PATH) + _STREAM_PATH
    query = [("format", "json"), *parse_qsl(parts.query, keep_blank_values=True)]
    return parts._replace(scheme=_STREAM_OF[parts.scheme], path=path, query=urlencode(query)).geturl()


def _filters(prefix: str | list[str] | None, host: str | None) -> dict[str, object]:
    filters: dict[str, object] = {"prefix": prefix, "moreSpecific": True, "lessSpecific": True, "type": "UPDATE"}
    return {key: value for key, value in (filters | {"host": host}).items() if value is not None}
