"""The demo's service sheds what its queue cannot hold, over real HTTPS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.demo.certificates import Certificates, issue
from monitor.demo.https_server import Answer, Answerer, serve
from monitor.demo.load import MAX_CLIENTS, Crowd, press
from monitor.demo.service import WorkerPool, control, impostor
from probes.http import HttpProber, HttpRequest
from probes.observation import Failure, HttpObservation

NAME = "check-in.example"
Serving = Callable[..., AbstractAsyncContextManager[int]]


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """The demo's certificates, made once."""
    return issue(tmp_path_factory.mktemp("papers"), name=NAME, control_name="control.example")


@pytest.fixture(scope="module")
def serving(papers: Certificates, all_settled: Callable[[], Awaitable[None]]) -> Serving:
    """A server on a free port for the length of a block; at its end all of its connections are over."""

    @asynccontextmanager
    async def start(answer: Answerer, *, as_impostor: bool = False) -> AsyncIterator[int]:
        identity = papers.impostor if as_impostor else papers.service
        server = await serve(
            answer, address="127.0.0.1", port=0, certificate=identity.certificate, key=identity.key
        )
        async with server:
            yield server.sockets[0].getsockname()[1]
        await all_settled()

    return start


async def _probe(port: int, papers: Certificates) -> HttpObservation:
    prober = HttpProber()
    try:
        request = HttpRequest(
            url=f"https://{NAME}:{port}/check-in", address="127.0.0.1", ca_file=papers.trusted, timeout_s=5.0
        )
        return await prober.probe(request, vantage="test", target="check-in")
    finally:
        await prober.aclose()


def test_a_free_worker_answers_and_the_pool_is_empty_again() -> None:
    """One request through an idle pool is a 200, and it leaves its place."""
    pool = WorkerPool(workers=1, work_s=0.0, queue=0)
    answer = asyncio.run(pool.check_in("/"))

    assert answer.status == 200
    assert pool.inside == 0


def test_requests_beyond_workers_and_queue_are_shed_at_once() -> None:
    """With 2 workers and 3 places, of 9 at once 5 get in and 4 are told to come again."""

    async def crowd() -> list[Answer]:
        pool = WorkerPool(workers=2, work_s=0.001, queue=3)
        return list(await asyncio.gather(*(pool.check_in("/") for _ in range(9))))

    statuses = [answer.status.value for answer in asyncio.run(crowd())]

    assert statuses == [200] * 5 + [503] * 4


def test_a_request_that_gives_up_frees_its_place() -> None:
    """A cancelled request must not shrink the pool for ever."""

    async def leave() -> int:
        pool = WorkerPool(workers=1, work_s=60.0, queue=1)
        tasks = [asyncio.create_task(pool.check_in("/")) for _ in range(2)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return pool.inside

    assert asyncio.run(leave()) == 0


def test_the_probe_sees_200_from_the_service_and_its_key(papers: Certificates, serving: Serving) -> None:
    """An ordinary exchange over real TLS, verified against the demo's own authorities."""

    async def run() -> HttpObservation:
        async with serving(WorkerPool(work_s=0.0).check_in) as port:
            return await _probe(port, papers)

    seen = asyncio.run(run())

    assert (seen.failure, seen.status) == (None, 200)
    assert seen.spki_sha256 is not None


def test_the_impostor_is_verified_but_shows_another_key_and_issuer(papers: Certificates, serving: Serving) -> None:
    """As in 2022 verification alone notices nothing: the failure is the 500, key and issuer are new."""

    async def run() -> tuple[HttpObservation, HttpObservation]:
        async with (
            serving(WorkerPool(work_s=0.0).check_in) as port,
            serving(impostor, as_impostor=True) as false_port,
        ):
            return await _probe(port, papers), await _probe(false_port, papers)

    known, seen = asyncio.run(run())

    assert (seen.failure, seen.status) == (Failure.STATUS_UNEXPECTED, 500)
    assert seen.spki_sha256 not in (None, known.spki_sha256)
    assert seen.issuer not in (None, known.issuer)


def test_a_crowd_makes_the_service_shed_while_connect_stays_quick(papers: Certificates, serving: Serving) -> None:
    """Real clients fill the queue: sooner or later a probe is shed, over a connection that opens at once."""

    async def run() -> tuple[HttpObservation | None, dict[str, int]]:
        pool = WorkerPool(workers=1, work_s=0.5, queue=1)
        async with serving(pool.check_in) as port:
            crowd = Crowd(
                address="127.0.0.1", port=port, name=NAME, ca_file=papers.trusted, clients=12, seconds=5.0
            )
            pressing = asyncio.create_task(press(crowd))
            shed = None
            while shed is None and not pressing.done():
                if pool.inside < 2:  # a probe now would only take the place that the last one left
                    await asyncio.sleep(0.01)
                    continue
                seen = await _probe(port, papers)
                shed = seen if seen.status == 503 else None
            return shed, dict(await pressing)

    shed, answers = asyncio.run(run())

    assert shed is not None
    assert shed.connect_s is not None
    assert shed.connect_s < 1.0  # no SYN was lost: the first is sent again after a second (RFC 6298)
    assert answers["503"] > 0
    assert answers["200"] > 0


@pytest.mark.parametrize("clients", [0, -1, MAX_CLIENTS + 1])
def test_a_crowd_is_bounded_in_number(clients: int) -> None:
    """The load can never become a weapon by a slip of the keyboard."""
    with pytest.raises(ValueError, match=f"clients must be 1..{MAX_CLIENTS}"):
        Crowd(address="127.0.0.1", port=1, name=NAME, ca_file="", clients=clients)


@pytest.mark.parametrize("seconds", [0.0, -1.0, 121.0, float("nan")])
def test_a_crowd_is_bounded_in_time(seconds: float) -> None:
    """No length, or one above the limit, is refused."""
    with pytest.raises(ValueError, match="seconds must be above 0"):
        Crowd(address="127.0.0.1", port=1, name=NAME, ca_file="", seconds=seconds)


@given(st.binary(max_size=200))
@settings(max_examples=40, derandomize=True, deadline=None)
def test_any_bytes_leave_the_server_serving(papers: Certificates, serving: Serving, noise: bytes) -> None:
    """Whatever a client sends, the next one is still answered."""

    async def run() -> HttpObservation:
        async with serving(control) as port:
            context = ssl.create_default_context(cafile=papers.trusted)
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=NAME)
            writer.write(noise + b"\r\n\r\n")
            head = await asyncio.wait_for(reader.readline(), 5.0)
            assert head.startswith(b"HTTP/1.1 ")
            writer.close()
            return await _probe(port, papers)

    assert asyncio.run(run()).status == 200


def test_the_identity_files_are_private(papers: Certificates) -> None:
    """Keys are readable by their owner only."""
    for identity in (papers.service, papers.impostor, papers.control):
        assert Path(identity.key).stat().st_mode & 0o077 == 0
