"""Traceroute without privileges: datagram sockets and their error queues (Linux).

An ICMP datagram socket (`icmp(7)`; allowed to groups inside `net.ipv4.ping_group_range`) or a UDP socket gets
the ICMP errors about its own packets through IP_RECVERR, with extensions (IP_RECVERR_RFC4884, Linux 5.9) and
kernel stamps; the TTL is set per packet by ancillary data. TCP cannot be traced so: a connection has one
5-tuple and one SYN, so that the caller is given ICMP or UDP in its place.

Not seen here: answers of a UDP service itself, and replies from a host whose error is not about our packet.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from typing import Final

from probes.endpoint import Endpoint
from probes.observation import HopReply
from probes.traceroute.arrival_ttl import arrival_ttl, request_ttl
from probes.traceroute.channel import Arrival, OnArrival
from probes.traceroute.error_queue import QueuedError, queued_error
from probes.traceroute.extensions import mpls_labels
from probes.traceroute.flow import Flow, Quoted
from probes.traceroute.packets import Template
from probes.traceroute.receive import Received, waiting
from probes.traceroute.replies import Reply, icmp4_kind, icmp6_kind
from probes.traceroute.request import Method
from probes.traceroute.stamps import Departure, Departures, request_stamps, stamp_ns

__all__ = ["STAND_INS", "UnprivilegedChannel"]

STAND_INS: Final[dict[Method, tuple[Method, ...]]] = {
    "tcp": ("icmp", "udp"),
    "icmp": ("icmp", "udp"),
    "udp": ("udp",),
}
"""What to try, in this order, when a method is asked for. Echo first: more hosts answer it than closed ports."""

# Linux numbers that Python's socket module does not name: (receive errors, their RFC 4884 extensions).
_ERROR_OPTIONS: Final = {4: (socket.IPPROTO_IP, 11, 26), 6: (socket.IPPROTO_IPV6, 25, 31)}

_PENDING: Final = frozenset({
    errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENONET,
    errno.EACCES, errno.EPROTO, errno.ENOPROTOOPT, errno.EOPNOTSUPP,
})  # fmt: skip
"""What Linux turns ICMP errors into (`icmp_err_convert`); a send reports them for an earlier packet."""

_SEND_TRIES: Final = 4


class UnprivilegedChannel:
    """The socket of one trace.

    :raises OSError: PermissionError where ICMP sockets are not allowed; EADDRINUSE where another program has
        the flow's port or identifier
    """

    def __init__(self, template: Template, destination: Endpoint, cookie: int, on_arrival: OnArrival) -> None:
        self._template = template
        self._cookie = cookie
        self._on_arrival = on_arrival
        self._socket = _open(template.flow, destination)
        self._departures = Departures()
        self._loop = asyncio.get_running_loop()
        # An error queue that is not empty is EPOLLERR, which asyncio reports to the reader.
        self._loop.add_reader(self._socket.fileno(), self._drain)

    def send(self, ttl: int, mark: int, departure: Departure) -> None:
        """Send one probe."""
        body = self._template.body(mark, self._cookie)
        level, kind = _TTL_OPTION[self._template.flow.family]
        for tries_left in reversed(range(_SEND_TRIES)):
            try:
                self._socket.sendmsg([body], [(level, kind, struct.pack("@i", ttl))])
                break
            except OSError as error:
                # The error of an earlier probe is reported once and thereby cleared; its contents stay queued,
                # with stamps that are to be read by the old numbering.
                self._drain()
                self._departures.renumber(self._socket)
                if error.errno not in _PENDING or not tries_left:
                    raise
        self._departures.left(departure)

    def close(self) -> None:
        """Close the socket."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _drain(self) -> None:
        for received in waiting(self._socket, socket.MSG_ERRQUEUE):
            if self._departures.read(received.ancillary):
                continue
            error = queued_error(received.ancillary)
            reply = None if error is None else self._reply_of_error(error, received.octets)
            self._hand_on(reply, received)
        if self._template.flow.method == "icmp":
            for received in waiting(self._socket):
                self._hand_on(self._echo_reply(received), received)
        else:
            for _ in waiting(self._socket):
                pass  # a UDP service that answers names no probe; left waiting, it would wake us for ever

    def _hand_on(self, reply: Reply | None, received: Received) -> None:
        if reply is not None:
            self._on_arrival(Arrival(reply, stamp_ns(received.ancillary), arrival_ttl(received.ancillary)))

    def _reply_of_error(self, error: QueuedError, message: bytes) -> Reply | None:
        kind = (icmp4_kind if error.family == 4 else icmp6_kind)(error.kind, error.code)
        if kind is None:
            return None
        labels = () if error.extension is None else mpls_labels(message[error.extension :])
        return Reply(error.responder, kind, self._quoted(message), labels)

    def _quoted(self, message: bytes) -> Quoted:
        """What is left of our packet: an ICMP message from its header on, or a UDP payload.

        A router that quotes only 8 octets leaves no payload, and then the mark is None.
        """
        flow = self._template.flow
        if flow.method == "icmp":
            mark = int.from_bytes(message[6:8], "big") if len(message) >= 8 else None
            return Quoted(flow.family, flow.method, flow.destination, flow.ident, None, mark)
        mark, cookie = struct.unpack_from("!HH", message, 2) if len(message) >= 6 else (None, None)
        return Quoted(flow.family, flow.method, flow.destination, flow.ident, flow.port, mark, cookie)

    def _echo_reply(self, received: Received) -> Reply | None:
        wanted = 0 if self._template.flow.family == 4 else 129
        if len(received.octets) < 8 or received.octets[0] != wanted:
            return None
        return Reply(received.sender, HopReply.ECHO_REPLY, self._quoted(received.octets))


_TTL_OPTION: Final = {
    4: (socket.IPPROTO_IP, socket.IP_TTL),
    6: (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT),
}


def _open(flow: Flow, destination: Endpoint) -> socket.socket:
    family = socket.AF_INET if flow.family == 4 else socket.AF_INET6
    protocol = 0
    if flow.method == "icmp":
        protocol = socket.IPPROTO_ICMP if flow.family == 4 else socket.IPPROTO_ICMPV6
    sock = socket.socket(family, socket.SOCK_DGRAM, protocol)
    try:
        sock.setblocking(False)
        level, receive_errors, extensions = _ERROR_OPTIONS[flow.family]
        sock.setsockopt(level, receive_errors, 1)
        try:
            sock.setsockopt(level, extensions, 1)
        except OSError as error:
            if error.errno != errno.ENOPROTOOPT:  # older than Linux 5.9: no labels
                raise
        request_stamps(sock, departures=True)
        request_ttl(sock, flow.family)
        if flow.method == "udp":
            # One flow number means one source port for many targets; each socket is connected to its own.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("" if flow.family == 4 else "::", flow.ident))
        sock.connect((destination[0], flow.port or 0, *destination[2:]))
    except OSError:
        sock.close()
        raise
    return sock
