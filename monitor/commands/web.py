"""`whydown web`: the dashboard of a history, served until stopped; `run` and `hub` start it by themselves."""

from __future__ import annotations

import asyncio
import signal
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import click
import structlog
from click.core import ParameterSource

from monitor.bgp.ip_to_as import PrefixTable
from monitor.commands.daemon import read_config
from monitor.commands.history_file import Place, history_place
from monitor.commands.moment import Moment
from monitor.config import address
from monitor.config.table import UnfitError
from monitor.history import HistoryError, Reader
from monitor.hub.tables import TableLoader
from monitor.model.asn import Asn
from monitor.model.history_place import HistoryPlace
from monitor.model.settings import Config, WebSettings
from monitor.station import logs
from monitor.web.dashboard import Source, application
from monitor.web.dashboard.login import LoginFileError, Logins, parse_logins
from monitor.web.server import Server, server_context, split_listen
from probes import clock

_log = structlog.get_logger("dashboard")
_USUAL = "127.0.0.1:8080"


@click.command(short_help="Serve the dashboard of a history, its JSON and metrics, until stopped.")
@click.option(
    "--config", "path", type=click.Path(path_type=Path), default=Path("config.toml"), show_default=True,
    help="Configuration file: what is watched, where the history is, and [web].",
)  # fmt: skip
@click.option(
    "--database", type=Place(), default=None,
    help="History file, instead of the configuration's; without --config there is none then.",
)  # fmt: skip
@click.option("--listen", default=None, help=f"HOST:PORT, instead of [web] listen; without either {_USUAL}.")
@click.option(
    "--at",
    "at",
    type=Moment(),
    default=None,
    help="Show what was known then, not now: 2022-02-03T01:30Z.",
)
@click.pass_context
def command(
    ctx: click.Context, path: Path, database: HistoryPlace | None, listen: str | None, at: float | None
) -> None:
    """Serve pages, JSON (/api/v1) and metrics (/metrics) of a history until SIGTERM or Ctrl-C.

    It only reads, so it works beside a running monitor and on the history of a past incident. `run` and `hub`
    start it themselves where the configuration has [web] listen. Exit 0: stopped as asked. Exit 1: the history,
    the address, the certificate or the login file cannot be used. Exit 2: bad usage or configuration.

    \b
    whydown web --listen 127.0.0.1:8080
    whydown web --database incident.db --at 2022-02-03T01:30Z
    """
    logs.configure(verbose=False)
    is_given = ctx.get_parameter_source("path") is not ParameterSource.DEFAULT
    config = read_config(ctx, path) if database is None or is_given else None
    settings = _settings(config, listen)
    history = database or history_place(None, path)
    try:
        with Reader.open(history) as reader:
            asyncio.run(_serve(reader, config, settings, at))
    except (HistoryError, LoginFileError, OSError) as error:
        _log.error("dashboard_failed", error=str(error))
        ctx.exit(1)


def _settings(config: Config | None, listen: str | None) -> WebSettings:
    """What [web] says, with the address of the command line."""
    settings = config.web if config is not None else None
    if listen is None:
        return settings or WebSettings(listen=_USUAL)
    try:
        listen = address.listen_address(listen)
    except UnfitError as error:
        raise click.UsageError(f"--listen must be {error}") from error
    if settings is None:
        if not address.is_loopback(listen):
            raise click.UsageError("--listen is reachable from elsewhere; [web] says who may look")
        return WebSettings(listen=listen)
    return WebSettings(
        listen=listen, url=settings.url, login_file=settings.login_file, certificate=settings.certificate,
        certificate_key=settings.certificate_key, public=settings.public,
    )  # fmt: skip


async def _serve(reader: Reader, config: Config | None, settings: WebSettings, at: float | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    table = _LateTable()
    now = clock.wall if at is None else lambda: at
    source = Source(reader=reader, now=now, is_past=at is not None, config=config, origins=table.origins)
    site = application(source, logins=_logins(settings), hosts=_hosts(settings))
    server = Server(site, _context(settings))
    host, port = split_listen(settings.listen)
    port = await server.start(host, port)
    _log.info("dashboard", address=host, port=port, login=settings.login_file is not None)
    loading = asyncio.create_task(table.load(config, now())) if config is not None else None
    try:
        await stop.wait()
    finally:
        if loading is not None:
            loading.cancel()
        await server.stop()


class _LateTable:
    """Whose an address is, once the table is loaded: a full one takes seconds, and pages need not wait for it."""

    def __init__(self) -> None:
        self._table: PrefixTable | None = None

    async def load(self, config: Config, at: float) -> None:
        """Load what the configuration names, in force at that time."""
        self._table = await TableLoader().load_prefixes(config.prefix_to_as, None, at=at)

    def origins(self, address: str) -> frozenset[Asn] | None:
        """The networks that originate an address; None: not known, or not yet."""
        return None if self._table is None else self._table.lookup(address)


def _logins(settings: WebSettings) -> Logins | None:
    if settings.login_file is None:
        return None
    try:
        return Logins(parse_logins(settings.login_file.read_text(encoding="utf-8")), clock.monotonic)
    except (LoginFileError, UnicodeDecodeError) as error:
        raise LoginFileError(f"{settings.login_file}: {error}") from error


def _hosts(settings: WebSettings) -> frozenset[str] | None:
    """The names to answer to. Who has to log in, or is meant to look, may use any."""
    if settings.login_file is not None or settings.public:
        return None
    own = urlsplit(settings.url or "").hostname
    return frozenset({"localhost", split_listen(settings.listen)[0], *((own,) if own else ())})


def _context(settings: WebSettings) -> ssl.SSLContext | None:
    if settings.certificate is None or settings.certificate_key is None:
        return None
    return server_context(settings.certificate, settings.certificate_key)
