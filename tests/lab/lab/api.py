"""The service and the authority it calls, each a real HTTPS API as a process of its own.

    python -m lab.api --address A --address A6 --certificate F --key F [--upstream A --upstream-name N --ca F]

Requests need one of a few workers; the others queue, and beyond the queue they are shed with 503, as in
`monitor.demo.service`. With an upstream each request calls it before it is answered: 502 when that says no,
504 when it says nothing in time. What can go wrong with a server is done to it by lines on standard input:

    refuse            stop listening: connections are refused
    listen            listen again
    stall S           accept one connection every S seconds, behind a listen queue of one: SYNs are dropped
    certificate F F   another certificate and key for new connections
    state             print a `State` as JSON, and begin to count anew

It prints `ready` once it serves. It knows nothing of networks or the monitor.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import socket
import ssl
import sys
from collections import Counter
from http import HTTPStatus

import msgspec

from monitor.demo.https_server import Answer, handler, serve, tls_context
from monitor.demo.service import WORKERS, WorkerPool

PORT = 443
_UPSTREAM_TIMEOUT_S = 2.0
# The smallest that listen(2) takes: one connection waits, the next SYN is dropped.
_SHORT_QUEUE = 0


class Upstream:
    """The service that ours calls: one kept connection for each call at the same time."""

    def __init__(self, address: str, name: str, ca_file: str) -> None:
        self._address = address
        self._name = name
        self._context = ssl.create_default_context(cafile=ca_file)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def call(self) -> HTTPStatus:
        """The status of its answer; 502 when it cannot be had, 504 when it is late (RFC 9110 section 15.6)."""
        try:
            async with asyncio.timeout(_UPSTREAM_TIMEOUT_S):
                return HTTPStatus(await self._exchange())
        except TimeoutError:
            return HTTPStatus.GATEWAY_TIMEOUT
        except (OSError, ValueError, asyncio.IncompleteReadError):
            return HTTPStatus.BAD_GATEWAY

    async def _exchange(self) -> int:
        reader, writer = await self._connection()
        kept = False
        try:
            writer.write(f"GET /register HTTP/1.1\r\nhost: {self._name}\r\n\r\n".encode("ascii"))
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            (length,) = [int(line.partition(":")[2]) for line in head if line.startswith("content-length:")]
            await reader.readexactly(length)
            kept = True
            return int(head[0].split(" ")[1])
        finally:
            if kept:
                self._idle.append((reader, writer))
            else:
                writer.transport.abort()

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.transport.abort()
        return await asyncio.open_connection(self._address, PORT, ssl=self._context, server_hostname=self._name)


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What a server knows of itself: how many of each status it has sent."""

    sent: dict[str, int]


class Api:
    """Answers requests by its workers, and obeys commands."""

    def __init__(self, upstream: Upstream | None, certificate: str, key: str, workers: int) -> None:
        self._upstream = upstream
        self._pool = WorkerPool(workers=workers)
        self._sent: Counter[str] = Counter()
        self._papers = certificate, key
        self._addresses: list[str] = []
        self._stalls: list[asyncio.Task[None]] = []
        self._servers: list[asyncio.Server] = []

    async def answer(self, path: str) -> Answer:
        """One request."""
        reply = await self._pool.check_in(path)
        if reply.status is HTTPStatus.OK and self._upstream is not None:
            status = await self._upstream.call()
            if status is not HTTPStatus.OK:
                reply = Answer(status if status in _GATEWAY else HTTPStatus.BAD_GATEWAY, b"no answer behind us\n")
        self._sent[str(reply.status.value)] += 1
        return reply

    async def listen(self, addresses: list[str]) -> None:
        """Serve on all addresses.

        :raises OSError: one cannot be bound
        """
        self._addresses = addresses
        certificate, key = self._papers
        for address in addresses:
            server = await serve(self.answer, address=address, port=PORT, certificate=certificate, key=key)
            self._servers.append(server)

    async def obey(self, line: str) -> None:
        """Do what a command says.

        :raises ValueError: it is not known
        """
        match line.split():
            case ["refuse"]:
                self._close()
            case ["listen"]:
                self._close()
                await self.listen(self._addresses)
            case ["stall", every_s]:
                self._close()
                self._stalls = [
                    asyncio.create_task(self._accept_slowly(address, float(every_s)))
                    for address in self._addresses
                ]
            case ["certificate", certificate, key]:
                self._papers = certificate, key
                self._close()
                await self.listen(self._addresses)
            case ["state"]:
                print(msgspec.json.encode(State(sent=dict(self._sent))).decode(), flush=True)
                self._sent = Counter()
            case _:
                raise ValueError(f"unknown command {line!r}")

    def _close(self) -> None:
        for server in self._servers:
            server.close()
        for stall in self._stalls:
            stall.cancel()
        self._servers, self._stalls = [], []

    async def _accept_slowly(self, address: str, every_s: float) -> None:
        """The listen queue, not the workers, is what is short here (listen(2), RFC 9293 section 3.8.6.2.1)."""
        loop = asyncio.get_running_loop()
        context, handle = tls_context(*self._papers), handler(self.answer)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.create_server((address, PORT), family=family, backlog=_SHORT_QUEUE) as listening:
            listening.setblocking(False)
            while True:
                connection, _ = await loop.sock_accept(listening)
                reader = asyncio.StreamReader()
                with contextlib.suppress(OSError):
                    await loop.connect_accepted_socket(
                        functools.partial(asyncio.StreamReaderProtocol, reader, handle), connection, ssl=context
                    )
                await asyncio.sleep(every_s)


_GATEWAY = (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT)


async def commands() -> asyncio.StreamReader:
    """Standard input, to be read line by line."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def _run(given: argparse.Namespace) -> None:
    upstream = Upstream(given.upstream, given.upstream_name, given.ca) if given.upstream else None
    api = Api(upstream, given.certificate, given.key, given.workers)
    await api.listen(given.address)
    print("ready", flush=True)
    reader = await commands()
    while line := await reader.readline():
        await api.obey(line.decode().strip())


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="lab.api")
    parser.add_argument("--address", action="append", required=True)
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--upstream")
    parser.add_argument("--upstream-name")
    parser.add_argument("--ca")
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
