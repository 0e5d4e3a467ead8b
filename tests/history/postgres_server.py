"""A real PostgreSQL server for tests: its own folder, a Unix socket in it, no port.

The server does not run as root, so as root it is started as the user `postgres`. It is ended by its process id.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

from monitor.history import Store
from monitor.model.history_place import DatabaseUrl

_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
_USER = "postgres"
_TEMPLATE = "history"
# A test waits for no disk, but where it is about what survives.
QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=on", "max_connections=40", "shared_buffers=32MB")


def programs() -> Path | None:
    """The folder of the server's programs; None: they are not installed."""
    folders = [folder for folder in _FOLDERS if (folder / "initdb").exists()]
    return folders[0] if folders and (os.geteuid() != 0 or _uid() is not None) else None


def _uid() -> int | None:
    try:
        return pwd.getpwnam(_USER).pw_uid
    except KeyError:
        return None


def _is_alive(pid: str) -> bool:
    try:
        return (Path("/proc") / pid / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class PostgresServer:
    """A server in `folder`; `settings` as in postgresql.conf."""

    def __init__(self, folder: Path, binaries: Path, settings: tuple[str, ...]) -> None:
        self.folder = folder
        self._binaries = binaries
        self._settings = settings
        self._as_user = _USER if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)

    @property
    def pid(self) -> int:
        """The postmaster's."""
        assert self._process is not None
        return self._process.pid

    def make(self) -> None:
        """Make its files."""
        made = ["-D", self._data, "-A", "trust", "-U", _USER, "-E", "UTF8", "--no-locale", "--no-sync"]
        subprocess.run(
            [self._binaries / "initdb", *made], check=True, capture_output=True, user=self._as_user, cwd="/"
        )

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        settings = [f"unix_socket_directories={self.folder}", "listen_addresses=", *self._settings]
        arguments = [part for setting in settings for part in ("-c", setting)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", self._data, *arguments],
                stdout=log, stderr=log, user=self._as_user, cwd="/",
            )  # fmt: skip
        ready = [self._binaries / "pg_isready", "-q", "-h", self.folder, "-U", _USER, "-d", "postgres"]
        while subprocess.run(ready, check=False).returncode != 0:
            if self._process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text())
            os.sched_yield()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT ends its sessions and leaves sound files, SIGKILL leaves them to the recovery."""
        if self._process is None:
            return
        if how is signal.SIGKILL:
            # The children of a killed postmaster would go on for a moment and keep its memory.
            children = (Path("/proc") / str(self.pid) / "task" / str(self.pid) / "children").read_text().split()
            for process in (self.pid, *map(int, children)):
                os.kill(process, how)
            for child in children:
                while _is_alive(child):
                    os.sched_yield()  # the next server does not start beside it
        else:
            self._process.send_signal(how)
        self._process.wait(60)
        self._process = None

    def url(self, database: str) -> DatabaseUrl:
        """Where one of its databases is."""
        return DatabaseUrl(f"postgresql://{_USER}@/{database}?host={self.folder}")

    def empty(self) -> DatabaseUrl:
        """A new database without a table."""
        return self._new("template0")

    def history(self) -> DatabaseUrl:
        """A new database with an empty history in it, copied from one that was made once."""
        with psycopg.connect(self.url("postgres").text, autocommit=True) as connection:
            there = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (_TEMPLATE,)).fetchone()
            if there is None:
                connection.execute(f"CREATE DATABASE {_TEMPLATE}")
        if there is None:
            Store.open(self.url(_TEMPLATE)).close()
        return self._new(_TEMPLATE)

    def drop(self, place: DatabaseUrl) -> None:
        """Remove one of its databases, whoever is in it."""
        name = place.text.partition("@/")[2].partition("?")[0]
        with psycopg.connect(self.url("postgres").text, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def clear(self, place: DatabaseUrl) -> None:
        """Make a history as empty as a new one, which is quicker than to make one."""
        with psycopg.connect(place.text, autocommit=True) as connection:
            tables = connection.execute(
                "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
                " AND relnamespace = 'public'::regnamespace AND relname NOT IN ('whydown_migration', 'counter')"
            )
            names = ", ".join(name for (name,) in tables)
            connection.execute(f"TRUNCATE {names}; UPDATE counter SET value = value + 1 WHERE name = 'words'")
            connection.execute("DELETE FROM counter WHERE name NOT IN ('fact', 'words')")

    def _new(self, template: str) -> DatabaseUrl:
        name = f"test{next(self._numbers)}"
        with psycopg.connect(self.url("postgres").text, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.url(name)

    @property
    def _data(self) -> Path:
        return self.folder / "data"


def _memory() -> Path | None:
    """A folder in memory with room enough, where the machine has one."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > 2**31 else None


@contextmanager
def postgres_server(
    settings: tuple[str, ...] = QUICK, further: Callable[[Path], tuple[str, ...]] = lambda folder: ()
) -> Iterator[PostgresServer | None]:
    """A server that runs, ended with its files afterwards; None: PostgreSQL is not installed.

    `further`: puts files of its own into the server's folder, and gives the settings that name them.
    """
    binaries = programs()
    if binaries is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="wd-postgres-", dir=_memory() if "fsync=off" in settings else None))
    server = PostgresServer(folder, binaries, (*settings, *further(folder)))
    try:
        if os.geteuid() == 0:
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, _USER)
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
