"""The RIPEstat client against a real HTTP server: politeness, retries, the cache, saved answers."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import parse_qsl, urlsplit

import pytest

from monitor.bgp.ripestat import MAX_ANSWER_BYTES, read_routes
from monitor.bgp.sources import AnswerFolder, Query, Ripestat, RipestatUnavailableError, SavedAnswers, past_routes
from monitor.model import parse_prefix

PAST = 1_700_000_000.0
QUERY = Query(call="bgp-updates", resource="203.0.113.0/24", since=PAST, until=PAST + 60)
ANSWER = json.dumps({"status": "ok", "data": {"resource": "203.0.113.0/24", "updates": []}}).encode()

Reply = tuple[int, dict[str, str], bytes]


class Server:
    """Answers each question by `reply(path, parameters)`; remembers what was asked, when, and how many at once."""

    def __init__(self, reply: Callable[[str, dict[str, str]], Reply]) -> None:
        self.reply = reply
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.at: list[float] = []
        self.most_at_once = 0
        self.now = 0
        self.lock = Lock()
        self.url = ""


@contextmanager
def ripestat(reply: Callable[[str, dict[str, str]], Reply]) -> Iterator[Server]:
    """A server on loopback."""
    served = Server(reply)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer and remember."""
            parts = urlsplit(self.path)
            parameters = dict(parse_qsl(parts.query))
            with served.lock:
                served.at.append(time.monotonic())
                served.asked.append((parts.path, parameters))
                served.now += 1
                served.most_at_once = max(served.most_at_once, served.now)
            status, headers, body = served.reply(parts.path, parameters)
            with served.lock:
                served.now -= 1
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(server: Server, *queries: Query, folder: AnswerFolder | None = None, gap_s: float = 0.0) -> list[bytes]:
    """The answers, asked for at the same time by one client whose first retry comes at once."""

    async def scenario() -> list[bytes]:
        async with Ripestat(folder, url=server.url, gap_s=gap_s, wait_initial_s=0.001) as client:
            return list(await asyncio.gather(*(client.ask(query) for query in queries)))

    return asyncio.run(scenario())


def test_questions_say_what_is_asked_and_who_asks() -> None:
    """Parameters by RIPEstat's names, times in UTC, and the name under which it knows us."""
    state = Query(call="bgp-state", resource="203.0.113.0/24", since=PAST, until=PAST)
    with ripestat(lambda path, parameters: (200, {}, ANSWER)) as server:
        ask(server, QUERY)
        ask(server, state)

        assert server.asked == [
            ("/data/bgp-updates/data.json", {
                "resource": "203.0.113.0/24", "starttime": "2023-11-14T22:13:20", "endtime": "2023-11-14T22:14:20",
                "sourceapp": "whydown",
            }),
            ("/data/bgp-state/data.json", {
                "resource": "203.0.113.0/24", "timestamp": "2023-11-14T22:13:20", "sourceapp": "whydown",
            }),
        ]  # fmt: skip


def test_questions_go_one_at_a_time_with_a_pause_between() -> None:
    """However many are wanted at once: RIPEstat allows eight, we take one."""
    queries = [
        Query(call="bgp-updates", resource=f"203.0.{n}.0/24", since=PAST, until=PAST + 60) for n in range(4)
    ]
    with ripestat(lambda path, parameters: (200, {}, ANSWER)) as server:
        ask(server, *queries, gap_s=0.05)

        assert server.most_at_once == 1
        assert len(server.asked) == 4
        # The server sees them a little after the client starts them, by the scheduler's whim.
        assert server.at[3] - server.at[0] >= 3 * 0.05 - 0.03


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_passes_is_asked_again_when_the_server_says(status: int) -> None:
    """`Retry-After` in place of our own pause, which would be above the test's patience here."""
    replies = iter([(status, {"Retry-After": "0"}, b""), (status, {"Retry-After": "0"}, b""), (200, {}, ANSWER)])
    with ripestat(lambda path, parameters: next(replies)) as server:
        assert ask(server, QUERY) == [ANSWER]
        assert len(server.asked) == 3


def test_a_server_that_stays_ill_is_given_up_after_four_attempts() -> None:
    """And the error says what it said."""
    with ripestat(lambda path, parameters: (503, {}, b"")) as server:
        with pytest.raises(RipestatUnavailableError, match="HTTP status 503"):
            ask(server, QUERY)

        assert len(server.asked) == 4


@pytest.mark.parametrize("status", [400, 404])
def test_a_refusal_is_not_asked_again(status: int) -> None:
    """The same question would be refused again."""
    with ripestat(lambda path, parameters: (status, {"Retry-After": "0"}, b"")) as server:
        with pytest.raises(RipestatUnavailableError, match=f"HTTP status {status}"):
            ask(server, QUERY)

        assert len(server.asked) == 1


def test_nobody_there_is_an_error_of_ours() -> None:
    """After the last attempt, with the reason."""
    with ripestat(lambda path, parameters: (200, {}, ANSWER)) as server:
        pass

    with pytest.raises(RipestatUnavailableError, match="ConnectError"):
        ask(server, QUERY)


def test_a_server_that_cannot_be_reached_is_not_asked_a_hundred_times() -> None:
    """Four connections for the first question, none for those after it, and the same reason for all."""
    reached = 0

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal reached
        reached += 1
        writer.close()
        await writer.wait_closed()

    async def scenario() -> list[str]:
        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        said = []
        async with server, Ripestat(url=url, gap_s=0.0, wait_initial_s=0.001) as client:
            for _ in range(5):
                with pytest.raises(RipestatUnavailableError) as caught:
                    await client.ask(QUERY)
                said.append(str(caught.value))
        return said

    said = asyncio.run(scenario())

    assert reached == 4
    assert len(set(said)) == 1
    assert "Error" in said[0]


def test_an_endless_answer_is_cut_off() -> None:
    """At the size that no answer about a prefix has; compressed, it costs the server nothing."""
    bomb = gzip.compress(b"0" * (MAX_ANSWER_BYTES + 1), compresslevel=1)
    with (
        ripestat(lambda path, parameters: (200, {"Content-Encoding": "gzip"}, bomb)) as server,
        pytest.raises(RipestatUnavailableError, match="above 67108864 bytes"),
    ):
        ask(server, QUERY)


def test_answers_about_the_past_are_asked_for_once(tmp_path) -> None:
    """Not those about today, whose data still grow; nor another question's."""
    recent = Query(call="bgp-updates", resource="203.0.113.0/24", since=time.time() - 60, until=time.time())
    other = Query(call="bgp-updates", resource="203.0.113.0/24", since=PAST, until=PAST + 61)
    folder = AnswerFolder(tmp_path / "kept")
    with ripestat(lambda path, parameters: (200, {}, ANSWER)) as server:
        for query, times in ((QUERY, 1), (QUERY, 1), (other, 2), (recent, 3), (recent, 4)):
            assert ask(server, query, folder=folder) == [ANSWER]
            assert len(server.asked) == times


def test_kept_answers_are_bounded_and_damage_is_asked_anew(tmp_path) -> None:
    """The oldest goes first; a torn file is no answer."""
    folder = AnswerFolder(tmp_path, max_bytes=3 * len(gzip.compress(ANSWER)))
    parameters = [{"resource": f"203.0.{n}.0/24"} for n in range(5)]
    for number, each in enumerate(parameters):
        folder.keep("bgp-updates", each, ANSWER, about_until=PAST)
        newest = max(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, (number, number))
    newest.write_bytes(newest.read_bytes()[:20])

    assert len(list(tmp_path.iterdir())) == 3
    assert [folder.find("bgp-updates", each) == ANSWER for each in parameters] == [False, False, True, True, False]


def save(folder, name, **data) -> None:
    """An answer under any name."""
    folder.joinpath(name).write_bytes(json.dumps({"data": data}).encode())


def test_saved_answers_are_found_by_what_they_are_about(tmp_path) -> None:
    """The updates that cover most of the window; the latest table that is not after its start."""
    resource = "203.0.113.0/24"
    route = {"source_id": "01-198.51.100.1", "target_prefix": resource}
    save(tmp_path, "a.json", resource=resource, query_starttime=PAST - 50, query_endtime=PAST + 10, updates=[])
    save(tmp_path, "b.json", resource=resource, query_starttime=PAST, query_endtime=PAST + 50, updates=[5])
    for name, at, asn in (("c.json", PAST - 500, 1), ("d.json", PAST - 5, 2), ("e.json", PAST + 5, 3)):
        save(tmp_path, name, resource=resource, timestamp=at, bgp_state=[{**route, "path": [asn]}])
    save(tmp_path, "f.json", resource="64500", prefixes=[])
    tmp_path.joinpath("g.json").write_bytes(b"{")
    tmp_path.joinpath("notes.txt").write_bytes(b"not looked at")
    saved = SavedAnswers(tmp_path)
    state = Query(call="bgp-state", resource=resource, since=PAST, until=PAST)

    assert read_routes(asyncio.run(saved.ask(QUERY))).bad == 1
    assert [event.peer_asn for event in read_routes(asyncio.run(saved.ask(state))).events] == [2]
    assert [line.partition(":")[0] for line in saved.refused] == ["f.json", "g.json"]
    assert saved.prefixes(lambda prefix: True) == (parse_prefix(resource),)
    for missing in (
        Query(call="bgp-updates", resource=resource, since=PAST + 100, until=PAST + 200),
        Query(call="bgp-state", resource=resource, since=PAST - 600, until=PAST - 501),
        Query(call="bgp-updates", resource="198.51.100.0/24", since=PAST, until=PAST + 60),
    ):
        with pytest.raises(RipestatUnavailableError, match="not among the saved answers"):
            asyncio.run(saved.ask(missing))


def test_the_past_of_a_prefix_is_asked_with_the_prefixes_that_its_history_names() -> None:
    """A more-specific that was announced in the window too; one of last year, and a stranger, are not."""

    def reply(path: str, parameters: dict[str, str]) -> Reply:
        def period(prefix: str, since: float, until: float) -> dict[str, object]:
            return {
                "prefix": prefix,
                "timelines": [{"starttime": since, "endtime": until, "full_peers_seeing": 9}],
            }

        if "routing-history" in path:
            prefixes = [period("203.0.113.0/25", PAST, PAST + 9), period("203.0.113.128/25", PAST - 99, PAST - 9),
                        period("198.51.100.0/24", PAST, PAST + 9)]  # fmt: skip
            data = {"resource": parameters["resource"], "by_origin": [{"origin": "64666", "prefixes": prefixes}]}
        elif "bgp-state" in path:
            return 404, {}, b""
        else:
            attributes = {"source_id": "01-198.51.100.1", "target_prefix": parameters["resource"], "path": [64666]}
            late = [{"timestamp": PAST + after, "type": "A", "attrs": attributes} for after in (1, 61)]
            data = {"resource": parameters["resource"], "updates": late}
        return 200, {}, json.dumps({"data": data}).encode()

    async def scenario(url: str):
        async with Ripestat(url=url, gap_s=0.0, wait_initial_s=0.001) as client:
            return await past_routes(client, [parse_prefix("203.0.113.0/24")], PAST, PAST + 60)

    with ripestat(reply) as server:
        found = asyncio.run(scenario(server.url))
        updates = [parameters["resource"] for path, parameters in server.asked if "bgp-updates" in path]

    assert updates == ["203.0.113.0/24", "203.0.113.0/25"]
    assert [(str(event.prefix), event.at) for event in found.events] == [
        ("203.0.113.0/24", PAST + 1), ("203.0.113.0/25", PAST + 1),
    ]  # fmt: skip
    assert [(query.call, reason) for query, reason in found.problems] == [("bgp-state", "HTTP status 404")] * 2
    assert len(found.periods) == 3
