"""How the mail server is written in the configuration."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.alert.mail_server import MailServer, Security, parse_mail_server


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://localhost", MailServer(host="localhost", port=25, security=Security.PLAIN)),
        ("smtps://mx.example:1465", MailServer(host="mx.example", port=1465, security=Security.TLS)),
        (
            "smtp+starttls://noc%40example.com@mx.example",
            MailServer(host="mx.example", port=587, security=Security.STARTTLS, user="noc@example.com"),
        ),
        ("smtp://[::1]:2525", MailServer(host="::1", port=2525, security=Security.PLAIN)),
    ],
)
def test_a_server_has_its_schemes_port_and_its_login(url: str, server: MailServer) -> None:
    """Ports 25, 465 and 587 by default; the login may be escaped as URLs are."""
    assert parse_mail_server(url) == server


@pytest.mark.parametrize(
    ("host", "local"),
    [("localhost", True), ("127.0.0.1", True), ("[::1]", True), ("127.example", False), ("192.0.2.1", False)],
)
def test_only_loopback_is_this_machine(host: str, local: bool) -> None:
    """A name that begins like a loopback address is somebody else's."""
    assert parse_mail_server(f"smtp://{host}").is_local is local


@settings(derandomize=True, max_examples=200)
@given(st.one_of(st.text(max_size=60), st.from_regex(r"smtps?://[^/]{0,20}", fullmatch=True)))
def test_any_text_is_a_server_or_an_error(text: str) -> None:
    """A parser ends in a value that prints as it was meant, or in ValueError."""
    try:
        server = parse_mail_server(text)
    except ValueError:
        return

    assert server.host
    assert str(server).startswith(f"{server.security}://")
