"""Raw sockets, shared by all traces of a process (needs CAP_NET_RAW).

Sending: whole IP packets (`raw(7)` IP_HDRINCL; for IPv6, IPPROTO_RAW implies it), so that TTL, identification
and IPv6 flow label are ours. Receiving: one ICMP and one TCP socket per family, filtered in the kernel. What
leaves and what arrives is stamped by the kernel. Replies are handed to the trace whose flow they quote.

No half-open connection stays at the target: the kernel knows no socket for the SYN-ACK that a probe provokes
and answers it with a RST (RFC 9293 §3.10.7.1). A packet filter that drops this RST would leave the target
retransmitting its SYN-ACK for some seconds.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import Final

from probes.endpoint import Endpoint
from probes.traceroute.arrival_ttl import arrival_ttl, request_ttl
from probes.traceroute.channel import Arrival, OnArrival
from probes.traceroute.packets import Template
from probes.traceroute.raw_filter import keep_icmp4, keep_icmp6, keep_tcp
from probes.traceroute.receive import Received, waiting
from probes.traceroute.replies import MalformedReplyError, Reply, read_icmp4, read_icmp6, read_tcp4, read_tcp6
from probes.traceroute.stamps import Departure, Departures, request_stamps, stamp_ns

__all__ = ["RawChannel", "RawSockets"]

_RECEIVE_BUFFER: Final = 1 << 20
"""Octets; answers to some hundred bursts."""

_UNREAD_STAMPS: Final = 128
"""Departures after which stamps are read even when no answer comes; an error queue holds some hundred."""

_Read = Callable[[Received], Reply | None]


class RawSockets:
    """The raw sockets of one event loop. Opens those of a family when they are first asked for."""

    def __init__(self) -> None:
        self._senders: dict[int, _Sender] = {}
        self._receivers: dict[socket.socket, Callable[[], None]] = {}
        self._held = False
        self._stamped = True
        self._listeners: dict[tuple[object, ...], OnArrival] = {}
        self._by_cookie: dict[tuple[int, int], OnArrival] = {}
        self.malformed = 0
        """Received packets that no reader could make sense of."""

    def open(self, family: int) -> None:
        """Open the sockets of IPv4 (4) or IPv6 (6), if that was not done before.

        :raises OSError: PermissionError without CAP_NET_RAW, or the family is not there
        """
        if family in self._senders:
            return
        opened: list[socket.socket] = []
        try:
            for make in (_sender, _icmp_receiver, _tcp_receiver):
                opened.append(make(family))
        except OSError:
            for sock in opened:
                sock.close()
            raise
        self._senders[family] = sender = _Sender(opened[0])
        for sock, read in zip(opened[1:], _READERS[family], strict=True):
            self._receivers[sock] = drain = partial(self._drain, sock, read, sender)
            self._stamped = request_stamps(sock) and self._stamped
            if not self._held:
                asyncio.get_running_loop().add_reader(sock, drain)

    def channel(self, template: Template, destination: Endpoint, cookie: int, on_arrival: OnArrival) -> RawChannel:
        """A channel for one trace; `open` was called for its family, and no other trace has its flow."""
        key = template.flow.key
        self._listeners[key] = on_arrival
        if template.flow.method == "tcp":
            self._by_cookie[template.flow.family, cookie] = on_arrival
        return RawChannel(
            self._senders[template.flow.family],
            template,
            (destination[0], 0, *destination[2:]),
            cookie,
            partial(self._forget, key, (template.flow.family, cookie)),
        )

    def hold(self) -> None:
        """Read nothing unless told: the answers wait in the kernel, which has stamped them."""
        if self._held or not self._stamped:
            return
        self._held = True
        for sock in self._receivers:
            asyncio.get_running_loop().remove_reader(sock)

    def release(self) -> None:
        """Read whenever something comes."""
        if self._held:
            self._held = False
            for sock, drain in self._receivers.items():
                asyncio.get_running_loop().add_reader(sock, drain)

    def read(self) -> None:
        """Read what waits, if held back."""
        if self._held:
            for drain in self._receivers.values():
                drain()

    def close(self) -> None:
        """Close all sockets."""
        loop = asyncio.get_running_loop()
        for sock in self._receivers:
            loop.remove_reader(sock)
            sock.close()
        for sender in self._senders.values():
            sender.close()
        self._receivers.clear()
        self._senders.clear()

    def _listener_of(self, reply: Reply) -> OnArrival | None:
        """The trace that a reply belongs to: by its flow; of a quotation that an address translator changed, by
        the part of the TCP sequence number that all probes of the trace share."""
        listener = self._listeners.get(reply.quoted.key)
        if listener is None and reply.quoted_source is not None and reply.quoted.cookie is not None:
            listener = self._by_cookie.get((reply.quoted.family, reply.quoted.cookie))
        return listener

    def _forget(self, key: tuple[object, ...], cookie: tuple[int, int]) -> None:
        listener = self._listeners.pop(key, None)
        if self._by_cookie.get(cookie) is listener:  # two traces may have drawn one cookie
            self._by_cookie.pop(cookie, None)

    def _drain(self, sock: socket.socket, read: _Read, sender: _Sender) -> None:
        sender.read_stamps()  # first, so that every answer finds when its probe left
        for received in waiting(sock):
            try:
                reply = read(received)
            except MalformedReplyError:
                self.malformed += 1
                continue
            listener = None if reply is None else self._listener_of(reply)
            if reply is not None and listener is not None:
                listener(Arrival(reply, stamp_ns(received.ancillary), arrival_ttl(received.ancillary)))


class _Sender:
    """The socket that sends for all traces of a family, and when the kernel says that their packets left."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._departures = Departures()
        self._unread = 0

    def send(self, packet: bytes, destination: tuple[object, ...], departure: Departure) -> None:
        """Send a packet and note when it left, by the kernel.

        :raises OSError: it did not leave
        """
        try:
            self._socket.sendto(packet, destination)
        except OSError:
            self._departures.renumber(self._socket)
            raise
        self._departures.left(departure)
        self._unread += 1
        if self._unread >= _UNREAD_STAMPS:
            self.read_stamps()

    def read_stamps(self) -> None:
        self._unread = 0
        for received in waiting(self._socket, socket.MSG_ERRQUEUE):
            self._departures.read(received.ancillary)

    def close(self) -> None:
        self._socket.close()


class RawChannel:
    """Sends the probes of one flow through the shared sockets."""

    def __init__(
        self,
        sender: _Sender,
        template: Template,
        destination: tuple[object, ...],
        cookie: int,
        on_close: Callable[[], object],
    ) -> None:
        self._sender = sender
        self._template = template
        self._destination = destination
        self._cookie = cookie
        self._on_close = on_close

    def send(self, ttl: int, mark: int, departure: Departure) -> None:
        """Send one probe."""
        self._sender.send(self._template.patch(ttl, mark, self._cookie), self._destination, departure)

    def close(self) -> None:
        """Let the shared sockets forget this flow."""
        self._on_close()


_READERS: Final[dict[int, tuple[_Read, _Read]]] = {
    4: (lambda received: read_icmp4(received.octets), lambda received: read_tcp4(received.octets)),
    6: (
        lambda received: read_icmp6(received.octets, received.sender),
        lambda received: read_tcp6(received.octets, received.sender),
    ),
}


def _sender(family: int) -> socket.socket:
    sock = _socket(family, socket.IPPROTO_RAW)
    request_stamps(sock, departures=True)
    return sock


def _icmp_receiver(family: int) -> socket.socket:
    sock = _socket(family, socket.IPPROTO_ICMP if family == 4 else socket.IPPROTO_ICMPV6)
    request_ttl(sock, family)
    (keep_icmp4 if family == 4 else keep_icmp6)(sock)
    return sock


def _tcp_receiver(family: int) -> socket.socket:
    sock = _socket(family, socket.IPPROTO_TCP)
    request_ttl(sock, family)
    keep_tcp(sock, family)
    return sock


def _socket(family: int, protocol: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_RAW, protocol)
    sock.setblocking(False)
    # Of the sender too: the stamps of what it sent wait in its receive buffer.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    return sock
