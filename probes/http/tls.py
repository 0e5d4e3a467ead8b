"""TLS contexts, made once and shared, and the handshake that keeps a rejected certificate.

Making a context parses some 140 root certificates (48 ms), so a prober keeps one for each (HTTP version,
CA file, verification, client certificate); the version, because the ALPN offer is set on the context.
Whether a chain is trusted is OpenSSL's decision alone; what is remembered of the certificate is in
`probes.http.identity`.

Revocation is checked against lists that the user gives (RFC 5280 section 5), and not by asking: Python's ssl
cannot ask for a stapled OCSP answer, and a question to a third party within a probe would be another probe.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import certifi

from probes.http.request import HttpRequest

_DER = 2  # _ssl.ENCODING_DER

MAX_CHAIN = 10
"""Certificates looked at; the Web PKI's chains have 2 to 4, and OpenSSL takes some 100 KB of them."""

_Key = tuple[bool, str | None, bool, str | None, str | None]
_Stamp = tuple[int, ...]
"""When the files were written: client certificates and revocation lists live for days, the system's roots for
months, and a monitor runs for longer."""


class TlsContexts:
    """The contexts of one prober."""

    def __init__(self) -> None:
        self._contexts: dict[_Key, tuple[_Stamp, ssl.SSLContext]] = {}
        # A folder of roots needs no watching: OpenSSL looks into it when it meets an unknown issuer.
        self._roots = ssl.get_default_verify_paths().cafile or _fallback_roots()

    def context(self, request: HttpRequest) -> ssl.SSLContext:
        """The context for `request`, made on its first use, and anew when one of its files was replaced.

        :raises OSError: a file cannot be read; ssl.SSLError where it does not hold what it should
        """
        key = (request.http2, request.ca_file, request.verify_tls, request.client_cert, request.client_key)
        files = [file for file in key if isinstance(file, str)]
        if request.ca_file is None and self._roots is not None:
            files.append(self._roots)
        stamp = tuple(Path(file).stat().st_mtime_ns for file in files)
        kept = self._contexts.get(key)
        if kept is None or kept[0] != stamp:
            kept = self._contexts[key] = (stamp, _make(request))
        return kept[1]


def _make(request: HttpRequest) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=request.ca_file or _fallback_roots())
    context.set_alpn_protocols(["h2", "http/1.1"] if request.http2 else ["http/1.1"])
    if context.cert_store_stats()["crl"]:
        # Of the server's own certificate alone: lists for the authorities above it are seldom at hand.
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    if not request.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if request.client_cert is not None:
        # Without a password function OpenSSL would ask for one on the terminal and wait.
        context.load_cert_chain(request.client_cert, request.client_key, password=_no_password)
    return context


def _no_password() -> str:
    raise ssl.SSLError("the client key is encrypted; nobody is there to type its password")


def _fallback_roots() -> str | None:
    """None where the system has roots of its own: what its other programs trust is what we trust."""
    paths = ssl.get_default_verify_paths()
    return None if paths.cafile or paths.capath else certifi.where()


def server_chain(connection: ssl.SSLObject) -> tuple[bytes, ...]:
    """The certificates that the server sent, its own first, as DER, also when verification just failed.

    `getpeercert` answers only after a good handshake. The chain as sent is public from Python 3.13; before
    it, the same call is on the object behind.
    """
    public = getattr(connection, "get_unverified_chain", None)
    chain: Any = public() if public else connection._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
    return tuple(
        bytes(one if isinstance(one, bytes) else one.public_bytes(_DER)) for one in (chain or ())[:MAX_CHAIN]
    )
