"""The namespace that a pocket internet is played in, and processes inside of it.

The namespace has no name and no process but the player, so that nothing stays behind, not even when the tests
are killed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pocket.packet import Packet
from pocket.topology import Topology

__all__ = ["PocketInternet", "pocket_internet"]

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[2]
_ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(_ROOT), str(_HERE.parent)])}


class PocketInternet:
    """A client machine with an internet behind it that is `play`ed."""

    def __init__(self, player: subprocess.Popen[str], user: tuple[str, ...]) -> None:
        self._player = player
        self._enter = ("nsenter", f"--target={player.pid}", *user, "--net", "--")

    def play(self, topology: Topology) -> None:
        """From now on the internet is this one; what is still on its way is lost."""
        assert self._ask(b'{"play":' + msgspec.json.encode(topology) + b"}") == "playing"

    def sent(self) -> list[Packet]:
        """What the client has sent into this internet, in order."""
        return [Packet.decode(bytes.fromhex(octets)) for octets in self._ask(b'{"sent":true}')]

    def command(self, *words: str, unprivileged: bool = False) -> list[str]:
        """The command line that runs `words` on the client machine, if wanted without any capability."""
        drop = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if unprivileged else ()
        return [*self._enter, *drop, *words]

    @contextmanager
    def python(self, *words: str, unprivileged: bool = False) -> Iterator[subprocess.Popen[str]]:
        """Run Python on the client machine; it is ended by closing its standard input."""
        with subprocess.Popen(
            self.command(sys.executable, *words, unprivileged=unprivileged),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
            env=_ENVIRONMENT,
        ) as process:
            yield process
            process.communicate()

    def _ask(self, command: bytes) -> Any:
        assert self._player.stdin is not None
        assert self._player.stdout is not None
        self._player.stdin.write(command.decode() + "\n")
        self._player.stdin.flush()
        answer = self._player.stdout.readline()
        assert answer, f"the player of the pocket internet died: {self._player.communicate()[1]}"
        return json.loads(answer)


@pytest.fixture(scope="session")
def pocket_internet() -> Iterator[PocketInternet]:
    """The pocket internet; skips the test, saying what is missing, where a TUN cannot be made."""
    if missing := [name for name in ("unshare", "nsenter", "setpriv", "ip") if shutil.which(name) is None]:
        pytest.skip(f"a pocket internet needs the programs {', '.join(missing)}")
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        pytest.skip("a pocket internet needs /dev/net/tun, which is not there or not ours to open")
    in_user = os.geteuid() != 0
    user = ["--user", "--map-root-user"] if in_user else []
    with subprocess.Popen(
        ["unshare", *user, "--net", "sh", "-c", _SCRIPT, "sh", sys.executable, str(_HERE / "play.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_ENVIRONMENT,
    ) as player:
        assert player.stdout is not None
        if player.stdout.readline() != '"ready"\n':
            _, reason = player.communicate()
            pytest.skip(f"a pocket internet needs a TUN in a network namespace: {reason.strip()[-200:]}")
        yield PocketInternet(player, ("--user", "--preserve-credentials") if in_user else ())
        player.communicate()


_SCRIPT = """
set -e
echo 0 0 > /proc/sys/net/ipv4/ping_group_range
exec "$@"
"""
