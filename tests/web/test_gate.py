"""Who may look, under which names, and what a browser is told: on the wire."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
from served import Site, serving

from monitor.web.dashboard import Source, application
from monitor.web.dashboard.login import Logins, login_line, parse_logins
from probes import clock

ALICE = login_line("alice", "correct horse")


@pytest.fixture(scope="module")
def closed(source: Source) -> Iterator[Site]:
    """A dashboard for alice."""
    logins = Logins(parse_logins(ALICE), clock.monotonic)
    with serving(application(source, logins=logins, hosts=None)) as url:
        yield Site(url, source)


def basic(name: str, password: str) -> str:
    """An Authorization header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/status", "/x", "/static/x/whydown.css"])
def test_every_answer_tells_the_browser_to_run_and_load_nothing_else(site: Site, path: str) -> None:
    """Errors and files too; nothing may be framed, guessed at or told to other sites."""
    headers = site.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


def test_files_are_kept_by_what_they_hold(site: Site) -> None:
    """The page names them with a digest; then they may be kept for a year."""
    page = site.get("/").text
    path = page.split('rel="stylesheet" href="')[1].split('"')[0]

    assert site.get(path).headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_changed(site: Site, method: str) -> None:
    """It only reads."""
    host = urlsplit(site.url)
    with socket.create_connection((host.hostname, host.port), timeout=20) as connection:
        connection.sendall(f"{method} / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
        answer = connection.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 405 ")


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1", "[::1]:8080", "LOCALHOST"])
def test_this_machine_is_asked_by_its_own_names(site: Site, host: str) -> None:
    """And by addresses, which no other site's page can have as its name."""
    assert site.get("/api/v1/status", host=host).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "[::1"])
def test_a_name_of_somebody_else_is_refused(site: Site, host: str) -> None:
    """DNS rebinding: their name leads here, and their page would read the answer."""
    assert site.get("/api/v1/status", host=host).status_code in (421, 400)


def test_without_a_login_nothing_is_shown(closed: Site) -> None:
    """Files, metrics and paths that do not exist are asked for alike."""
    for path in ("/", "/metrics", "/static/x/whydown.css", "/x"):
        answer = closed.get(path)

        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Basic realm="whydown", charset="UTF-8"'
        assert "qr-checkin" not in answer.text


@pytest.mark.parametrize(
    "authorization",
    [basic("alice", "wrong"), basic("bob", "correct horse"), "Basic %%%", "Basic", "Bearer x", basic("alice", "")],
)
def test_who_is_not_alice_is_asked_again(closed: Site, authorization: str) -> None:
    """A wrong password, a wrong name, no credentials at all."""
    assert closed.get("/", authorization=authorization).status_code == 401


def test_alice_sees_the_page_and_is_not_hashed_twice(closed: Site) -> None:
    """More often than passwords may be tried: many files are asked for with one page."""
    header = basic("alice", "correct horse")

    assert [closed.get("/incidents", authorization=header).status_code for _ in range(25)] == [200] * 25


def test_hosts_none_means_every_name(source: Source) -> None:
    """Behind a login, or for the public, any name will do."""
    with ExitStack() as stack:
        url = stack.enter_context(serving(application(source, logins=None, hosts=None)))

        assert Site(url, source).get("/api/v1/status", host="status.example").status_code == 200
