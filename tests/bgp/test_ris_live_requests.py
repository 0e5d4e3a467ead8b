"""What the client says to RIS Live."""

from __future__ import annotations

import json

import pytest

from monitor.bgp.ris_live_requests import (
    MAX_FILTER_BYTES,
    stream_filter,
    stream_url,
    subscribe_message,
    unsubscribe_message,
    with_client,
)
from monitor.model import parse_prefix

NET = parse_prefix("203.0.113.0/24")


def test_subscriptions_ask_for_everything_about_a_prefix():
    """More and less specific, acknowledged; unsubscribing names the same filters."""
    asked = json.loads(subscribe_message(NET, "rrc00"))
    taken_back = json.loads(unsubscribe_message(NET, "rrc00"))

    options = asked["data"].pop("socketOptions")
    assert options == {"acknowledge": True}
    assert (asked["type"], taken_back["type"]) == ("ris_subscribe", "ris_unsubscribe")
    assert asked["data"] == taken_back["data"]
    assert asked["data"] == {
        "prefix": "203.0.113.0/24",
        "moreSpecific": True,
        "lessSpecific": True,
        "type": "UPDATE",
        "host": "rrc00",
    }
    assert "host" not in json.loads(subscribe_message(NET))["data"]


def test_a_stream_is_filtered_by_all_prefixes_at_once():
    """The header holds one filter; several prefixes are a list."""
    asked = json.loads(stream_filter([NET, parse_prefix("2001:db8::/32")], "rrc00"))

    assert asked == {
        "prefix": ["203.0.113.0/24", "2001:db8::/32"],
        "moreSpecific": True,
        "lessSpecific": True,
        "type": "UPDATE",
        "host": "rrc00",
    }


def test_more_prefixes_than_a_header_holds_ask_for_the_whole_feed():
    """It is filtered here then; a truncated list would be deaf to the rest."""
    many = [parse_prefix(f"10.{n // 256}.{n % 256}.0/24") for n in range(1000)]
    asked = stream_filter(many)

    assert "prefix" not in json.loads(asked)
    assert json.loads(asked)["type"] == "UPDATE"
    assert len(stream_filter(many[:300])) <= MAX_FILTER_BYTES
    assert len(json.loads(stream_filter(many[:300]))["prefix"]) == 300


@pytest.mark.parametrize(
    ("websocket", "stream"),
    [
        ("wss://ris-live.ripe.net/v1/ws/", "https://ris-live.ripe.net/v1/stream/?format=json"),
        ("ws://127.0.0.1:80/v1/ws", "http://127.0.0.1:80/v1/stream/?format=json"),
        ("wss://relay.example/v1/ws/?key=a%26b", "https://relay.example/v1/stream/?format=json&key=a%26b"),
        ("wss://relay.example/feed", None),
        ("https://relay.example/v1/ws/", None),
    ],
)
def test_the_stream_is_beside_the_websocket(websocket: str, stream: str | None):
    """Where the address is of another form, nobody knows."""
    assert stream_url(websocket) == stream


def test_the_server_learns_who_asks():
    """Unless the address says so already."""
    assert with_client("wss://ris-live.ripe.net/v1/ws/") == "wss://ris-live.ripe.net/v1/ws/?client=whydown"
    assert with_client("https://x.example/s/?format=json") == "https://x.example/s/?format=json&client=whydown"
    assert with_client("wss://x.example/ws/?client=noc") == "wss://x.example/ws/?client=noc"
