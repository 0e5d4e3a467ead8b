"""Deliver a notice by SMTP: connect, protect, log in, hand over, and say what became of it.

Blocking; the outbox runs it in a thread. It keeps nothing between two deliveries: a new connection each,
and the password file is read each time, so that a corrected one helps without a restart.

What went wrong decides if a later try can help. A refusal of *this mail* by a 5xx (sender, recipient,
content) is permanent. A refusal before any mail was named (greeting, TLS, login) is about the set-up of
server or monitor, which somebody repairs: it is tried again, or the mails of that night would be lost.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from monitor.alert.delivery import DeliveryError, PermanentError, TemporaryError
from monitor.alert.mail_server import MailServer, Security, parse_mail_server
from monitor.alert.smtp_session import COMMAND_TIMEOUT_S, FINAL_TIMEOUT_S, Reply, SmtpSession
from monitor.config.secret import first_line
from monitor.history import Notice
from monitor.model.settings import MailSettings
from monitor.report.safe_text import one_line

_ERROR_LIMIT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpDelivery:
    """The delivery that `settings` describe; call it with a notice.

    `tls`: whom to trust. The time-outs bound each answer of the server, and the one to the final dot.
    """

    settings: MailSettings
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    command_timeout_s: float = COMMAND_TIMEOUT_S
    final_timeout_s: float = FINAL_TIMEOUT_S

    def __call__(self, notice: Notice, before_final_dot: Callable[[], None]) -> None:
        """Hand over `notice`; `before_final_dot` is called just before the dot that ends the message.

        :raises TemporaryError: a later try can help
        :raises PermanentError: the server will never take this mail
        """
        with self._session() as (session, server):
            _hand_over(session, server, self.settings.sender, notice, before_final_dot)

    def greet(self) -> None:
        """All that comes before a mail: connect, EHLO, TLS, log in; then leave.

        :raises TemporaryError: as for a mail
        """
        with self._session():
            pass

    @contextmanager
    def _session(self) -> Iterator[tuple[SmtpSession, MailServer]]:
        server = _server(self.settings.smtp)
        with _named(server, "connect"):
            session = SmtpSession(server, self.tls, self.command_timeout_s, self.final_timeout_s)
        try:
            with _named(server, "greet"):
                session.ehlo_or_helo_if_needed()
                if server.security is Security.STARTTLS:
                    session.secure()
            self._log_in(session, server)
            yield session, server
            session.leave()
        finally:
            session.close()

    def _log_in(self, session: SmtpSession, server: MailServer) -> None:
        if server.user is None:
            return
        if server.security is Security.PLAIN and not server.is_local:
            raise TemporaryError(f"{server}: no password is sent without TLS; use smtp+starttls:// or smtps://")
        password = self._password()
        with _named(server, "log in"):
            session.login(server.user, password)

    def _password(self) -> str:
        path = self.settings.password_file
        if path is None:
            raise TemporaryError("alert.mail.smtp has a user, but there is no password_file")
        try:
            return first_line(path)
        except (OSError, UnicodeError) as error:
            raise TemporaryError(f"password_file {path}: {error}") from error


def _server(url: str) -> MailServer:
    try:
        return parse_mail_server(url)
    except ValueError as error:
        raise TemporaryError(f"alert.mail.smtp: {error}") from error


def _hand_over(
    session: SmtpSession, server: MailServer, sender: str, notice: Notice, before_final_dot: Callable[[], None]
) -> None:
    with _named(server, "MAIL"):
        _accept(server, "MAIL", session.mail(sender))
    for recipient in notice.recipients:
        with _named(server, "RCPT"):
            _accept(server, "RCPT", session.rcpt(recipient))
    seam = _Seam(before_final_dot)
    try:
        with _named(server, "DATA"):
            reply = session.send_message_body(notice.payload, seam)
    except DeliveryError as error:
        if seam.error is not None:
            raise seam.error from None
        if seam.passed:
            raise TemporaryError(f"{error} (after the whole message: it may have arrived)") from error
        raise
    _accept(server, "end of DATA", reply)


class _Seam:
    """`before_final_dot`, with what it raised kept apart from what the server did."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self.passed = False
        self.error: BaseException | None = None

    def __call__(self) -> None:
        try:
            self._call()
        except BaseException as error:
            self.error = error
            raise
        self.passed = True


def _accept(server: MailServer, step: str, reply: Reply) -> None:
    code, said = reply
    if 200 <= code < 300:
        return
    kind = PermanentError if 500 <= code < 600 else TemporaryError
    raise kind(_told(server, step, f"{code} {said.decode('utf-8', 'replace')}"))


@contextmanager
def _named(server: MailServer, step: str) -> Iterator[None]:
    """Turn what smtplib and sockets raise during `step` into a DeliveryError that names server and step."""
    try:
        yield
    except smtplib.SMTPDataError as error:
        _accept(server, step, (error.smtp_code, _bytes(error.smtp_error)))
        raise TemporaryError(_told(server, step, f"unexpected reply {error.smtp_code}")) from error
    except smtplib.SMTPResponseException as error:
        said = _bytes(error.smtp_error).decode("utf-8", "replace")
        raise TemporaryError(_told(server, step, f"{error.smtp_code} {said}")) from error
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise TemporaryError(_told(server, step, str(error) or type(error).__name__)) from error


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode(errors="replace")


def _told(server: MailServer, step: str, said: str) -> str:
    return one_line(f"{server}: {step}: {said}", _ERROR_LIMIT)
