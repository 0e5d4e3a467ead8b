"""The relay that stands for the route: where new connections go, and what happens to open ones."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from monitor.demo.relay import Place, Relay

AllSettled = Callable[[], Awaitable[None]]


@asynccontextmanager
async def _place(word: bytes) -> AsyncIterator[Place]:
    """A server that says `word` for each line that it gets."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            writer.write(word)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[:2]


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    writer.write(b"who?\n")
    return await asyncio.wait_for(reader.readline(), 5.0)


def test_new_connections_follow_the_diversion_and_open_ones_stay(all_settled: AllSettled) -> None:
    """Genuine, then impostor, then genuine again; the first connection is with the genuine one throughout."""

    async def run() -> list[bytes]:
        async with _place(b"genuine\n") as genuine, _place(b"impostor\n") as impostor:
            relay = Relay(genuine, impostor)
            async with await relay.listen("127.0.0.1") as server:
                place = server.sockets[0].getsockname()[:2]
                first = await asyncio.open_connection(*place)
                heard = [await _ask(*first)]
                relay.divert()
                second = await asyncio.open_connection(*place)
                heard += [await _ask(*second), await _ask(*first)]
                relay.restore()
                third = await asyncio.open_connection(*place)
                heard.append(await _ask(*third))
                for _, writer in (first, second, third):
                    writer.close()
                    await writer.wait_closed()
                await all_settled()
                return heard

    assert asyncio.run(run()) == [b"genuine\n", b"impostor\n", b"genuine\n", b"genuine\n"]


def test_a_goal_that_refuses_ends_the_connection_at_once(all_settled: AllSettled) -> None:
    """A dead far end is an ended connection, not a silence."""

    async def run() -> bytes:
        # Bound and not listening: nothing else can take the port, and it refuses.
        with socket.socket() as dead:
            dead.bind(("127.0.0.1", 0))
            relay = Relay(dead.getsockname(), dead.getsockname())
            async with await relay.listen("127.0.0.1") as server:
                reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
                try:
                    return await asyncio.wait_for(reader.read(), 5.0)
                except ConnectionResetError:
                    return b""
                finally:
                    writer.close()
                    await all_settled()

    assert asyncio.run(run()) == b""
