"""Stands between a client and PostgreSQL, and cuts the connection at a COMMIT: before it arrives, or after."""

from __future__ import annotations

import select
import socket
import threading
from pathlib import Path

_COMMIT = b"COMMIT\0"
_BYTES = 65_536


class CuttingProxy:
    """Listens on a Unix socket in `folder` and passes bytes on to the server whose socket is in `server`.

    `cut`: what happens to the next COMMIT. "before": the server never sees it. "after": it is done, and its answer
    is thrown away. None: nothing.
    """

    def __init__(self, folder: Path, server: Path) -> None:
        self.folder = folder
        self.cut: str | None = None
        self.cuts = 0
        self._server = server / ".s.PGSQL.5432"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(self._server))
        with client, server:
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    data = ready.recv(_BYTES)
                    if not data:
                        return
                    if ready is client and _COMMIT in data and self.cut is not None:
                        self._cut(server, data)
                        return
                    (server if ready is client else client).sendall(data)

    def _cut(self, server: socket.socket, data: bytes) -> None:
        how, self.cut = self.cut, None
        self.cuts += 1
        if how == "after":
            server.sendall(data)
            server.recv(_BYTES)  # it is done: nobody hears of it

    def close(self) -> None:
        """Take no more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
