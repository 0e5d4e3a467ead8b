"""Delivery by SMTP to a real server on loopback: plain, TLS, STARTTLS, login; and to servers that misbehave."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from monitor.alert import PermanentError, SmtpDelivery, TemporaryError
from monitor.history import Notice
from monitor.model.settings import MailSettings

NoticeOf = Callable[..., Notice]
Serving = Callable[..., AbstractContextManager[int]]

# aiosmtpd 1.4 reads an attribute of its own that it declares deprecated, on every login.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:aiosmtpd")


class _Box:
    """What a server took, and what it says to a recipient."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.logins: list[str] = []
        self.secure: list[bool] = []

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        code = address.partition("@")[0]
        if code.isdigit():
            return f"{code} \x1b[31mno"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.mails.append(envelope)
        self.secure.append(session.ssl is not None)
        return "250 taken"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        self.logins.append(data.login.decode())
        return AuthResult(success=data.password == b"s3cret", handled=False)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority for these tests."""
    return trustme.CA()


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """The server's side: a certificate for localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    """Our side: it trusts the authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    """The password, with the line end that editors leave."""
    path = tmp_path / "password"
    path.write_text("s3cret\n")
    return path


def _settings(smtp: str, password_file: Path | None = None) -> MailSettings:
    return MailSettings(to=("noc@example.com",), smtp=smtp, sender="w@example.com", password_file=password_file)


def _nothing() -> None:
    """A hand-over that keeps no record."""


def test_the_server_gets_the_message_as_it_is(serving: Serving, notice_of: NoticeOf) -> None:
    """Envelope, headers and body arrive, also lines that begin with a dot."""
    box = _Box()
    notice = notice_of(body="first\r\n.hidden\r\n..\r\n.\r\nlast")
    with serving(box) as port:
        SmtpDelivery(settings=_settings(f"smtp://127.0.0.1:{port}"))(notice, _nothing)
    (mail,) = box.mails

    assert (mail.mail_from, mail.rcpt_tos) == ("w@example.com", ["noc@example.com"])
    assert mail.content == notice.payload


def test_nothing_is_delivered_before_the_hand_over_is_recorded(serving: Serving, notice_of: NoticeOf) -> None:
    """When the record cannot be made, its error comes through and the server takes no mail."""
    box = _Box()

    def full_disk() -> None:
        assert box.mails == []
        raise OSError("disk full")

    with serving(box) as port:
        with pytest.raises(OSError, match="disk full"):
            SmtpDelivery(settings=_settings(f"smtp://127.0.0.1:{port}"))(notice_of(), full_disk)
        SmtpDelivery(settings=_settings(f"smtp://127.0.0.1:{port}"))(notice_of(2), _nothing)

    assert [b".2." in (mail.content or b"") for mail in box.mails] == [True]


@pytest.mark.parametrize(("code", "error"), [(450, TemporaryError), (550, PermanentError)])
def test_a_refused_recipient_is_temporary_or_permanent_by_its_code(
    serving: Serving, notice_of: NoticeOf, code: int, error: type[Exception]
) -> None:
    """4xx can be tried again, 5xx cannot; the server's words are made safe to log."""
    with serving(_Box()) as port:
        delivery = SmtpDelivery(settings=_settings(f"smtp://127.0.0.1:{port}"))
        with pytest.raises(error, match=rf"smtp://127\.0\.0\.1:\d+: RCPT: {code} \\x1b\[31mno"):
            delivery(notice_of(to=f"{code}@example.com"), _nothing)


def test_starttls_and_login(
    serving: Serving,
    notice_of: NoticeOf,
    server_tls: ssl.SSLContext,
    client_tls: ssl.SSLContext,
    password_file: Path,
) -> None:
    """The mail goes over TLS after a login with the password of the file."""
    box = _Box()
    with serving(
        box, tls_context=server_tls, require_starttls=True, auth_required=True, authenticator=box.authenticate
    ) as port:
        settings = _settings(f"smtp+starttls://noc%40example.com@localhost:{port}", password_file)
        SmtpDelivery(settings=settings, tls=client_tls)(notice_of(), _nothing)

    assert (box.logins, box.secure, len(box.mails)) == (["noc@example.com"], [True], 1)


def test_tls_from_the_start(
    serving: Serving, notice_of: NoticeOf, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """smtps:// speaks TLS before SMTP."""
    box = _Box()
    with serving(box, hostname="localhost", ssl_context=server_tls) as port:
        SmtpDelivery(settings=_settings(f"smtps://localhost:{port}"), tls=client_tls)(notice_of(), _nothing)

    assert len(box.mails) == 1


def test_a_stranger_s_certificate_gets_no_mail(
    serving: Serving, notice_of: NoticeOf, server_tls: ssl.SSLContext
) -> None:
    """Who is not trusted is given neither password nor mail; it can be repaired, so it is tried again."""
    box = _Box()
    with serving(box, tls_context=server_tls) as port:
        delivery = SmtpDelivery(settings=_settings(f"smtp+starttls://localhost:{port}"))
        with pytest.raises(TemporaryError, match=r"greet: .*certificate verify failed"):
            delivery(notice_of(), _nothing)

    assert box.mails == []


def test_starttls_that_is_not_offered_is_not_done_without(serving: Serving, notice_of: NoticeOf) -> None:
    """A server, or somebody between, that hides STARTTLS gets nothing in clear."""
    box = _Box()
    with serving(box) as port, pytest.raises(TemporaryError, match="STARTTLS extension not supported"):
        SmtpDelivery(settings=_settings(f"smtp+starttls://localhost:{port}"))(notice_of(), _nothing)

    assert box.mails == []


def test_what_was_slipped_in_before_starttls_ends_the_session(
    notice_of: NoticeOf, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """Somebody on the way adds a reply in clear to the server's own; it must not be taken for one under TLS."""
    said: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"220 hello\r\n")
            connection.recv(1000)
            connection.sendall(b"250-localhost\r\n250 STARTTLS\r\n")
            connection.recv(1000)
            connection.sendall(b"220 go on\r\n250 slipped in\r\n")
            with server_tls.wrap_socket(connection, server_side=True) as secured:
                said.append(secured.recv(1000))

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as threads:
        serving = threads.submit(serve, listener)
        url = f"smtp+starttls://localhost:{listener.getsockname()[1]}"
        with pytest.raises(TemporaryError, match="greet: the server sent data in clear after STARTTLS"):
            SmtpDelivery(settings=_settings(url), tls=client_tls)(notice_of(), _nothing)
        serving.result(20)

    assert said == [b""]


def test_a_wrong_password_is_tried_again_with_the_file_as_it_is_then(
    serving: Serving,
    notice_of: NoticeOf,
    server_tls: ssl.SSLContext,
    client_tls: ssl.SSLContext,
    password_file: Path,
) -> None:
    """The refusal does not show the password; once the file is right, the same delivery succeeds."""
    box = _Box()
    password_file.write_text("wr0ng")
    with serving(box, tls_context=server_tls, auth_required=True, authenticator=box.authenticate) as port:
        settings = _settings(f"smtp+starttls://noc@localhost:{port}", password_file)
        delivery = SmtpDelivery(settings=settings, tls=client_tls)
        with pytest.raises(TemporaryError, match="log in: 535") as refused:
            delivery(notice_of(), _nothing)
        password_file.write_text("s3cret")
        delivery(notice_of(), _nothing)

    assert "wr0ng" not in str(refused.value)
    assert len(box.mails) == 1


@pytest.mark.parametrize(
    ("smtp", "password", "error"),
    [
        ("smtp://noc@mail.example", "password", "no password is sent without TLS"),
        ("smtp://noc@127.0.0.1:{port}", None, "there is no password_file"),
        ("smtp://noc@127.0.0.1:{port}", "missing", "password_file .*missing: .*No such file"),
    ],
)
def test_a_login_that_cannot_be_made_says_what_is_missing(
    serving: Serving, notice_of: NoticeOf, password_file: Path, smtp: str, password: str | None, error: str
) -> None:
    """No password in clear over a network, and no guess at a password."""
    path = password_file.parent / password if password else None
    with serving(_Box()) as port:
        # 0.0.0.0 reaches this machine, but is no loopback address as it is written.
        settings = _settings(smtp.replace("{port}", str(port)).replace("mail.example", f"0.0.0.0:{port}"), path)
        with pytest.raises(TemporaryError, match=error):
            SmtpDelivery(settings=settings)(notice_of(), _nothing)
