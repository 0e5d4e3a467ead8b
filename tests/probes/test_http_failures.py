"""What an observation holds beside its failure word. That each word can be provoked: `test_failure_words`."""

import asyncio
import contextlib
import datetime
import errno
import json
import os
import shutil
import socket
import struct
import subprocess
import sys

import h2.errors
import pytest
import trustme

from probes.expectation import Expect
from probes.failure_word import Failure
from probes.http import HttpProber, HttpRequest

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


def reset(writer):
    """Close with RST instead of FIN."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def silent(reader, writer):
    """Reads everything and never answers."""
    while await reader.read(65536):
        pass


def probe(url, **fields):
    """Probe a URL with no server of ours behind it."""
    return asyncio.run(HttpProber().probe(HttpRequest(url=url, **fields), vantage="here", target="it"))


def test_closed_port_is_connection_refused():
    """Nobody listens: the host answers with RST at once."""
    with socket.socket() as held:  # bound and not listening, so that nobody else takes the port
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        seen = probe(f"http://127.0.0.1:{port}/")

    assert seen.failure is Failure.CONNECTION_REFUSED
    assert seen.address == "127.0.0.1"
    assert seen.connect_s is None
    assert seen.error.startswith(f"connect to 127.0.0.1 port {port}: ConnectionRefusedError")


def test_full_listen_queue_is_connect_timeout_with_its_lost_syns():
    """A server that accepts nobody drops SYNs; the kernel sends them again, and that is counted."""
    with socket.socket() as server, contextlib.ExitStack() as clients:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):  # more than a backlog of 0 takes
            client = clients.enter_context(socket.socket())
            client.setblocking(False)
            assert client.connect_ex(server.getsockname()) in (0, errno.EINPROGRESS)
        seen = probe(f"http://127.0.0.1:{server.getsockname()[1]}/", timeout_s=1.3)

    assert seen.failure is Failure.CONNECT_TIMEOUT
    assert 1.3 <= seen.total_s < 1.3 + 0.5 + seen.loop_lag_s
    assert seen.retransmits >= 1


def test_a_new_root_of_the_system_is_trusted_at_once(serving, responding, tls_for, ca_file, tmp_path, monkeypatch):
    """The package of root certificates is renewed while the monitor runs, and the site moves to one of them."""
    roots = tmp_path / "roots.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(roots))
    trustme.CA().cert_pem.write_to_path(roots)

    async def main():
        prober = HttpProber()
        handler = responding(b"HTTP/1.1 204 No Content\r\n\r\n")
        async with serving(handler, tls_for("127.0.0.1")) as port:
            asked = HttpRequest(url=f"https://127.0.0.1:{port}/", expect=Expect(status=(204,)))
            before = await prober.probe(asked, vantage="here", target="it")
            await asyncio.to_thread(shutil.copy, ca_file, roots)
            os.utime(roots, (1, 1))
            return before, await prober.probe(asked, vantage="here", target="it")

    before, after = asyncio.run(main())

    assert (before.failure, after.failure) == (Failure.TLS_UNTRUSTED, None)


@pytest.mark.netns
@pytest.mark.parametrize(
    ("route", "failure"),
    [
        (None, Failure.NETWORK_UNREACHABLE),
        ("unreachable", Failure.HOST_UNREACHABLE),
        ("prohibit", Failure.HOST_UNREACHABLE),
    ],
)
def test_missing_or_refusing_route_has_its_own_word(route, failure):
    """In a network namespace without a route, or with one that refuses, the kernel's errno tells which."""
    setup = f"ip link set lo up && ip route add {route} 198.51.100.0/24 && " if route else ""
    command = f"{setup}exec {sys.executable} -m probes http http://198.51.100.7/"
    unshare = ["unshare", "-rn", "sh", "-c"]
    try:
        subprocess.run([*unshare, "ip route"], check=True, capture_output=True, timeout=20)
    except (OSError, subprocess.SubprocessError) as exc:
        pytest.skip(f"no network namespace can be made here: {exc}")
    done = subprocess.run([*unshare, command], check=True, capture_output=True, timeout=60)
    seen = json.loads(done.stdout)

    assert (seen["failure"], seen["address"]) == (failure, "198.51.100.7")


def test_silence_in_the_handshake_is_tls_handshake_timeout(observe):
    """The connection stands and nobody shakes hands."""
    seen = observe(silent, scheme="https", timeout_s=0.3)

    assert seen.failure is Failure.TLS_HANDSHAKE_TIMEOUT
    assert seen.connect_s is not None
    assert seen.tls_s is None
    assert seen.kernel_rtt_s is not None


def test_server_without_tls_is_tls_error(observe, responding):
    """Plain HTTP on the HTTPS port is no TLS record."""

    async def handler(reader, writer):
        await reader.read(65536)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    seen = observe(handler, scheme="https")

    assert seen.failure is Failure.TLS_ERROR
    assert seen.error.startswith("tls handshake with 127.0.0.1: SSLError")


@pytest.mark.parametrize(
    ("host", "validity", "failure"),
    [
        ("site.example", {"not_after": NOW - DAY}, Failure.TLS_EXPIRED),
        ("site.example", {"not_before": NOW + DAY, "not_after": NOW + 2 * DAY}, Failure.TLS_NOT_YET_VALID),
        ("other.example", {}, Failure.TLS_NAME_MISMATCH),
        ("127.0.0.1", {}, Failure.TLS_NAME_MISMATCH),
        ("site.example", {}, None),
    ],
)
def test_rejected_certificate_says_which_rule_and_keeps_its_identity(
    observe, responding, tls_for, ca_file, host, validity, failure
):
    """The word names the rule; key, issuer and hash are those that an accepting probe sees."""
    tls = tls_for("site.example", **validity)
    seen = observe(responding(OK), tls=tls, host=host, ca_file=ca_file)
    accepted = observe(responding(OK), tls=tls, host=host, verify_tls=False)

    assert (seen.failure, accepted.failure) == (failure, None)
    assert seen.spki_sha256 is not None
    assert (seen.spki_sha256, seen.certificate_sha256) == (accepted.spki_sha256, accepted.certificate_sha256)
    assert (seen.issuer, seen.not_after) == (accepted.issuer, accepted.not_after)
    assert (seen.status is None) == (failure is not None)


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_unknown_authority_is_untrusted_in_either_tls_version(observe, responding, tls_for, ca_file, version):
    """A certificate from somebody else's authority is untrusted, and its issuer is on record."""
    import ssl

    tls = tls_for("site.example", issuer=trustme.CA(organization_name="Somebody Else"))
    tls.maximum_version = ssl.TLSVersion[version]
    seen = observe(responding(OK), tls=tls, host="site.example", ca_file=ca_file)

    assert seen.failure is Failure.TLS_UNTRUSTED
    assert "O=Somebody Else" in seen.issuer
    assert seen.connect_s is not None
    assert seen.tls_s is None


def test_unreadable_ca_file_is_the_monitors_own_fault(observe, responding, tmp_path):
    """Nothing was measured, and the error names the file."""
    seen = probe("https://127.0.0.1/", ca_file=str(tmp_path / "missing.pem"))

    assert seen.failure is Failure.MONITOR_FAULT
    assert "missing.pem" in seen.error
    assert seen.address is None


def test_ca_file_without_a_certificate_is_the_monitors_own_fault(tmp_path):
    """A file that is there and holds nothing is no trust."""
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing\n")

    assert probe("https://127.0.0.1/", ca_file=str(empty)).failure is Failure.MONITOR_FAULT


def test_silent_server_is_read_timeout_within_the_deadline(observe):
    """The request is out, no byte comes: the wait has no figure, the total is the deadline."""
    seen = observe(silent, timeout_s=0.3)

    assert seen.failure is Failure.READ_TIMEOUT
    assert (seen.wait_s, seen.status) == (None, None)
    assert 0.3 <= seen.total_s < 0.5 + seen.loop_lag_s
    assert seen.error == "wait for the response: no answer in time"


def test_reset_in_the_body_keeps_status_and_wait(observe):
    """What was seen before the connection broke stays on record, and the exchange's word comes first."""

    async def handler(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        await reader.read(1)

    async def cut(reader, writer):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(handler(reader, writer), 0.2)
        reset(writer)

    seen = observe(cut)

    assert seen.failure is Failure.CONNECTION_RESET
    assert (seen.status, seen.checks_failed) == (500, ("status",))
    assert seen.wait_s is not None
    assert (seen.receive_s, seen.body_sha256) == (None, None)


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"]
)
def test_end_before_the_answer_is_complete_is_connection_closed(observe, responding, answer):
    """The server hangs up: before, in, or after the headers."""
    assert observe(responding(answer)).failure is Failure.CONNECTION_CLOSED


def test_end_without_length_is_the_end_of_the_body(observe, responding):
    """A near miss: without Content-Length the closing is the body's end (RFC 9112 section 6.3)."""
    seen = observe(responding(b"HTTP/1.1 200 OK\r\n\r\nall of it"))

    assert (seen.failure, seen.body_bytes) == (None, 9)


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"\x00" * 50 + b"\r\n\r\n", b"HTTP/1.1 2xx OK\r\n\r\n"]
)
def test_other_protocols_are_protocol_error(observe, responding, answer):
    """Something answers, and it is not HTTP."""
    assert observe(responding(answer, then_close=False)).failure is Failure.PROTOCOL_ERROR


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (lambda c, s: c.reset_stream(s, h2.errors.ErrorCodes.REFUSED_STREAM), Failure.CONNECTION_RESET),
        (lambda c, s: c.close_connection(), Failure.CONNECTION_CLOSED),
        (lambda c, s: c.send_headers(s, [(":status", "abc")], end_stream=True), Failure.PROTOCOL_ERROR),
        (lambda c, s: b"\0\0\1" + b"\0" * 6 + b"x", Failure.PROTOCOL_ERROR),
    ],
    ids=["stream reset", "goaway", "status is no number", "data on stream 0"],
)
def test_http2_faults_have_words(observe, http2, tls_for, ca_file, answer, failure):
    """HTTP/2's own ways to refuse, and a server that breaks the framing."""
    tls = tls_for("site.example", alpn=("h2",))

    assert observe(http2(answer), tls=tls, host="site.example", ca_file=ca_file).failure is failure
