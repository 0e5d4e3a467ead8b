"""The server against those who want to tie it up: slow heads, slow bodies, a thousand connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from monitor.web import server as limits
from monitor.web.server import Server, split_listen

WITHIN_S = 20.0


async def _hello(request: Request) -> PlainTextResponse:
    if request.headers.get("x-proof"):
        request.state.standing.proved = True
    return PlainTextResponse(f"{len(await request.body())} bytes")


def _served(scenario: Callable[[Server, int], Awaitable[None]]) -> None:
    """Run a scenario against a server on loopback."""

    async def main() -> None:
        server = Server(Starlette(routes=[Route("/", _hello, methods=["GET", "POST"])]), None)
        port = await server.start("127.0.0.1", 0)
        try:
            async with asyncio.timeout(WITHIN_S):
                await scenario(server, port)
        finally:
            await server.stop()

    asyncio.run(main())


async def _get(port: int, head: str = "") -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET / HTTP/1.1\r\nhost: h\r\n{head}connection: close\r\n\r\n".encode())
    try:
        return await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nhost: h\r\nx: ", b"GET / HT"])
def test_a_head_that_does_not_come_ends_the_connection(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a byte now and then keep it open: the deadline is for the whole head."""
    monkeypatch.setattr(limits, "HEAD_S", 0.5)

    async def scenario(server: Server, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        drip = asyncio.create_task(_drip(writer))
        try:
            assert await reader.read() == b""
        except ConnectionError:
            pass  # closed with bytes of ours unread
        finally:
            drip.cancel()
            writer.close()

    _served(scenario)


async def _drip(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"a")
        await asyncio.sleep(0.05)


def test_a_second_request_has_a_deadline_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger's connection that rests after an answer is closed; one that has proved itself may rest longer."""
    monkeypatch.setattr(limits, "HEAD_S", 0.3)

    async def rest(port: int, proof: str) -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET / HTTP/1.1\r\nhost: h\r\n{proof}\r\n".encode())
        await reader.readuntil(b"0 bytes")
        try:
            async with asyncio.timeout(1.0):
                return await reader.read() == b""
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        finally:
            writer.close()

    async def scenario(server: Server, port: int) -> None:
        closed = await asyncio.gather(rest(port, ""), rest(port, "x-proof: 1\r\n"))

        assert closed == [True, False]

    _served(scenario)


def test_a_head_without_end_is_cut() -> None:
    """Not read into memory for as long as it comes."""

    async def scenario(server: Server, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 10_000)

        assert b" 400 " in await reader.readline()
        writer.close()

    _served(scenario)


def _has_ended(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def test_a_thousand_connections_of_one_address_leave_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one address only so many are taken; another address is served meanwhile."""

    async def scenario(server: Server, port: int) -> None:
        flood = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
        try:
            for _ in range(50):
                await asyncio.sleep(0)
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.2", 0))
            writer.write(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
            answer = await reader.read()
            writer.close()
            ended = sum(_has_ended(one) for one in flood)
        finally:
            for one in flood:
                one.close()

        assert b"200 OK" in answer
        assert ended == 300 - 256

    monkeypatch.setattr(limits, "MOST_OF_ONE", 256)
    _served(scenario)


def test_when_all_are_taken_the_oldest_stranger_makes_room_and_no_friend(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand that say nothing neither keep out one that comes after them nor end one that proved itself."""
    monkeypatch.setattr(limits, "MOST_OF_ONE", 10_000)

    async def scenario(server: Server, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nhost: h\r\nx-proof: 1\r\n\r\n")
        await reader.readuntil(b"0 bytes")
        flood: list[Any] = []
        for _ in range(11):
            flood += await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in range(100)))

        assert b"200 OK" in await _get(port)
        writer.write(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n")
        assert b"200 OK" in await reader.readline()
        assert await flood[0][0].read(1) == b""
        for _, other in (*flood, (None, writer)):
            other.close()

    _served(scenario)


def test_a_stop_lets_an_answer_be_sent() -> None:
    """What was asked before is answered; who asks after finds nobody."""

    async def scenario(server: Server, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\nab")
        while not server.state.tasks:  # noqa: ASYNC110  (the server tells nobody that a request has begun)
            await asyncio.sleep(0.01)
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0)
        writer.write(b"c")

        assert b"200 OK" in await reader.readline()
        writer.close()
        await stopping
        with pytest.raises(OSError, match=r"refused|Connect"):
            await asyncio.open_connection("127.0.0.1", port)

    _served(scenario)


def test_an_address_to_listen_on_is_taken_apart() -> None:
    """Names, IPv4, IPv6 in brackets."""
    assert split_listen("hub.example:8443") == ("hub.example", 8443)
    assert split_listen("[::1]:1") == ("::1", 1)
