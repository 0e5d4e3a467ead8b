"""The network under an exchange: one name, one address, one connection, each timed as its own phase.

No second address is tried and nothing is retried: a monitor that hides a failed attempt has not measured.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from functools import lru_cache

from probes.endpoint import endpoint
from probes.http import tcp_info
from probes.http.stream import TcpStream
from probes.http.timeline import Phase, Timeline

Resolve = Callable[[str, int | None], Awaitable[str]]
"""A name and the wanted family (4, 6 or None) to one address; raises `probes.failure.Failed`."""


class MeasuringBackend:
    """Connects for one probe. `pinned`: (host, address) where the address is given and not looked up."""

    def __init__(
        self, timeline: Timeline, resolve: Resolve, family: int | None, pinned: tuple[str, str] | None
    ) -> None:
        self._timeline = timeline
        self._resolve = resolve
        self._family = family
        self._pinned = pinned

    async def connect_tcp(self, host: str, port: int) -> TcpStream:
        """Resolve and connect.

        :raises Failed: the name does not resolve
        :raises OSError: the connection was not made
        """
        address = await self._address_of(host)
        family = _family_of(address)
        self._timeline.connecting(address, family)
        sock = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._timeline.during(Phase.CONNECT, f"connect to {address} port {port}"):
                await asyncio.get_running_loop().sock_connect(sock, endpoint(address, port))
        except BaseException:
            self._timeline.kernel = tcp_info.read(sock)  # lost SYNs are counted as retransmits
            sock.close()
            raise
        self._timeline.sending("send the request")
        return TcpStream(sock, self._timeline)

    async def _address_of(self, host: str) -> str:
        if self._pinned and host == self._pinned[0]:
            return self._pinned[1]
        if _family_of(host):
            return host
        with self._timeline.during(Phase.DNS, f"resolve {host}"):
            return await self._resolve(host, self._family)


@lru_cache(maxsize=4096)
def _family_of(host: str) -> int:
    """4 or 6 for an address, 0 for a name."""
    try:
        return ipaddress.ip_address(host).version
    except ValueError:
        return 0
