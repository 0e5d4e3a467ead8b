"""Names of files that hold secrets, and what stands in them: where systemd hands one over, its copy is taken.

A service with a user of its own cannot read what belongs to root, so its unit names the file as a credential
(`LoadCredential=vantage-key.pem:/etc/whydown/vantage-key.pem`) and systemd puts a copy of that name into
CREDENTIALS_DIRECTORY. The same configuration so works for the service and for its administrator.
"""

from __future__ import annotations

import os
from pathlib import Path

from monitor.config import address
from monitor.config.table import Reader

_MOST_SECRET = 4096


def secret_file(folder: Path) -> Reader[Path]:
    """A reader of such file names; a relative one is taken from `folder`, where the configuration stands."""
    read_file = address.file(folder)
    return lambda value: credential_for(read_file(value))


def credential_for(path: Path) -> Path:
    """The credential of the same file name, when there is one; else `path` itself."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder or not path.name:
        return path
    handed = Path(folder) / path.name
    return handed if handed.is_file() else path


def first_line(path: Path) -> str:
    """A password, or a URL that is as good as one: the first line of the file, of so many characters at most.

    :raises OSError: the file cannot be read
    :raises UnicodeError: it is no UTF-8
    """
    with path.open(encoding="utf-8") as file:
        return file.readline(_MOST_SECRET).rstrip("\r\n")
