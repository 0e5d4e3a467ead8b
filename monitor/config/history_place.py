"""Reads where a history is: the URL of a database."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from monitor.config.table import UnfitError
from monitor.model.history_place import SCHEMES, DatabaseUrl

MAX_URL = 2048


def database_url(value: object) -> DatabaseUrl:
    """A PostgreSQL connection URL that names a database, without a password.

    :raises UnfitError: it is none, or has a password
    """
    if not isinstance(value, str) or len(value) > MAX_URL or not value.isprintable():
        raise UnfitError(f"a postgresql:// URL of at most {MAX_URL} printable characters")
    try:
        parts = urlsplit(value)
        given = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
        password = parts.password
    except ValueError as error:
        raise UnfitError(f"a postgresql:// URL ({error})") from error
    if not value.startswith(SCHEMES) or not (parts.path.strip("/") or given.get("dbname")):
        raise UnfitError("a URL that names a database: postgresql://user@host/whydown")
    if password is not None or "password" in given:
        raise UnfitError(
            "a URL without a password: that belongs into a file of its own: [history] password_file, or"
            " ?passfile=/etc/whydown/pgpass"
        )
    return DatabaseUrl(value)
