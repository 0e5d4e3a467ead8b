"""One SMTP connection (RFC 5321) on smtplib, with bounds that smtplib lacks.

smtplib gives each read of a socket its own time-out, so a server that sends one byte now and then holds its
client for ever, and it collects the lines of a reply without limit. Here a reply has one deadline and a
size; what a server sends before STARTTLS and we did not ask for ends the session (RFC 3207 section 6).
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from collections.abc import Callable

from monitor.alert.mail_server import MailServer, Security

Reply = tuple[int, bytes]

# RFC 5321 section 4.5.3.2 asks for 5 minutes a command, meant for relays that queue. For a mail about an
# outage it is better to give up early and try again: nothing is lost by it before the final dot.
COMMAND_TIMEOUT_S = 30.0
# After the final dot it is: a mail given up here may arrive twice, so we wait as long as 4.5.3.2.6 says.
FINAL_TIMEOUT_S = 600.0
_QUIT_TIMEOUT_S = 2.0
_MOST_REPLY_BYTES = 64 * 1024
_BLOCK = 4096


class SmtpSession(smtplib.SMTP):
    """A connected, greeted session with `server`; `command_timeout_s` bounds every step but the last.

    :raises OSError: no connection, no TLS, or no answer in time (socket.timeout is one)
    :raises smtplib.SMTPException: the server refused, or does not speak SMTP
    """

    def __init__(
        self, server: MailServer, tls: ssl.SSLContext, command_timeout_s: float, final_timeout_s: float
    ) -> None:
        self._server = server
        self._tls = tls
        self._unread = b""
        self._timeout_s = command_timeout_s
        self._final_timeout_s = final_timeout_s
        # A name of our own: smtplib would look itself up in DNS, without a time-out, in an outage.
        name = socket.gethostname().encode("ascii", "ignore").decode() or "localhost"
        super().__init__(server.host, server.port, local_hostname=name, timeout=command_timeout_s)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Connect; smtplib's own TLS class overrides the same method."""
        plain = socket.create_connection((host, port), timeout)
        if self._server.security is not Security.TLS:
            return plain
        try:
            return self._tls.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise

    def secure(self) -> None:
        """Go over to TLS (RFC 3207)."""
        self.starttls(context=self._tls)
        if self._unread:
            raise smtplib.SMTPServerDisconnected("the server sent data in clear after STARTTLS")
        self.ehlo()

    def getreply(self) -> Reply:
        """The next reply, all its lines, within the time-out."""
        deadline = time.monotonic() + self._timeout_s
        lines: list[bytes] = []
        left = _MOST_REPLY_BYTES
        while True:
            line = self._read_line(deadline, left)
            left -= len(line)
            lines.append(line[4:].strip())
            if not line[:3].isdigit():
                self.close()
                raise smtplib.SMTPServerDisconnected(f"not an SMTP reply: {line[:60]!r}")
            if line[3:4] != b"-":
                return int(line[:3]), b"\n".join(lines)

    def send_message_body(self, payload: bytes, before_final_dot: Callable[[], None]) -> Reply:
        """DATA: the payload, then `before_final_dot()`, then the dot; the server's last word.

        :raises smtplib.SMTPDataError: DATA itself was refused
        """
        code, said = self.docmd("DATA")
        if code != 354:
            raise smtplib.SMTPDataError(code, said)
        self.send(_transparent(payload))
        before_final_dot()
        self._timeout_s = self._final_timeout_s
        self.send(b".\r\n")
        return self.getreply()

    def leave(self) -> None:
        """QUIT, politely but without waiting long: what counts was said before."""
        self._timeout_s = _QUIT_TIMEOUT_S
        try:
            self.quit()
        except (OSError, smtplib.SMTPException):
            self.close()

    def _read_line(self, deadline: float, left: int) -> bytes:
        while b"\n" not in self._unread:
            self._unread += self._receive(deadline)
            if len(self._unread) > left:
                self.close()
                raise smtplib.SMTPServerDisconnected(f"a reply of more than {_MOST_REPLY_BYTES} bytes")
        line, _, self._unread = self._unread.partition(b"\n")
        return line.rstrip(b"\r")

    def _receive(self, deadline: float) -> bytes:
        """What has come by now, at least a byte; after an error the connection is closed, as smtplib has it."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        remaining = deadline - time.monotonic()
        try:
            if remaining <= 0:
                raise TimeoutError
            self.sock.settimeout(remaining)
            block = self.sock.recv(_BLOCK)
        except TimeoutError as error:
            self.close()
            raise TimeoutError(f"no whole reply within {self._timeout_s:g} s") from error
        except OSError:
            self.close()
            raise
        if not block:
            self.close()
            raise smtplib.SMTPServerDisconnected("the server closed the connection")
        return block


def _transparent(payload: bytes) -> bytes:
    """Whole lines ending in CRLF, a leading dot doubled (RFC 5321 section 4.5.2).

    A bare CR or LF inside would let a server see an end of the message that is none.
    """
    lines = payload.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n").split(b"\n")
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines)
