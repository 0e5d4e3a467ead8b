"""Connecting to brokers: over TLS where the URLs say so, with a login where one is given, and what to say if not.

The library tries every broker again and again, and tells a callback what went wrong with each. Of the first
connection that is kept, so that "wrong password" is not told as "none answers". What goes wrong later is logged,
and tried again for ever.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any

import nats.errors
import structlog
from nats.aio.client import Client

from monitor.bus.errors import BusError
from monitor.config.secret import first_line
from monitor.model.settings import BusSettings

CONNECT_S = 3.0
FIRST_S = 5.0
"""For the first connection, to any of the brokers."""

CLOSE_S = 0.5

AGAIN_S = 0.5

PING_S = 2.0
"""Two unanswered pings, and a broker that stands still is left for another one: after 4 to 6 s, for others do not
wait for a door much longer (`monitor.bus.watermark.GONE_S`)."""

MOST_REASONS = 4
"""That are told of one failure: brokers of one cluster mostly fail alike."""

_REFUSED = "authorization violation"
"""How a broker says that it does not let somebody in, in whatever case."""

_log = structlog.get_logger("bus")


async def connect(settings: BusSettings, who: str) -> Client:
    """A connection to any of the brokers; `who` is what they call it.

    :raises BusError: none is reached, none lets us in, or a file of [bus] cannot be read
    """
    # The library prints each broken connection with its stack; what matters of that is said here.
    logging.getLogger("nats.aio.client").setLevel(logging.CRITICAL)
    secure = _tls(settings)
    client = _PromptClient() if secure is None else _SecureClient()
    troubles = _Troubles(settings)

    async def lost() -> None:
        if not client.is_closed:  # it is told of our own farewell too
            _log.warning("broker_lost")

    try:
        # Once connected the client tries for ever; the first time somebody waits to hear that there is none.
        async with asyncio.timeout(FIRST_S):
            await client.connect(
                list(settings.urls),
                name=f"whydown {who}",
                connect_timeout=int(CONNECT_S),
                allow_reconnect=True,
                max_reconnect_attempts=-1,
                reconnect_time_wait=AGAIN_S,  # type: ignore[arg-type]  # seconds to sleep, and a half will do
                ping_interval=int(PING_S),
                user=settings.user,
                password=_password(settings),
                tls=secure,
                error_cb=troubles.take,
                disconnected_cb=lost,
                reconnected_cb=_found,
            )
    except (nats.errors.Error, OSError, TimeoutError, _RefusedError) as error:
        troubles.is_first = False
        with suppress(nats.errors.Error, OSError, TimeoutError):
            # A connection whose TLS did not come about is not seen to close.
            await asyncio.wait_for(client.close(), CLOSE_S)
        brokers = ", ".join(settings.urls)
        raise BusError(f"no broker of {brokers} is reached: {troubles.told(error)}") from error
    troubles.is_first = False
    return client


def reason(error: BaseException) -> str:
    """What the library or the kernel said, in a line."""
    if isinstance(error, nats.errors.NoServersError | TimeoutError) and not str(error):
        return "none answers"
    description = getattr(error, "description", None)
    return f"{type(error).__name__}: {description or error}"[:300]


class _InClearError(nats.errors.Error):
    """A broker that does not begin TLS."""


class _PromptClient(Client):
    """Leaves a broker that is gone at once.

    The library waits until all that it had to say is sent: to a broker that is cut off, or stands still, that is
    until it is back, or for the quarter of an hour after which TCP gives up.
    """

    async def _attempt_reconnect(self) -> None:
        writer = getattr(self._transport, "_io_writer", None)
        if writer is not None:
            writer.transport.abort()
        await super()._attempt_reconnect()


class _SecureClient(_PromptClient):
    """Goes on only with a broker that begins TLS.

    The library takes `tls://` for leave to use it: with a broker, or with somebody on the way, that does not ask
    for TLS it would go on in clear, and send the password so.
    """

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        if initial_connection and not info.get("tls_required"):
            raise _InClearError("it speaks no TLS, which tls:// asks for")
        await super()._process_info(info, initial_connection)


class _RefusedError(Exception):
    """All brokers have said no: ends the library's trying, which would go on for ever."""


class _Troubles:
    """What went wrong with brokers, in the words of who has to mend it."""

    def __init__(self, settings: BusSettings) -> None:
        self._settings = settings
        self._reasons: list[str] = []
        self._refusals = 0
        self.is_first = True
        """While somebody waits for the first connection; later, whatever goes wrong may pass."""

    async def take(self, error: Exception) -> None:
        """The library's callback.

        :raises _RefusedError: at the first connection, when there is nothing to wait for
        """
        said = self._explained(error)
        _log.debug("broker_trouble", error=said)
        if not self.is_first:
            return
        if said not in self._reasons and len(self._reasons) < MOST_REASONS:
            self._reasons.append(said)
        self._refusals += _is_refusal(error)
        if self._refusals >= len(self._settings.urls):
            raise _RefusedError

    def told(self, last: BaseException) -> str:
        """All reasons, where there are any; a connection is broken because it was refused."""
        telling = [one for one in self._reasons if not one.startswith(("BrokenPipeError", "ConnectionResetError"))]
        return "; ".join(telling or self._reasons) or self._explained(last)

    def _explained(self, error: BaseException) -> str:
        settings = self._settings
        if isinstance(error, ssl.SSLCertVerificationError):
            vouching = settings.ca_file or "the system's authorities"
            return f"its certificate does not hold by {vouching} ([bus] ca_file): {error.verify_message}"
        if _REFUSED in str(error).lower():
            if settings.user is None:
                return "it asks who comes ([bus] user and password_file)"
            return f"it refuses {settings.user} with the password of {settings.password_file}"
        if isinstance(error, _InClearError):
            return str(error)
        return reason(error)


def _is_refusal(error: BaseException) -> bool:
    """Whether it will be said again whenever that broker is asked."""
    return isinstance(error, ssl.SSLCertVerificationError | _InClearError) or _REFUSED in str(error).lower()


def _password(settings: BusSettings) -> str | None:
    """The first line of the file."""
    if settings.password_file is None:
        return None
    try:
        return first_line(settings.password_file)
    except (OSError, UnicodeError) as error:
        raise _unreadable("password_file", settings.password_file, error) from error


def _tls(settings: BusSettings) -> ssl.SSLContext | None:
    """What a broker's certificate is held against; None: the URLs ask for no TLS."""
    if not any(url.startswith("tls://") for url in settings.urls):
        return None
    try:
        return ssl.create_default_context(cafile=None if settings.ca_file is None else str(settings.ca_file))
    except OSError as error:  # also an ssl.SSLError: no certificate in it
        raise _unreadable("ca_file", settings.ca_file, error) from error


def _unreadable(key: str, path: Path | None, error: Exception) -> BusError:
    return BusError(f"[bus] {key} = {path} cannot be used: {getattr(error, 'strerror', None) or error}")


async def _found() -> None:
    _log.warning("broker_found_again")
