"""Raw sockets, shared by all traces of a process (needs CAP_NET_RAW).

Sending: whole IP packets (`raw(7)` IP_HDRINCL; for IPv6, IPPROTO_RAW implies it), so that TTL, identification
and IPv6 flow label are ours. Receiving: one ICMP and one TCP socket per family, filtered in the kernel and
stamped by it (SO_TIMESTAMPNS). Replies are handed to the trace whose flow they quote.

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

from probes.traceroute.channel import Arrival, OnArrival
from probes.traceroute.error_queue import SO_TIMESTAMPNS, receive_stamp_ns
from probes.traceroute.packets import Template
from probes.traceroute.raw_filter import keep_icmp4, keep_icmp6, keep_tcp
from probes.traceroute.receive import Received, waiting
from probes.traceroute.replies import MalformedReplyError, Reply, read_icmp4, read_icmp6, read_tcp4, read_tcp6
from probes.traceroute.source_address import SocketAddress

__all__ = ["RawChannel", "RawSockets"]

_RECEIVE_BUFFER: Final = 1 << 20
"""Octets; answers to some hundred bursts."""

_Read = Callable[[Received], Reply | None]


class RawSockets:
    """The raw sockets of one event loop. Opens those of a family when they are first asked for."""

    def __init__(self) -> None:
        self._senders: dict[int, socket.socket] = {}
        self._receivers: list[socket.socket] = []
        self._listeners: dict[tuple[object, ...], OnArrival] = {}
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
            opened = [_sender(family)]
            opened += [_icmp_receiver(family), _tcp_receiver(family)]
        except OSError:
            for sock in opened:
                sock.close()
            raise
        self._senders[family] = opened[0]
        for sock, read in zip(opened[1:], _READERS[family], strict=True):
            self._receivers.append(sock)
            asyncio.get_running_loop().add_reader(sock.fileno(), partial(self._drain, sock, read))

    def channel(
        self, template: Template, destination: SocketAddress, cookie: int, on_arrival: OnArrival
    ) -> RawChannel:
        """A channel for one trace; `open` was called for its family, and no other trace has its flow."""
        key = template.flow.key
        self._listeners[key] = on_arrival
        return RawChannel(
            self._senders[template.flow.family],
            template,
            (destination[0], 0, *destination[2:]),
            cookie,
            partial(self._listeners.pop, key, None),
        )

    def close(self) -> None:
        """Close all sockets."""
        loop = asyncio.get_running_loop()
        for sock in self._receivers:
            loop.remove_reader(sock.fileno())
            sock.close()
        for sock in self._senders.values():
            sock.close()
        self._receivers.clear()
        self._senders.clear()

    def _drain(self, sock: socket.socket, read: _Read) -> None:
        for received in waiting(sock):
            try:
                reply = read(received)
            except MalformedReplyError:
                self.malformed += 1
                continue
            listener = None if reply is None else self._listeners.get(reply.quoted.key)
            if reply is not None and listener is not None:
                listener(Arrival(reply, receive_stamp_ns(received.ancillary)))


class RawChannel:
    """Sends the probes of one flow through the shared sockets."""

    def __init__(
        self,
        sender: socket.socket,
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

    def send(self, ttl: int, mark: int) -> None:
        """Send one probe."""
        self._sender.sendto(self._template.patch(ttl, mark, self._cookie), self._destination)

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
    sock = socket.socket(_address_family(family), socket.SOCK_RAW, socket.IPPROTO_RAW)
    sock.setblocking(False)
    return sock


def _icmp_receiver(family: int) -> socket.socket:
    sock = _receiver(family, socket.IPPROTO_ICMP if family == 4 else socket.IPPROTO_ICMPV6)
    (keep_icmp4 if family == 4 else keep_icmp6)(sock)
    return sock


def _tcp_receiver(family: int) -> socket.socket:
    sock = _receiver(family, socket.IPPROTO_TCP)
    keep_tcp(sock, family)
    return sock


def _receiver(family: int, protocol: int) -> socket.socket:
    sock = socket.socket(_address_family(family), socket.SOCK_RAW, protocol)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    return sock


def _address_family(family: int) -> socket.AddressFamily:
    return socket.AF_INET if family == 4 else socket.AF_INET6
