"""The RIS Live server of the demo, the benches and the lab: its filters, its answers, its two ways in."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from monitor.demo.ris_live_filter import RequestError, parse_subscription, prefixes_of
from monitor.demo.ris_live_server import Prepared, RisLiveServer, Volley

DEADLINE_S = 20
MESSAGE: dict[str, Any] = {
    "type": "UPDATE", "timestamp": 1.0, "peer": "198.51.100.1", "peer_asn": "64500", "host": "rrc21.ripe.net",
    "path": [64500, 6461, [64502, 9457], 64503], "raw": "FFFF",
    "announcements": [{"next_hop": "198.51.100.1", "prefixes": ["203.0.113.0/24", "eor"]}],
    "withdrawals": ["2001:db8::/32"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("filters", "matches"),
    [
        ({}, True),
        ({"prefix": "203.0.113.0/24"}, True),
        ({"prefix": "203.0.112.0/22"}, True),
        ({"prefix": "203.0.112.0/22", "moreSpecific": False}, False),
        ({"prefix": "203.0.113.128/25"}, False),
        ({"prefix": "203.0.113.128/25", "lessSpecific": True}, True),
        ({"prefix": ["198.51.100.0/24", "2001:db8::/32"]}, True),
        ({"prefix": ["198.51.100.0/24"]}, False),
        ({"prefix": []}, False),
        ({"host": "rrc21"}, True),
        ({"host": "rrc00"}, False),
        ({"type": "UPDATE"}, True),
        ({"type": "KEEPALIVE"}, False),
        ({"peer": "198.51.100.1"}, True),
        ({"peer": "198.51.100.2"}, False),
        ({"require": "withdrawals"}, True),
        ({"require": "communities"}, False),
        ({"path": "6461"}, True),
        ({"path": 6461}, True),
        ({"path": "646"}, False),
        ({"path": "64500,6461"}, True),
        ({"path": "6461,64500"}, False),
        ({"path": "^64500,6461"}, True),
        ({"path": "^6461"}, False),
        ({"path": "64503$"}, True),
        ({"path": "9457,64503$"}, True),
        ({"path": "9457$"}, False),
        ({"path": "^64500,6461,64502,64503$"}, True),
        ({"path": "^64500,64503$"}, False),
        ({"path": "^1,2,3,4,5,6$"}, False),
        ({"prefix": "203.0.113.0/24", "host": "rrc00"}, False),
    ],
)
def test_a_message_must_pass_all_filters(filters: dict[str, Any], matches: bool) -> None:
    """As the manual has them."""
    assert parse_subscription(filters).matches(MESSAGE, prefixes_of(MESSAGE)) is matches


@pytest.mark.parametrize(
    "filters",
    [{"prefix": "203.0.113.1/24"}, {"prefix": {}}, {"prefix": [7, []]}, {"host": ["rrc00"]}, {"path": {}}],
)
def test_filters_of_another_form_are_refused(filters: dict[str, Any]) -> None:
    """Not taken for none."""
    with pytest.raises(RequestError):
        parse_subscription(filters)


async def _asks(socket: ClientConnection, kind: str, **data: object) -> dict[str, Any]:
    """Send a request and read the answer."""
    await socket.send(json.dumps({"type": kind, "data": data}))
    answer: dict[str, Any] = json.loads(await socket.recv())
    return answer


def test_requests_are_answered_as_the_manual_says() -> None:
    """Acknowledged, refused with a reason, pong, and the collectors heard of so far."""

    async def scenario() -> None:
        async with RisLiveServer() as server, connect(server.url) as socket, asyncio.timeout(DEADLINE_S):
            options = {"acknowledge": True}
            confirmed = await _asks(socket, "ris_subscribe", prefix="203.0.113.0/24", socketOptions=options)
            assert confirmed == {
                "type": "ris_subscribe_ok",
                "data": {"subscription": {"prefix": "203.0.113.0/24"}, "socketOptions": options},
            }
            assert (await _asks(socket, "ping"))["type"] == "pong"
            refused = await _asks(socket, "ris_subscribe", prefix="203.0.113.1/24")
            assert (refused["type"], "host bits" in refused["data"]["message"]) == ("ris_error", True)
            assert (await _asks(socket, "nonsense"))["type"] == "ris_error"
            await socket.send("{")
            assert json.loads(await socket.recv())["type"] == "ris_error"

            assert await server.push(MESSAGE) == 1
            assert json.loads(await socket.recv())["data"]["host"] == "rrc21.ripe.net"
            assert await _asks(socket, "request_rrc_list") == {"type": "ris_rrc_list", "data": ["rrc21.ripe.net"]}

    asyncio.run(scenario())


def test_raw_bytes_are_sent_to_who_wants_them_and_a_message_once() -> None:
    """Two subscriptions that match make one message."""

    async def scenario() -> None:
        async with (
            RisLiveServer() as server,
            connect(server.url) as plain,
            connect(server.url) as raw,
            asyncio.timeout(DEADLINE_S),
        ):
            for prefix in ("203.0.113.0/24", "2001:db8::/32"):
                await _asks(plain, "ris_subscribe", prefix=prefix, socketOptions={"acknowledge": True})
            await _asks(raw, "ris_subscribe", socketOptions={"acknowledge": True, "includeRaw": True})
            prepared = Prepared(MESSAGE)
            assert server.push_many([prepared, prepared]) == 4

            for socket, wants in ((plain, None), (raw, "FFFF")):
                for _ in range(2):
                    assert json.loads(await socket.recv())["data"].get("raw") == wants
                assert (await _asks(socket, "ping"))["type"] == "pong"

    asyncio.run(scenario())


def test_volley_goes_to_those_who_ask_for_it_now() -> None:
    """Its pieces are joined once, and anew after somebody subscribed."""

    async def scenario() -> None:
        async with RisLiveServer() as server, connect(server.url) as socket, asyncio.timeout(DEADLINE_S):
            volley = Volley([Prepared(MESSAGE), Prepared(MESSAGE | {"host": "rrc00"})])
            await _asks(socket, "ris_subscribe", host="rrc00", socketOptions={"acknowledge": True})
            assert [server.push_volley(volley), server.push_volley(volley)] == [1, 1]
            for _ in range(2):
                assert json.loads(await socket.recv())["data"]["host"] == "rrc00"
            await _asks(socket, "ris_subscribe", host="rrc21", socketOptions={"acknowledge": True})
            assert server.push_volley(volley) == 2

    asyncio.run(scenario())


def test_a_client_that_does_not_read_gets_a_last_error_and_is_cut_off() -> None:
    """So that one slow client does not fill the server's memory."""

    async def scenario() -> list[str]:
        lines = []
        async with (
            RisLiveServer(most_waiting_bytes=256 * 1024) as server,
            connect(server.url, max_queue=1) as socket,
            asyncio.timeout(DEADLINE_S),
        ):
            await _asks(socket, "ris_subscribe", socketOptions={"acknowledge": True})
            batch = [Prepared(MESSAGE)] * 1000
            # Until it has been cut off nothing is read, so all buffers fill.
            socket.transport.pause_reading()
            for _ in range(100):
                server.push_many(batch)
            socket.transport.resume_reading()
            with suppress(ConnectionClosed):
                while True:
                    lines.append(str(await socket.recv()))
        assert (socket.close_code, socket.close_reason) == (1008, "client is too slow")
        return lines

    lines = asyncio.run(scenario())

    assert json.loads(lines[-1]) == {"type": "ris_error", "data": {"message": "client is too slow"}}
    assert len(lines) < 100_000


def test_the_stream_is_filtered_by_its_header() -> None:
    """Without one it is everything; a filter that is none is refused."""

    async def scenario() -> None:
        async with RisLiveServer() as server, httpx.AsyncClient() as http, asyncio.timeout(DEADLINE_S):
            refused = await http.get(server.stream_url, headers={"X-RIS-Subscribe": '{"prefix":"x"}'})
            assert (refused.status_code, "ris_error" in refused.text) == (400, True)

            filters = {"X-RIS-Subscribe": '{"prefix":"203.0.113.0/24"}'}
            async with http.stream("GET", server.stream_url, headers=filters) as response:
                other = MESSAGE | {"announcements": [], "withdrawals": ["198.51.100.0/24"]}
                assert [await server.push(message) for message in (other, MESSAGE)] == [0, 1]
                await server.drop_clients("going away")
                lines = [json.loads(line) async for line in response.aiter_lines()]

            assert [line["type"] for line in lines] == ["ris_message", "ris_error"]
            assert lines[0]["data"]["peer_asn"] == "64500"

    asyncio.run(scenario())
