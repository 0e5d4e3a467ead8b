"""The server that takes our mail, as `alert.mail.smtp` names it. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote, urlsplit


class Security(StrEnum):
    """How the connection is protected: not at all, by TLS from the start, or by STARTTLS (RFC 3207)."""

    PLAIN = "smtp"
    TLS = "smtps"
    STARTTLS = "smtp+starttls"


_PORT = {Security.PLAIN: 25, Security.TLS: 465, Security.STARTTLS: 587}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where to connect and as whom; `user` None: no login."""

    host: str
    port: int
    security: Security
    user: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether the connection never leaves this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.security}://{host}:{self.port}"


def parse_mail_server(url: str) -> MailServer:
    """Read `smtp://host:port`, `smtps://user@host`, `smtp+starttls://user@host`; ports 25, 465, 587 by default.

    :raises ValueError: it is none of these
    """
    parts = urlsplit(url)
    if parts.scheme not in [security.value for security in Security]:
        raise ValueError(f"{url[:100]!r} is none of smtp://, smtps://, smtp+starttls://")
    if not parts.hostname:
        raise ValueError(f"{url[:100]!r} names no host")
    security = Security(parts.scheme)
    user = unquote(parts.username) if parts.username else None
    return MailServer(host=parts.hostname, port=parts.port or _PORT[security], security=security, user=user)
