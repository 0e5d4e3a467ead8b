"""Reads [web]: where the dashboard listens, how it is reached, and who may look."""

from __future__ import annotations

from pathlib import Path

from monitor.config import address, value
from monitor.config.secret import secret_file
from monitor.config.table import Table
from monitor.model.settings import WebSettings

_read_url = address.url(("https", "http"), path=False)


def read_web(table: Table, folder: Path) -> WebSettings | None:
    """[web]; None without `listen`, which the other keys go with."""
    listen: str | None = table.get("listen", address.listen_address, None)
    settings = WebSettings(
        listen=listen or "",
        url=table.get("url", _base, None),
        login_file=table.get("login_file", secret_file(folder), None),
        certificate=table.get("certificate", address.file(folder), None),
        certificate_key=table.get("certificate_key", secret_file(folder), None),
        public=table.get("public", value.boolean, False),
    )
    if (settings.certificate is None) != (settings.certificate_key is None):
        present = "certificate" if settings.certificate is not None else "certificate_key"
        table.reject(present, "certificate and certificate_key go together")
    if listen is not None and not (settings.login_file or settings.public or address.is_loopback(listen)):
        table.reject("listen", "is reachable from elsewhere: login_file must say who may look, or public = true")
    table.close()
    return settings if listen is not None else None


def _base(found: object) -> str:
    return _read_url(found).rstrip("/")
