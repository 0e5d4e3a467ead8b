"""Whether an address can be listened on."""

from __future__ import annotations

import socket

from monitor.doctor.finding import Finding
from monitor.report.safe_text import one_line
from monitor.station.plugin_state import State
from monitor.web.server import split_listen


def look_at_listening(check: str, name: str, listen: str) -> Finding:
    """Whether `name` could listen on `HOST:PORT` now; taken as that is, a monitor that runs holds it."""
    try:
        host, port = split_listen(listen)
        (family, kind, protocol, _, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_PASSIVE
        )
        with socket.socket(family, kind, protocol) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
    except OSError as error:
        text = one_line(f"{name}: cannot listen on {listen}: {error.strerror}", 300)
        return Finding(check=check, state=State.WARNING, text=text, todo="fine when the monitor is running now")
    return Finding(check=check, state=State.OK, text=f"{name}: {listen} can be listened on")
