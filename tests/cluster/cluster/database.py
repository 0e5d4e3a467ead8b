"""The PostgreSQL of a run: it can be taken away for a moment, and what it costs is known."""

from __future__ import annotations

from postgres_server import PostgresServer

from cluster.processor_time import family_cpu_s


class Database:
    """A server that runs."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._spent_s = 0.0

    @property
    def cpu_s(self) -> float:
        """Processor time of all its lives."""
        return self._spent_s + family_cpu_s(self._server.pid)

    def restart(self) -> None:
        """End its sessions, and start it again."""
        self._spent_s = self.cpu_s
        self._server.stop()
        self._server.start()
