"""The demo's service: a check-in behind a bounded pool of workers and a bounded queue, as a process of its own.

A worker holds its place for `work_s`, as one does that waits for its database. When all are busy, requests
queue; when the queue is full, they are shed at once with 503 and Retry-After (RFC 9110 section 15.6.4). So a
crowd makes the *think time* grow while the kernel still accepts connections as quickly as ever, which is how
an overload looks.

    python -m monitor.demo.service --role service|impostor|control --address A --port P --certificate F --key F

The same program plays the `impostor`, which answers "500" to everything as the servers of February 2022 did to
most, and the `control`, a healthy site elsewhere. It knows nothing of the network or the monitor.
"""

from __future__ import annotations

import argparse
import asyncio
from http import HTTPStatus

from monitor.demo.https_server import Answer, Answerer, serve

WORKERS = 4
WORK_S = 0.1
QUEUE = 28
_BUSY = Answer(HTTPStatus.SERVICE_UNAVAILABLE, b"busy, try again\n", (("retry-after", "1"),))


class WorkerPool:
    """`workers` places, each held for `work_s` seconds a request; at most `queue` requests wait for one."""

    def __init__(self, *, workers: int = WORKERS, work_s: float = WORK_S, queue: int = QUEUE) -> None:
        self._places = asyncio.Semaphore(workers)
        self._work_s = work_s
        self._limit = workers + queue
        self.inside = 0

    async def check_in(self, path: str) -> Answer:
        """Do one request's work when a worker is free; 503 at once when the queue is full."""
        if self.inside >= self._limit:
            return _BUSY
        self.inside += 1
        try:
            async with self._places:
                await asyncio.sleep(self._work_s)
        finally:
            self.inside -= 1
        return Answer(HTTPStatus.OK, b'{"check_in":"ok"}\n', (("content-type", "application/json"),))


async def impostor(path: str) -> Answer:
    """What the wrong server says: it has no such application."""
    return Answer(
        HTTPStatus.INTERNAL_SERVER_ERROR, b"<h1>Internal Server Error</h1>\n", (("content-type", "text/html"),)
    )


async def control(path: str) -> Answer:
    """A healthy site, the same answer to everything."""
    return Answer(HTTPStatus.OK, b"ok\n", (("content-type", "text/plain"),))


def _answerer(role: str) -> Answerer:
    return {"service": WorkerPool().check_in, "impostor": impostor, "control": control}[role]


async def _run(arguments: argparse.Namespace) -> None:
    server = await serve(
        _answerer(arguments.role),
        address=arguments.address, port=arguments.port,
        certificate=arguments.certificate, key=arguments.key,
    )  # fmt: skip
    print(f"ready {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve until killed; the first line on standard output is `ready PORT`."""
    parser = argparse.ArgumentParser(prog="monitor.demo.service")
    parser.add_argument("--role", choices=("service", "impostor", "control"), required=True)
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
