"""Servers that want to cost the monitor memory, time or sense."""

import datetime
import gzip
import resource
import ssl
import zlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from probes.expectation import Expect
from probes.failure import Failed
from probes.failure_word import Failure
from probes.http import HttpProber

OK = b"HTTP/1.1 200 OK\r\n"
LIMIT = 1000


def encoded(body, coding):
    """A complete response with that Content-Encoding."""
    return OK + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s" % (coding, len(body), body)


async def endless(writer, piece):
    """Send `piece` until the client has had enough."""
    while True:
        writer.write(piece)
        await writer.drain()


def test_header_flood_is_cut_off(observe):
    """Headers without end stop at the parser's limit, long before the deadline."""

    async def handler(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await endless(writer, b"X-Flood: " + b"y" * 1000 + b"\r\n")

    seen = observe(handler, timeout_s=20)

    assert seen.failure is Failure.PROTOCOL_ERROR
    assert seen.total_s < 10


def test_interim_responses_without_end_meet_the_deadline(observe):
    """100 Continue for ever is silence with noise."""

    async def handler(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await endless(writer, b"HTTP/1.1 100 Continue\r\n\r\n")

    seen = observe(handler, timeout_s=0.5)

    assert seen.failure is Failure.READ_TIMEOUT
    assert seen.total_s < 0.6 + seen.loop_lag_s


def test_interim_responses_under_tls_meet_the_deadline_too(observe, tls_for, ca_file):
    """Many records in each read leave the loop its turns."""

    async def handler(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await endless(writer, b"HTTP/1.1 100 Continue\r\n\r\n")

    seen = observe(handler, tls=tls_for("127.0.0.1"), ca_file=ca_file, timeout_s=0.5)

    assert seen.failure is Failure.READ_TIMEOUT
    assert seen.total_s < 0.6 + seen.loop_lag_s


@pytest.mark.parametrize("length", [b"Content-Length: 100000000000\r\n", b""])
def test_huge_body_is_read_up_to_the_limit(observe, length):
    """The body ends for us at `max_body_bytes`; a part of it has no hash and is judged by no expectation."""

    async def handler(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + length + b"\r\n")
        await endless(writer, b"x" * 65536)

    seen = observe(handler, max_body_bytes=LIMIT, expect=Expect(body_contains="never"), timeout_s=20)

    assert seen.failure is Failure.BODY_TOO_LARGE
    assert (seen.status, seen.body_bytes, seen.body_sha256, seen.checks_failed) == (200, LIMIT, None, ())
    assert f"max_body_bytes = {LIMIT}" in seen.error
    assert seen.receive_s is None


@pytest.mark.parametrize(("size", "failure"), [(LIMIT, None), (LIMIT + 1, Failure.BODY_TOO_LARGE)])
def test_body_limit_is_exact(observe, responding, size, failure):
    """A body of just the limit is a body."""
    body = OK + b"Content-Length: %d\r\n\r\n%s" % (size, b"x" * size)

    assert observe(responding(body), max_body_bytes=LIMIT).failure is failure


def test_wrong_status_outweighs_a_large_body(observe, responding):
    """A 500 with a long error page is a 500 first."""
    answer = b"HTTP/1.1 500 Oops\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000

    assert observe(responding(answer), max_body_bytes=LIMIT).failure is Failure.STATUS_UNEXPECTED


def test_gzip_bomb_costs_no_more_than_the_limit(observe, responding):
    """Sixty-four megabytes in sixty kilobytes are inflated a piece at a time and dropped at the limit."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(squeeze.compress(b"\0" * 2**20) for _ in range(64)) + squeeze.flush()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seen = observe(responding(encoded(bomb, b"gzip")), timeout_s=20)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    assert (seen.failure, seen.body_bytes) == (Failure.BODY_TOO_LARGE, 2**20)
    assert grown_kib < 32 * 1024


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_compressed_body_is_judged_and_hashed_as_its_reader_sees_it(observe, responding, pack):
    """The hash is the same as that of the plain body."""
    coding = b"gzip" if pack is gzip.compress else b"deflate"
    plain = observe(responding(OK + b"Content-Length: 5\r\n\r\nhello"))
    seen = observe(responding(encoded(pack(b"hello"), coding)), expect=Expect(body_contains="hello"))

    assert seen.failure is None
    assert (seen.body_bytes, seen.body_sha256) == (5, plain.body_sha256)


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (b"this is not gzip", b"gzip"),
        (gzip.compress(b"hello" * 100)[:-9], b"gzip"),
        (gzip.compress(b"hello")[:-5] + b"wrong", b"gzip"),
        (b"hello", b"br"),
        (b"hello", b"gzip, gzip"),
    ],
    ids=["not gzip", "cut short", "bad checksum", "unknown coding", "two codings"],
)
def test_broken_content_coding_is_decoding_error(observe, responding, body, coding):
    """An answer that cannot be decoded is not an answer."""
    seen = observe(responding(encoded(body, coding)))

    assert (seen.failure, seen.status) == (Failure.DECODING_ERROR, 200)
    assert "content-encoding" in seen.error


def test_empty_body_with_a_coding_is_no_error(observe, responding):
    """A near miss: HEAD and 204 name the coding that a body would have had."""
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n"

    assert observe(responding(head), method="HEAD").failure is None


def test_slow_loris_body_meets_the_deadline(observe):
    """A body that trickles for ever is cut off in time, with its status on record."""
    import asyncio

    async def handler(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"Content-Length: 1000000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)  # the far end's trickle

    seen = observe(handler, timeout_s=0.4)

    assert (seen.failure, seen.status) == (Failure.READ_TIMEOUT, 200)
    assert seen.total_s < 0.7 + seen.loop_lag_s


def test_redirect_with_an_endless_body_is_followed_without_reading_it(observe):
    """Where a redirect leads does not depend on what comes with it."""

    async def handler(reader, writer):
        if (await reader.readuntil(b"\r\n\r\n")).split()[1] == b"/there":
            writer.write(OK + b"Content-Length: 2\r\n\r\nok")
            await writer.drain()
            return
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /there\r\n\r\n")
        await endless(writer, b"x" * 65536)

    seen = observe(handler, follow_redirects=True, timeout_s=10)

    assert (seen.failure, seen.status) == (None, 200)


@pytest.mark.parametrize(
    "location", [b"ftp://elsewhere/", b"http://[", b"gopher:", b"http://" + b"a" * 300 + b"/"]
)
def test_redirect_to_nonsense_is_a_failure_of_the_server(observe, responding, location):
    """A Location that cannot be followed ends in an observation."""

    async def resolve(host, family):
        raise Failed(Failure.DNS_NXDOMAIN, f"resolve {host}")

    answer = b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % location
    seen = observe(responding(answer), follow_redirects=True, prober=HttpProber(resolve=resolve))

    assert seen.failure in (Failure.PROTOCOL_ERROR, Failure.DNS_NXDOMAIN)


def test_error_text_is_short_printable_ascii(observe, responding):
    """What a server says may end on a terminal: escape sequences come out as text."""
    seen = observe(responding(encoded(b"x", b"\x1b[2J\xe9" + b"z" * 500)))

    assert seen.failure is Failure.DECODING_ERROR
    assert len(seen.error) <= 200
    assert seen.error.isascii()
    assert seen.error.isprintable()
    assert "\\x1b" in seen.error


def certificate_with_nul(tmp_path):
    """A self-signed certificate whose common name hides another behind a NUL (CVE-2009-2408)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "site.example\0.evil.example")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start.replace(year=2090))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "nul.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return str(path)


def test_nul_in_a_certificates_name_neither_matches_nor_breaks_the_record(observe, responding, tmp_path):
    """Trusted as it is, the certificate is not for the name before the NUL; the issuer is on record, escaped."""
    path = certificate_with_nul(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(path)
    seen = observe(responding(OK + b"\r\n"), tls=tls, host="site.example", ca_file=path)

    assert seen.failure is Failure.TLS_NAME_MISMATCH
    assert "\0" not in seen.issuer
    assert seen.issuer.startswith("CN=site.example")
    assert "evil.example" in seen.issuer


def test_self_signed_certificate_is_untrusted(observe, responding, tmp_path, ca_file):
    """The impostor's cheapest certificate."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate_with_nul(tmp_path))
    seen = observe(responding(OK), tls=tls, host="site.example", ca_file=ca_file)

    assert seen.failure is Failure.TLS_UNTRUSTED
    assert "self" in seen.error


def test_a_body_made_to_hold_up_the_search_costs_nothing(observe):
    """A megabyte against which Python's `re` would search for minutes, deadline or not."""
    body = b"ok" * 2**19
    seen = observe(lambda r, w: _whole(r, w, body), expect=Expect(body_regex="ok.*ready"), timeout_s=5)

    assert (seen.failure, seen.checks_failed) == (Failure.BODY_UNEXPECTED, ("body_regex",))


async def _whole(reader, writer, body):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()
    await reader.read()
