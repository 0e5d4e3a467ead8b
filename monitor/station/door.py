"""The door of a hub: where agents bring facts and ask for orders, with its certificate and the keys that open it.

What stands behind it is the crew. It is the same door for a hub in one process and for each intake at a bus.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable

import structlog

from monitor.hub.crew import Crew
from monitor.hub.tending import DAY_S
from monitor.link.signature import Doorkeeper, KnownKey
from monitor.model.settings import Config
from monitor.web.intake import Intake
from monitor.web.server import Server, server_context, split_listen
from probes import clock


class Door:
    """`run` it once; `reload` while it runs.

    :raises ValueError: the configuration does not say where to listen
    :raises OSError: the certificate or its key cannot be used
    """

    def __init__(self, config: Config, crew: Crew) -> None:
        if config.intake is None:
            raise ValueError("[hub] listen is missing: where agents reach this hub")
        self._config = config
        self._settings = config.intake
        self._context = server_context(config.intake.certificate, config.intake.certificate_key)
        self._crew = crew
        self._doorkeeper = Doorkeeper(_keys(config))
        self._log = structlog.get_logger("hub")

    async def run(self, stop: asyncio.Event) -> None:
        """Let agents in until `stop`; returns when every receipt that will be given was given.

        :raises OSError: the address cannot be listened on
        """
        keep_s = self._config.history.keep_days * DAY_S
        intake = Intake(self._crew, self._doorkeeper, now=clock.wall, keep_s=keep_s)
        server = Server(intake.application(), self._context)
        host, port = split_listen(self._settings.listen)
        try:
            port = await server.start(host, port)
            self._log.info("listening", address=host, port=port, vantages=len(known_vantages(self._config)))
            await stop.wait()
            self._crew.dismiss()
        finally:
            await server.stop()

    def reload(self, config: Config) -> None:
        """Go on with other keys and another certificate, which new connections see."""
        self._config = config
        self._doorkeeper.use(_keys(config))
        self._crew.configure(config)
        if config.intake is None:
            return
        if config.intake.listen != self._settings.listen:
            self._log.warning("restart_needed", key="hub.listen", kept=self._settings.listen)
        try:
            self._context.load_cert_chain(config.intake.certificate, config.intake.certificate_key)
        except (OSError, ssl.SSLError) as error:
            self._log.error("certificate_refused", error=str(error))


def _keys(config: Config) -> Iterable[KnownKey]:
    return [KnownKey(vantage.name, key) for vantage in config.vantages for key in vantage.keys]


def known_vantages(config: Config) -> list[str]:
    """The names of the vantages that may send."""
    return [vantage.name for vantage in config.vantages if vantage.keys]
