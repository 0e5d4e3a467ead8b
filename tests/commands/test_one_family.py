"""A machine that has only one of the two Internet protocols, as small servers are sold."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from monitor.history import Reader

ROOT = Path(__file__).resolve().parents[2]

HOSTS = """
203.0.113.10 site.example
2001:db8::10 site.example
203.0.113.11 other.example
2001:db8::11 other.example
"""

# In namespaces of its own: the names, IPv6 addresses and nothing of IPv4 but loopback, a server, and one round.
MACHINE = """
import http.server, socket, subprocess, sys, threading

hosts, config = sys.argv[1:]
for command in (
    f"mount --bind {hosts} /etc/hosts", "ip link set lo up",
    "ip address add 2001:db8::10/128 dev lo", "ip address add 2001:db8::11/128 dev lo",
):
    subprocess.run(command.split(), check=True)

class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.wfile.write(b"HTTP/1.0 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
    def log_message(self, *_):
        pass

server = Server(("::", 8000), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
once = [sys.executable, "-m", "monitor", "once", "--config", config, "--confirm", "0"]
sys.exit(subprocess.run(once).returncode)
"""


@pytest.mark.netns
def test_a_vantage_without_ipv4_is_not_at_fault(whydown: Any) -> None:
    """Target and control have addresses of both families; that one has no route here says nothing of them."""
    (hosts := whydown.folder / "hosts").write_text(HOSTS)
    whydown.configure({"shop": "http://site.example:8000/"}, {"control": "http://other.example:8000/"})
    unshare = ["unshare", "-rnm"]
    try:
        subprocess.run(
            [*unshare, "mount", "-t", "tmpfs", "none", "/run"], check=True, capture_output=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError) as exc:
        pytest.skip(f"no namespaces can be made here: {exc}")
    done = subprocess.run(
        [*unshare, sys.executable, "-c", MACHINE, str(hosts), str(whydown.config)],
        capture_output=True, text=True, timeout=60, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    with Reader.open(whydown.database) as reader:
        families = {one.family for one in reader.observations(0, 4e9, kind="http")}

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("OK shop: 200 in ")
    assert families == {6}
