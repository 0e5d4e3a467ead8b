"""Every word of the closed list, provoked by a real server, packet or kernel: a word that nothing can provoke is
a promise that nobody keeps. What else an observation holds in each case is in the tests of its layer."""

import asyncio
import contextlib
import datetime
import errno
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from pocket.topology import TARGET, Router, line

from probes.expectation import Expect
from probes.failure_word import Failure
from probes.http import HttpProber, HttpRequest

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PROVOKED = {}


def provokes(*words):
    """Register a way to provoke words; it gets `fixture(name)` and the word, and gives the failure seen."""

    def register(way):
        PROVOKED.update(dict.fromkeys(words, way))
        return way

    return register


@pytest.mark.parametrize("word", Failure)
def test_every_word_is_provoked(word, request):
    """A new word needs a server or a packet that leads to it."""
    assert word in PROVOKED, f"nothing provokes {word}: show that it can happen, or take it off the list"

    assert PROVOKED[word](request.getfixturevalue, word) is word


def probe(url, prober=None, **fields):
    """Probe a URL and give the failure."""
    fields.setdefault("timeout_s", 5.0)
    asked = HttpRequest(url=url, **fields)
    return asyncio.run((prober or HttpProber()).probe(asked, vantage="here", target="it")).failure


def reset(sock):
    """Close with RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


# The monitor itself

DENIED = """
import asyncio, ctypes, errno, os, struct
from probes.http import HttpProber, HttpRequest
CONNECT = {"x86_64": 42, "aarch64": 203}[os.uname().machine]
# if the number of the system call is connect's: return EPERM, else: allow (seccomp(2))
program = b"".join(struct.pack("=HBBI", *op) for op in (
    (0x20, 0, 0, 0), (0x15, 0, 1, CONNECT), (0x06, 0, 0, 0x00050000 | errno.EPERM), (0x06, 0, 0, 0x7FFF0000)))
held = ctypes.create_string_buffer(program)
filters = struct.pack("HP", 4, ctypes.addressof(held))
prctl = ctypes.CDLL(None, use_errno=True).prctl
if prctl(38, 1, 0, 0, 0) or prctl(22, 2, filters, 0, 0):
    raise SystemExit(f"no seccomp: {os.strerror(ctypes.get_errno())}")
request = HttpRequest(url="http://127.0.0.1:9/")
print(asyncio.run(HttpProber().probe(request, vantage="here", target="it")).failure)
"""


@provokes(Failure.PERMISSION_DENIED)
def sandbox_without_network(fixture, word):
    """A service manager's sandbox lets the process not connect."""
    done = subprocess.run([sys.executable, "-c", DENIED], capture_output=True, text=True, timeout=60)
    if "no seccomp" in done.stderr or "KeyError" in done.stderr:
        pytest.skip(f"system calls cannot be filtered here: {done.stderr.strip()[-100:]}")
    return Failure(done.stdout.strip())


@provokes(Failure.MONITOR_FAULT)
def missing_file(fixture, word):
    """A file of the monitor's own is not there."""
    return probe("https://127.0.0.1/", ca_file="/nonexistent.pem")


@provokes(Failure.UNKNOWN)
def resolver_that_breaks(fixture, word):
    """Somebody's own resolver raises what nobody has listed; it is not guessed at."""

    async def resolve(host, family):
        raise LookupError("no such thing")

    return probe("http://site.example/", HttpProber(resolve))


# Names


@provokes(
    Failure.DNS_NXDOMAIN, Failure.DNS_SERVFAIL, Failure.DNS_REFUSED, Failure.DNS_NO_ANSWER, Failure.DNS_ERROR
)
def rcode(fixture, word):
    """The server says so; NOTIMP has no word of its own."""
    said = {Failure.DNS_NO_ANSWER: "NOERROR", Failure.DNS_ERROR: "NOTIMP"}.get(word, word.value[4:].upper())
    seen, _ = fixture("dns_ask")(fixture("reply_with")(rcode=said))
    return seen.failure


@provokes(Failure.DNS_TIMEOUT, Failure.DNS_MALFORMED)
def silence_or_garbage(fixture, word):
    """Nothing comes back, or the query's id and then no message."""
    answers = [] if word is Failure.DNS_TIMEOUT else [b"\x81\x80\0\1\0\1\0\0\0\0garbage"]
    seen, _ = fixture("dns_ask")(lambda query, _: [query.to_wire()[:2] + one for one in answers], timeout_s=0.3)
    return seen.failure


@provokes(Failure.DNS_UNREACHABLE)
def nobody_answers_questions(fixture, word):
    """The resolver's machine says that nobody listens."""
    from probes.dns import DnsQuestion, ask

    with socket.socket(type=socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    question = DnsQuestion(server=f"127.0.0.1:{port}", name="site.example")
    return asyncio.run(ask(question, vantage="here", target="it")).failure


# The way to the host


@provokes(Failure.CONNECTION_REFUSED)
def closed_port(fixture, word):
    """RST answers the SYN."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return probe(f"http://127.0.0.1:{held.getsockname()[1]}/")


@provokes(Failure.CONNECT_TIMEOUT)
def full_queue(fixture, word):
    """A server that accepts nobody drops SYNs."""
    with socket.socket() as server, contextlib.ExitStack() as clients:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            client = clients.enter_context(socket.socket())
            client.setblocking(False)
            assert client.connect_ex(server.getsockname()) in (0, errno.EINPROGRESS)
        return probe(f"http://127.0.0.1:{server.getsockname()[1]}/", timeout_s=0.3)


@provokes(Failure.NETWORK_UNREACHABLE, Failure.HOST_UNREACHABLE, Failure.CONNECT_ERROR)
def router_that_refuses(fixture, word):
    """ICMP answers the SYN: network, host, or protocol unreachable (RFC 792); the last has no word of its own."""
    codes = {Failure.NETWORK_UNREACHABLE: 0, Failure.HOST_UNREACHABLE: 1, Failure.CONNECT_ERROR: 2}
    pocket = fixture("pocket_internet")
    pocket.play(line(Router("a", 1), Router("b", 2, refuses=(3, codes[word]))))
    command = pocket.command(sys.executable, "-m", "probes", "http", f"http://{TARGET[4]}/")
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    return Failure(json.loads(done.stdout)["failure"])


@provokes(Failure.CONNECT_RESET)
def reset_behind_the_syn_ack(fixture, word):
    """The connection stands and is reset before we come to look: a middlebox, a queue that overflowed."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        was_reset = threading.Event()

        def accept():
            reset(server.accept()[0])
            was_reset.set()

        async def resolve(host, family):
            # Our loop comes late: it runs this behind the connect call, and looks at the socket after it.
            asyncio.get_running_loop().call_soon(was_reset.wait, 10)
            return "127.0.0.1"

        thread = threading.Thread(target=accept)
        thread.start()
        seen = probe(f"http://site.example:{server.getsockname()[1]}/", HttpProber(resolve))
        thread.join()
        return seen


# The handshake, and who answers


@provokes(Failure.TLS_EXPIRED, Failure.TLS_NOT_YET_VALID, Failure.TLS_NAME_MISMATCH, Failure.TLS_UNTRUSTED)
def certificate(fixture, word):
    """A certificate that breaks one rule."""
    validity = {
        Failure.TLS_EXPIRED: {"not_after": NOW - DAY},
        Failure.TLS_NOT_YET_VALID: {"not_before": NOW + DAY, "not_after": NOW + 2 * DAY},
    }.get(word, {})
    issuer = trustme.CA() if word is Failure.TLS_UNTRUSTED else None
    name = "other.example" if word is Failure.TLS_NAME_MISMATCH else "site.example"
    tls = fixture("tls_for")(name, issuer=issuer, **validity)
    return observed(fixture, fixture("responding")(OK), tls=tls)


@provokes(Failure.TLS_REVOKED)
def revoked(fixture, word):
    """The authority's list names the certificate."""
    authority = fixture("authority")
    authority.publish(on_list=True)
    return authority.observed(fixture)


@provokes(Failure.TLS_HANDSHAKE_TIMEOUT, Failure.TLS_RESET, Failure.TLS_CLOSED, Failure.TLS_ERROR)
def handshake(fixture, word):
    """The server takes the ClientHello, and then nothing, RST, FIN, or something else than TLS."""

    async def handler(reader, writer):
        await reader.read(65536)
        if word is Failure.TLS_HANDSHAKE_TIMEOUT:
            await reader.read()
        elif word is Failure.TLS_RESET:
            abort(writer)
        elif word is Failure.TLS_ERROR:
            writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
            await reader.read()
        writer.close()

    return observed(fixture, handler, scheme="https", timeout_s=0.5)


# The exchange


@provokes(
    Failure.READ_TIMEOUT, Failure.WRITE_TIMEOUT, Failure.CONNECTION_RESET, Failure.CONNECTION_CLOSED,
    Failure.PROTOCOL_ERROR, Failure.DECODING_ERROR,
)  # fmt: skip
def exchange(fixture, word):
    """The server reads nothing, or takes the request, and then silence, RST, FIN, or no HTTP."""
    said = {
        Failure.PROTOCOL_ERROR: b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        Failure.DECODING_ERROR: b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
    }

    async def handler(reader, writer):
        if word is Failure.WRITE_TIMEOUT:
            writer.transport.pause_reading()
            await asyncio.Event().wait()
        await reader.readuntil(b"\r\n\r\n")
        if word is Failure.READ_TIMEOUT:
            await reader.read()
        elif word is Failure.CONNECTION_RESET:
            abort(writer)
        elif word in said:
            writer.write(said[word])
            await reader.read()
        writer.close()

    body = b"x" * 30_000_000 if word is Failure.WRITE_TIMEOUT else None
    return observed(fixture, handler, method="POST", body=body, timeout_s=0.5)


# The content


@provokes(
    Failure.STATUS_UNEXPECTED, Failure.HEADER_UNEXPECTED, Failure.BODY_UNEXPECTED, Failure.BODY_TOO_LARGE,
    Failure.TOO_SLOW, Failure.TOO_MANY_REDIRECTS,
)  # fmt: skip
def content(fixture, word):
    """A complete answer that misses one expectation."""
    asked = {
        Failure.STATUS_UNEXPECTED: {"expect": Expect(status=(204,))},
        Failure.HEADER_UNEXPECTED: {"expect": Expect(headers=(("server", "ours"),))},
        Failure.BODY_UNEXPECTED: {"expect": Expect(body_contains="alive")},
        Failure.BODY_TOO_LARGE: {"max_body_bytes": 1},
        Failure.TOO_SLOW: {"expect": Expect(max_wait=1e-6)},
        Failure.TOO_MANY_REDIRECTS: {"follow_redirects": True},
    }[word]
    onward = b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"
    answer = onward if word is Failure.TOO_MANY_REDIRECTS else OK
    return observed(fixture, fixture("responding")(answer), **asked)


def observed(fixture, handler, tls=None, **fields):
    """The failure of one probe of a server that does as `handler` says."""
    if tls is not None:
        fields.update(host="site.example", ca_file=fixture("ca_file"))
    return fixture("observe")(handler, tls=tls, **fields).failure


def abort(writer):
    """End a server's connection with RST."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


# Revocation lists


class Authority:
    """An authority that publishes a revocation list, in one file with its own certificate; and its server."""

    def __init__(self, ca, path):
        self.path = path
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued = ca.issue_cert("site.example")
        issued.configure_cert(self.tls)
        self._serial = x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes()).serial_number
        self._pem = ca.cert_pem.bytes()
        self._name = x509.load_pem_x509_certificate(self._pem).subject
        self._key = serialization.load_pem_private_key(ca.private_key_pem.bytes(), None)

    def publish(self, *, on_list, age=DAY):
        """Write a list of that age, good for two days, that names the server's certificate or another one."""
        issued = NOW - age
        listed = x509.CertificateRevocationListBuilder(self._name, issued, issued + 2 * DAY)
        entry = x509.RevokedCertificateBuilder(self._serial + (not on_list), issued).build()
        signed = listed.add_revoked_certificate(entry).sign(self._key, hashes.SHA256())
        self.path.write_bytes(self._pem + signed.public_bytes(serialization.Encoding.PEM))

    def observed(self, fixture):
        """The failure of one probe of the server."""
        handler = fixture("responding")(OK)
        seen = fixture("observe")(handler, tls=self.tls, host="site.example", ca_file=str(self.path))
        assert seen.spki_sha256 is not None
        return seen.failure


@pytest.fixture
def authority(ca, tmp_path):
    """An authority that has published nothing yet."""
    return Authority(ca, tmp_path / "ca.pem")


def test_a_certificate_that_is_not_on_the_list_is_good(authority, request):
    """A near miss: the list names another one."""
    authority.publish(on_list=False)

    assert authority.observed(request.getfixturevalue) is None


def test_a_list_that_is_too_old_is_the_monitors_own_fault(authority, request):
    """Nothing is known of the server then, and it must not be accused."""
    authority.publish(on_list=False, age=9 * DAY)

    assert authority.observed(request.getfixturevalue) is Failure.MONITOR_FAULT


def test_a_list_is_read_anew_when_it_was_replaced(authority, serving, responding):
    """A prober lives for months, a revocation list for a day."""

    async def main():
        prober, seen = HttpProber(), []
        async with serving(responding(OK), authority.tls) as port:
            asked = HttpRequest(
                url=f"https://site.example:{port}/", address="127.0.0.1", ca_file=str(authority.path)
            )
            for number, on_list in enumerate((False, True)):
                authority.publish(on_list=on_list)
                os.utime(authority.path, (number, number))
                seen.append((await prober.probe(asked, vantage="here", target="it")).failure)
        return seen

    assert asyncio.run(main()) == [None, Failure.TLS_REVOKED]
