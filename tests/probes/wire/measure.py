"""Probes one server over a wire that delays, and prints the observations: one JSON object a line.

Run inside a network namespace of its own (`unshare --net`): it makes a TUN device there, which
goes with the namespace. The wire is a process that takes each packet from the device, holds it for DELAY_S and
puts it back with source and destination exchanged, so what the client sends to PEER arrives at the server that
listens here, and the other way round. An exchange of the two leaves all checksums as they are (RFC 1071).
"""

import asyncio
import contextlib
import fcntl
import heapq
import json
import multiprocessing
import os
import select
import ssl
import struct
import subprocess
import sys
import time

import h2.config
import h2.connection
import h2.events

from probes.http import HttpProber, HttpRequest
from probes.observation import encode

HERE, PEER = "198.51.100.1", "198.51.100.2"
PORT = 8443
DELAY_S = 0.03  # one way
THINK_S = 0.1
PIECE_S = 0.05  # between two of the three pieces of a slow body
MOST_TRIES = 8
ON_TIME_S = 0.003  # a wire that is later than this with a packet has measured the machine

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_SYN, _ACK = 0x02, 0x10


def open_tun():
    """A TUN device, up, with an address, and everything in its network routed to it."""
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH22x", b"wd-wire", _IFF_TUN | _IFF_NO_PI))
    for command in ("ip link set lo up", f"ip addr add {HERE}/24 dev wd-wire", "ip link set wd-wire up"):
        subprocess.run(command.split(), check=True)
    return tun


def carry(tun, syns_to_lose, worst_s):
    """Delay, turn round, lose the SYNs that are to be lost, and note how late a packet was at worst."""
    held = []
    while True:
        ready, _, _ = select.select([tun], [], [], max(held[0][0] - time.monotonic(), 0) if held else None)
        if ready:
            packet = os.read(tun, 65536)
            if packet[0] >> 4 == 4 and not _is_lost(packet, syns_to_lose):
                turned = packet[:12] + packet[16:20] + packet[12:16] + packet[20:]
                heapq.heappush(held, (time.monotonic() + DELAY_S, len(held), turned))
        while held and held[0][0] <= time.monotonic():
            due, _, turned = heapq.heappop(held)
            os.write(tun, turned)
            worst_s.value = max(worst_s.value, time.monotonic() - due)


def _is_lost(packet, syns_to_lose):
    tcp = packet[(packet[0] & 15) * 4 :]
    if packet[9] != 6 or tcp[13] & (_SYN | _ACK) != _SYN or not syns_to_lose.value:
        return False
    syns_to_lose.value -= 1
    return True


async def http1(path, reader, writer):
    """Answers one request as its path says."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"
    if path == "/think":
        await asyncio.sleep(THINK_S)
    if path != "/slow":
        writer.write(head + b"abcdef")
        await writer.drain()
        return
    for piece in (head + b"ab", b"cd", b"ef"):
        writer.write(piece)
        await writer.drain()
        if piece != b"ef":
            await asyncio.sleep(PIECE_S)


async def http2(reader, writer):
    """The same over HTTP/2."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    connection.initiate_connection()
    writer.write(connection.data_to_send())
    while data := await reader.read(65536):
        for event in connection.receive_data(data):
            writer.write(connection.data_to_send())
            if isinstance(event, h2.events.RequestReceived):
                await _answer(dict(event.headers)[b":path"].decode(), event.stream_id, connection, writer)


async def _answer(path, stream, connection, writer):
    if path == "/think":
        await asyncio.sleep(THINK_S)
    connection.send_headers(stream, [(":status", "200")])
    for piece in (b"ab", b"cd", b"ef"):
        connection.send_data(stream, piece, end_stream=piece == b"ef")
        writer.write(connection.data_to_send())
        await writer.drain()
        if path == "/slow" and piece != b"ef":
            await asyncio.sleep(PIECE_S)


async def answer(reader, writer):
    """Speaks what was chosen in the handshake."""
    try:
        if writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2":
            await http2(reader, writer)
        else:
            path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
            await http1(path, reader, writer)
    finally:
        writer.close()


def serve(certificate, ready):
    """The server's process."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    tls.set_alpn_protocols(["h2", "http/1.1"])

    async def main():
        async with await asyncio.start_server(answer, HERE, PORT, ssl=tls):
            ready.set()
            await asyncio.Event().wait()

    asyncio.run(main())


async def measure(ca_file, syns_to_lose, worst_s):
    """Every scenario over both versions, each again until the wire was on time."""
    prober = HttpProber()
    for name, path, lost in (("plain", "/", 0), ("think", "/think", 0), ("slow", "/slow", 0), ("lost", "/", 1)):
        for is_http2 in (False, True):
            request = HttpRequest(url=f"https://{PEER}:{PORT}{path}", http2=is_http2, ca_file=ca_file)
            for _ in range(MOST_TRIES):
                syns_to_lose.value, worst_s.value = lost, 0.0
                seen = await prober.probe(request, vantage="here", target=f"{name} {'h2' if is_http2 else 'h1'}")
                print(encode(seen).decode(), flush=True)
                if worst_s.value < ON_TIME_S and seen.loop_lag_s < ON_TIME_S:
                    break


def main():
    """`measure.py CERTIFICATE CA_FILE`."""
    certificate, ca_file = sys.argv[1:]
    context = multiprocessing.get_context("fork")
    syns_to_lose, worst_s, ready = context.Value("i", 0), context.Value("d", 0.0), context.Event()
    with contextlib.suppress(PermissionError):
        os.nice(-10)  # what else runs on this machine is not what is measured
    tun = open_tun()
    children = [
        context.Process(target=carry, args=(tun, syns_to_lose, worst_s), daemon=True),
        context.Process(target=serve, args=(certificate, ready), daemon=True),
    ]
    for child in children:
        child.start()
    try:
        if not ready.wait(20):
            raise TimeoutError(json.dumps([child.exitcode for child in children]))
        asyncio.run(measure(ca_file, syns_to_lose, worst_s))
    finally:
        for child in children:
            child.kill()
            child.join()


if __name__ == "__main__":
    main()
