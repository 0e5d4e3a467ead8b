"""MRT files as they appear, and VRPs from files and a real HTTP server."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import json
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from monitor.bgp.prefix_filter import PrefixFilter
from monitor.bgp.sources import MrtSource, VrpSource, VrpSourceError, load_vrps
from monitor.model import FileMark

VRPS = json.dumps({"roas": [{"prefix": "203.0.113.0/24", "maxLength": 24, "asn": "AS64500"}]}).encode()


def routes(facts):
    """What is no mark."""
    return [fact for fact in facts if not isinstance(fact, FileMark)]


def mrt(wire, asn: int, count: int = 1) -> bytes:
    """Records of a peer with that AS number."""
    body = wire.update(attributes=wire.attribute(2, wire.as_path([asn])), announced=wire.nlri("203.0.113.0/24"))
    return wire.bgp4mp(body, asn=asn) * count


def test_tables_come_before_updates_and_each_file_once(wire, tmp_path):
    """Else a table would undo what came after it."""
    for name, asn in (("updates.1", 2), ("rib.9", 1), ("updates.2", 3)):
        (tmp_path / name).write_bytes(mrt(wire, asn))
    seen = []

    async def sink(facts) -> None:
        seen.extend(fact.peer_asn for fact in routes(facts))

    async def scenario() -> None:
        source = MrtSource(str(tmp_path / "*"))
        await source.read_present(sink)
        await source.read_present(sink)

    asyncio.run(scenario())
    assert seen == [1, 2, 3]


def test_new_file_is_read_when_it_has_stopped_growing(wire, tmp_path):
    """Collectors write compressed ones for minutes; pauses are turns here."""
    seen, turns = [], 0
    path = tmp_path / "updates.new"

    async def sink(facts) -> None:
        seen.append((turns, len(routes(facts))))

    async def wait(seconds: float) -> None:
        nonlocal turns
        turns += 1
        if turns in (1, 2):
            path.write_bytes(gzip.compress(mrt(wire, 1, count=turns)))
        if turns == 5:
            raise TimeoutError

    async def scenario() -> None:
        await MrtSource(str(tmp_path / "*"), wait=wait).run(sink)

    with pytest.raises(TimeoutError):
        asyncio.run(scenario())
    assert [entry for entry in seen if entry[1]] == [(3, 2)]


def test_large_files_come_in_batches(wire, tmp_path):
    """No batch holds a whole table."""
    (tmp_path / "updates").write_bytes(mrt(wire, 1, count=12_000))
    sizes = []

    async def sink(facts) -> None:
        sizes.append(len(routes(facts)))

    asyncio.run(MrtSource(str(tmp_path / "*")).read_present(sink))
    assert sum(sizes) == 12_000
    assert max(sizes) < 4_000


def test_cancelling_ends_the_feed_and_its_thread_in_the_middle_of_a_file(wire, tmp_path):
    """Most routes of a table are not wanted, so the thread would read for minutes without a fact to give."""
    (tmp_path / "rib.1").write_bytes(mrt(wire, 1, count=20_000))
    inside, go_on = Event(), Event()
    asked = 0

    def wanted(version: int, key: int) -> bool:
        nonlocal asked
        asked += 1
        inside.set()
        go_on.wait(20)
        return False

    async def sink(facts) -> None:
        raise AssertionError("nothing is wanted")

    async def scenario() -> None:
        source = MrtSource(
            str(tmp_path / "*"), lambda: PrefixFilter(wanted, [ipaddress.ip_network("203.0.113.0/24")])
        )
        reading = asyncio.create_task(source.run(sink))
        assert await asyncio.to_thread(inside.wait, 20)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        go_on.set()

    asyncio.run(scenario())
    assert 0 < asked < 4_000


def test_a_file_that_vanishes_is_passed_over(wire, tmp_path):
    """Old updates are moved away while the folder is looked through: here a link to what is gone."""
    (tmp_path / "updates.1").symlink_to(tmp_path / "moved" / "updates.1")
    (tmp_path / "updates.2").write_bytes(mrt(wire, 2))
    (tmp_path / "updates.3").mkdir()
    seen = []

    async def sink(facts) -> None:
        seen.extend(fact.peer_asn for fact in routes(facts))

    asyncio.run(MrtSource(str(tmp_path / "*")).read_present(sink))
    assert seen == [2]


def test_what_was_in_each_file_is_told(wire, tmp_path):
    """Read whole, torn, and not readable at all: here a compressed file that is none behind its magic."""
    (tmp_path / "a").write_bytes(mrt(wire, 1, count=3))
    (tmp_path / "b").write_bytes(mrt(wire, 1, count=2)[:-1])
    (tmp_path / "c").write_bytes(b"\x1f\x8bxx")
    told = []

    async def sink(facts) -> None:
        pass

    source = MrtSource(str(tmp_path / "*"), told=lambda path, stats: told.append((path.name, stats)))
    asyncio.run(source.read_present(sink))

    assert [(name, stats.elements, stats.bad) for name, stats in told] == [("a", 3, 0), ("b", 1, 1), ("c", 0, 0)]
    assert [bool(stats.damage) for _, stats in told] == [False, True, True]


@asynccontextmanager
async def http_server(answer):
    """A real HTTP server on loopback; `answer(headers)` gives status, headers, body."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer and remember what was asked."""
            asked.append(dict(self.headers))
            status, headers, body = answer(self.headers)
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/vrps.json", asked
    finally:
        await asyncio.to_thread(server.shutdown)
        thread.join()
        server.server_close()


def test_unchanged_vrps_are_not_loaded_again():
    """The server's ETag is given back to it."""

    def answer(headers):
        if headers.get("If-None-Match") == '"one"':
            return 304, {}, b""
        return 200, {"ETag": '"one"'}, VRPS

    async def scenario() -> None:
        async with http_server(answer) as (url, asked):
            source = VrpSource(url)

            assert len(await source.load()) == 1
            assert await source.load() is None
            assert asked[1]["If-None-Match"] == '"one"'

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [(500, b"", "HTTP status 500"), (200, b"<html>", "not a validator"), (200, VRPS * 100, "above 1000 bytes")],
)
def test_bad_answers_name_the_source_and_the_reason(status, body, says):
    """Asking again later may help; an error page is no empty table."""

    async def scenario() -> None:
        async with http_server(lambda headers: (status, {}, body)) as (url, _):
            with pytest.raises(VrpSourceError, match=says) as caught:
                await VrpSource(url, max_bytes=1000).load()

            assert url in str(caught.value)

    asyncio.run(scenario())


def test_vrps_without_a_time_of_their_own_have_that_of_the_server():
    """It is given back too, for servers without ETag; beyond the allowed age they are stale, and in force."""
    date = "Tue, 16 Jun 2026 08:00:00 GMT"

    def answer(headers):
        unchanged = headers.get("If-Modified-Since") == date
        return (304, {}, b"") if unchanged else (200, {"Last-Modified": date}, VRPS)

    async def scenario() -> None:
        async with http_server(answer) as (url, asked):
            source = VrpSource(url, max_age_s=3600.0)
            found = await source.load()

            assert found.made_at == 1781596800.0
            assert (found.stale_s(1781600400.0), found.stale_s(1781600401.0)) == (None, 3601.0)
            assert await source.load() is None
            assert "If-None-Match" not in asked[1]

    asyncio.run(scenario())


@pytest.mark.parametrize("date", ["yesterday", "Tue, 99 Jun 2026 08:00:00 GMT", ""])
def test_a_date_that_is_none_is_no_time(date):
    """The age is unknown then, which is not stale."""

    async def scenario() -> None:
        async with http_server(lambda headers: (200, {"Last-Modified": date}, VRPS)) as (url, _):
            found = await VrpSource(url, max_age_s=1.0).load()

            assert (found.made_at, found.stale_s(9e9)) == (None, None)

    asyncio.run(scenario())


def test_vrps_of_a_file_are_read_again_when_it_changes(tmp_path):
    """By its time and size; a missing one is an error of ours."""
    path = tmp_path / "vrps.json"
    path.write_bytes(VRPS)

    async def scenario() -> None:
        source = VrpSource(str(path))

        assert len(await source.load()) == 1
        assert await source.load() is None
        path.write_bytes(b'[{"prefix":"203.0.113.0/24","asn":1},{"prefix":"198.51.100.0/24","asn":1}]')
        assert len(await source.load()) == 2
        assert len(await load_vrps(str(path))) == 2
        with pytest.raises(VrpSourceError, match=r"absent\.json"):
            await load_vrps(str(tmp_path / "absent.json"))

    asyncio.run(scenario())
