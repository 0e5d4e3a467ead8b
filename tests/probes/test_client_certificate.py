"""A server that asks who we are."""

import asyncio
import contextlib
import os
import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from probes.failure_word import Failure
from probes.http import HttpProber, HttpRequest

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def client_file(ca, tmp_path):
    """A certificate for us, with its key, from the tests' authority."""
    path = tmp_path / "client.pem"
    ca.issue_cert("probe@whydown.example").private_key_and_cert_chain_pem.write_to_path(path)
    return str(path)


@pytest.fixture
def asking(ca, tls_for):
    """A server's TLS context that wants a client certificate of the tests' authority."""

    def make(version):
        tls = tls_for("site.example", "127.0.0.1")
        ca.configure_trust(tls)
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.maximum_version = version
        return tls

    return make


VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.parametrize("version", VERSIONS)
def test_certificate_is_shown_to_a_server_that_asks(observe, responding, asking, ca_file, client_file, version):
    """The answer comes; in either TLS version."""
    tls = asking(version)
    seen = observe(responding(OK), tls=tls, host="site.example", ca_file=ca_file, client_cert=client_file)

    assert (seen.failure, seen.status) == (None, 200)


@pytest.mark.parametrize("version", VERSIONS)
def test_server_refuses_a_client_without_certificate(asking, ca_file, version):
    """TLS 1.3 says so only after our part of the handshake is over; it is a failure of TLS all the same.

    A plain socket server, because asyncio's drops the alert that says why.
    """

    def refuse(server):
        with contextlib.suppress(OSError), server.accept()[0] as connection:
            asking(version).wrap_socket(connection, server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=refuse, args=(server,))
        thread.start()
        asked = HttpRequest(url=f"https://127.0.0.1:{server.getsockname()[1]}/", ca_file=ca_file)
        seen = asyncio.run(HttpProber().probe(asked, vantage="here", target="it"))
        thread.join()

    assert (seen.failure, seen.status) == (Failure.TLS_ERROR, None)
    assert "ALERT" in seen.error.upper()


def test_key_in_a_file_of_its_own(observe, responding, asking, ca, ca_file, tmp_path):
    """`client_key` names it."""
    issued = ca.issue_cert("probe@whydown.example")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    seen = observe(
        responding(OK), tls=asking(VERSIONS[1]), host="site.example", ca_file=ca_file,
        client_cert=str(tmp_path / "cert.pem"), client_key=str(tmp_path / "key.pem"),
    )  # fmt: skip

    assert seen.failure is None


def test_certificate_is_read_anew_when_it_was_replaced(serving, responding, asking, ca, ca_file, client_file):
    """Client certificates live for days; a prober lives longer."""

    async def main():
        prober = HttpProber()
        async with serving(responding(OK), asking(VERSIONS[1])) as port:
            asked = HttpRequest(url=f"https://127.0.0.1:{port}/", ca_file=ca_file, client_cert=client_file)
            good = await prober.probe(asked, vantage="here", target="it")
            await asyncio.to_thread(Path(client_file).write_text, "nothing\n")
            os.utime(client_file, (1, 1))
            broken = await prober.probe(asked, vantage="here", target="it")
            return good, broken

    good, broken = asyncio.run(main())

    assert good.failure is None
    assert broken.failure is Failure.MONITOR_FAULT


def encrypted_key(ca, path):
    """A certificate whose key needs a password that nobody will type."""
    issued = ca.issue_cert("probe@whydown.example")
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"password"),
    )
    path.write_bytes(locked + issued.cert_chain_pems[0].bytes())


@pytest.mark.parametrize("kind", ["missing", "empty", "encrypted"])
def test_unusable_certificate_is_the_monitors_own_fault(observe, responding, asking, ca, ca_file, tmp_path, kind):
    """Nothing was measured; the error names the file, and nobody waits for a password."""
    path = tmp_path / "client.pem"
    if kind == "empty":
        path.write_text("")
    if kind == "encrypted":
        encrypted_key(ca, path)
    seen = observe(responding(OK), tls=asking(VERSIONS[1]), ca_file=ca_file, client_cert=str(path))

    assert (seen.failure, seen.address) == (Failure.MONITOR_FAULT, None)
    assert "client.pem" in seen.error


def test_certificate_is_not_shown_where_a_redirect_leads(
    serving, responding, asking, tls_for, ca_file, client_file
):
    """The second server asks too, and gets none."""

    async def main():
        async with serving(responding(OK), asking(VERSIONS[0])) as port:
            there = b"HTTP/1.1 302 Go\r\nLocation: https://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n" % port
            async with serving(responding(there), asking(VERSIONS[0])) as first:
                asked = HttpRequest(
                    url=f"https://127.0.0.1:{first}/",
                    follow_redirects=True,
                    ca_file=ca_file,
                    client_cert=client_file,
                )
                return port, await HttpProber().probe(asked, vantage="here", target="it")

    port, seen = asyncio.run(main())

    assert seen.redirects == (f"https://127.0.0.1:{port}/",)
    assert (seen.failure.layer, seen.status) == ("tls", None)


def test_key_without_certificate_is_refused_when_it_is_written():
    """A mistake in the request is a ValueError at once."""
    with pytest.raises(ValueError, match="client_cert"):
        HttpRequest(url="https://host/", client_key="key.pem")
