"""Where no network namespace can be made: a TCP relay that stands for the route to the service, as a process.

    python -m monitor.demo.relay --listen A --genuine A:P --impostor A:P

SIGUSR1 sends new connections to the impostor, SIGUSR2 to the genuine service again; connections that are open
stay where they are, as they do not when a real route changes. It copies bytes and knows nothing of TLS.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal

_CHUNK_BYTES = 64 * 1024
_BACKLOG = 1024
# Nothing in the demo is silent for longer; a forgotten connection must not live for ever.
_IDLE_S = 30.0

Place = tuple[str, int]


class Relay:
    """Passes each connection to where `goal` points at the moment it is accepted."""

    def __init__(self, genuine: Place, impostor: Place) -> None:
        self._genuine = genuine
        self._impostor = impostor
        self.goal = genuine

    def divert(self) -> None:
        """New connections go to the impostor."""
        self.goal = self._impostor

    def restore(self) -> None:
        """New connections go to the genuine service."""
        self.goal = self._genuine

    async def listen(self, address: str, port: int = 0) -> asyncio.Server:
        """Accept connections on `address`.

        :raises OSError: the address cannot be bound
        """
        return await asyncio.start_server(self._carry, address, port, backlog=_BACKLOG)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.goal)
        except OSError:
            writer.transport.abort()
            return
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_copy(reader, far_writer))
                group.create_task(_copy(far_reader, writer))
        finally:
            for end in (writer, far_writer):
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Copy until the source ends, then close the other direction (half-close, RFC 9293 section 3.6)."""
    with contextlib.suppress(OSError, TimeoutError):
        while True:
            async with asyncio.timeout(_IDLE_S):
                chunk = await source.read(_CHUNK_BYTES)
            if not chunk:
                break
            sink.write(chunk)
            await sink.drain()
    with contextlib.suppress(OSError):
        sink.write_eof()


def _place(text: str) -> Place:
    address, _, port = text.rpartition(":")
    return address, int(port)


async def _run(given: argparse.Namespace) -> None:
    relay = Relay(_place(given.genuine), _place(given.impostor))
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, relay.divert)
    loop.add_signal_handler(signal.SIGUSR2, relay.restore)
    server = await relay.listen(given.listen)
    print(f"ready {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Relay until killed; the first line on standard output is `ready PORT`."""
    parser = argparse.ArgumentParser(prog="monitor.demo.relay")
    parser.add_argument("--listen", required=True)
    parser.add_argument("--genuine", required=True, metavar="ADDRESS:PORT")
    parser.add_argument("--impostor", required=True, metavar="ADDRESS:PORT")
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
