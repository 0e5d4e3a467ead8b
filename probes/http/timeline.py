"""The notebook of one HTTP exchange: which phase it is in, how long each took, what was learned on the way.

The backend, the streams and the prober write in it as things happen; it is the only mutable part of a probe
and knows neither sockets nor HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from probes import clock
from probes.failure_word import Layer
from probes.http.identity import TlsIdentity
from probes.http.tcp_info import TcpInfo


class Phase(StrEnum):
    """The phases in the order in which an exchange passes them; SEND is the one that no field reports."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    SEND = "send"
    WAIT = "wait"
    RECEIVE = "receive"

    @property
    def layer(self) -> Layer:
        """The layer whose failure words apply in this phase."""
        return _LAYERS.get(self, Layer.EXCHANGE)


_LAYERS = {Phase.DNS: Layer.DNS, Phase.CONNECT: Layer.CONNECT, Phase.TLS: Layer.TLS}


@dataclass(slots=True)
class Timeline:
    """What happened so far. `spent`: seconds per finished phase, summed over redirects, as phases add up."""

    phase: Phase = Phase.SEND
    operation: str = "prepare request"
    spent: dict[Phase, float] = field(default_factory=dict)
    address: str | None = None
    family: int | None = None
    kernel: TcpInfo | None = None
    identity: TlsIdentity | None = None
    tls_version: str | None = None
    alpn: str | None = None
    status: int | None = None
    http_version: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    redirects: list[str] = field(default_factory=list)
    """URLs that redirects led to, without their queries."""
    ended: bool = False
    """The peer closed its side of the connection."""
    _sent_at: float = 0.0
    _first_byte_at: float | None = None
    _last_byte_at: float = 0.0

    @contextmanager
    def during(self, phase: Phase, operation: str) -> Iterator[None]:
        """Name and time a phase; only one that ends well is counted."""
        self.phase, self.operation = phase, operation
        start = clock.monotonic()
        yield
        self._add(phase, clock.monotonic() - start)

    def connecting(self, address: str, family: int) -> None:
        """A new connection begins, the first or a redirect's: what was learned of the one before is dropped."""
        self.address, self.family = address, family
        self.kernel = self.identity = self.tls_version = self.alpn = None
        self.status = self.http_version = None
        self.headers = ()
        self.ended = False

    def sending(self, operation: str) -> None:
        """The connection stands; the request goes out."""
        self.phase, self.operation = Phase.SEND, operation

    def sent(self) -> None:
        """The request is with the kernel: from here on the server is waited for."""
        self.phase, self.operation = Phase.WAIT, "wait for the response"
        self._sent_at = clock.monotonic()
        self._first_byte_at = None

    def bytes_arrived(self) -> bool:
        """Note that bytes came in; True while they can be the first ones that were waited for."""
        self._last_byte_at = clock.monotonic()
        if self.phase is not Phase.WAIT:
            return False
        self._first_byte_at = self._first_byte_at or self._last_byte_at
        return True

    def headers_complete(self, *, first_byte_was_theirs: bool) -> None:
        """The response's headers are read. In HTTP/2 the first bytes may be the connection's own (SETTINGS),
        so the read that completed the headers counts instead."""
        first = self._first_byte_at if first_byte_was_theirs else self._last_byte_at
        self._first_byte_at = first or clock.monotonic()
        self._add(Phase.WAIT, self._first_byte_at - self._sent_at)
        self.phase, self.operation = Phase.RECEIVE, "receive the response"

    def received(self) -> None:
        """The response's last byte is read."""
        self._add(Phase.RECEIVE, max(self._last_byte_at - (self._first_byte_at or 0.0), 0.0))

    def seconds(self, phase: Phase) -> float | None:
        """How long `phase` took, to the microsecond; None when it was not passed."""
        return clock.duration(self.spent[phase]) if phase in self.spent else None

    def _add(self, phase: Phase, seconds: float) -> None:
        self.spent[phase] = self.spent.get(phase, 0.0) + seconds
