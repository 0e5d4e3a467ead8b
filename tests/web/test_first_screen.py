"""Pages in two parts: what is wrong at once; the grid, or a target's lanes, when they are found."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from served import Site, serving

from monitor.history import HistoryError, Reader
from monitor.history.answers import Newest, PathChange
from monitor.web.dashboard import Source, application

WITHIN_S = 30.0


class _HeldReader(Reader):
    """A history whose newest requests, of all targets, and changes of paths take as long as `hold` does."""

    hold: Callable[[], None]
    of_lanes = False

    def newest(self, since: float, until: float, *, target: str | None = None) -> list[Newest]:
        if not self.of_lanes:
            self.hold()
        return super().newest(since, until, target=target)

    def path_changes(
        self, since: float, until: float, *, target: str | None = None, vantage: str | None = None
    ) -> list[PathChange]:
        self.hold()
        return super().path_changes(since, until, target=target, vantage=vantage)


@pytest.fixture
def held(kakao: Path, source: Source) -> Iterator[tuple[str, _HeldReader]]:
    """A dashboard over a reader that can be held; its address."""
    with _HeldReader.open(kakao) as reader:
        assert isinstance(reader, _HeldReader)
        slow = replace(source, reader=reader)
        with serving(application(slow, logins=None, hosts={"localhost"})) as url:
            yield url, reader


def test_a_target_is_there_before_its_lanes_are_read(held: tuple[str, _HeldReader]) -> None:
    """Its verdict and the frame of the charts, while a day's facts are looked through for changes."""
    url, reader = held
    seen, got = threading.Event(), ""
    waited: list[bool] = []
    reader.of_lanes = True
    reader.hold = lambda: waited.append(seen.wait(WITHIN_S))
    with httpx.stream("GET", f"{url}/targets/qr-checkin", timeout=WITHIN_S) as answer:
        for part in answer.iter_text():
            got += part
            if "hijack 99%" in got and 'id="phases"' in got and not seen.is_set():
                assert "Certificate" not in got
                seen.set()

    assert waited == [True]
    assert got.index("hijack 99%") < got.index("Certificate")
    assert got.rstrip().endswith("</html>")


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_incidents_are_there_before_the_grid_is_found(held: tuple[str, _HeldReader], encoding: str) -> None:
    """A reader sees what is wrong while the requests of thousands of series are still being read."""
    url, reader = held
    seen = threading.Event()
    waited: list[bool] = []
    reader.hold = lambda: waited.append(seen.wait(WITHIN_S))
    got = ""
    with httpx.stream("GET", url, headers={"accept-encoding": encoding}, timeout=WITHIN_S) as answer:
        for part in answer.iter_text():
            got += part
            if "is hijacked: AS9457" in got and not seen.is_set():
                assert "Verdict" not in got
                seen.set()

    assert waited
    assert all(waited)
    assert answer.headers.get("content-encoding", "identity") == encoding
    assert "Verdict" in got
    assert got.rstrip().endswith("</html>")


def test_a_history_that_fails_between_the_parts_is_said_on_the_page(held: tuple[str, _HeldReader]) -> None:
    """The status was sent with the first part, so the page has to say it; escaped."""
    url, reader = held

    def fail() -> None:
        raise HistoryError("history <x>: disk I/O error")

    reader.hold = fail
    answer = httpx.get(url, timeout=WITHIN_S)

    assert answer.status_code == 200
    assert answer.text.endswith('<p class="notice bad">history &lt;x&gt;: disk I/O error</p>')


@pytest.mark.parametrize(
    ("asks", "encoding"), [("cross-site", None), ("same-site", None), ("same-origin", "gzip")]
)
def test_another_site_learns_nothing_from_the_size(site: Site, asks: str, encoding: str | None) -> None:
    """What its page has a reader's browser ask for is not compressed ("BREACH"); our own pages' requests are."""
    answer = site.get("/", accept_encoding="gzip", sec_fetch_site=asks)

    assert answer.headers.get("content-encoding") == encoding


def test_pages_are_sent_small(site: Site) -> None:
    """On a phone at night the bytes count; what is no page and small stays as it is."""
    with httpx.stream("GET", site.url, headers={"accept-encoding": "gzip"}, timeout=WITHIN_S) as answer:
        sent = b"".join(answer.iter_raw())

    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert len(sent) < 0.35 * len(gzip.decompress(sent))
    assert "content-encoding" not in site.get("/preferences?theme=dark").headers
