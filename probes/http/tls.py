"""TLS contexts, made once and shared, and the handshake that keeps a rejected certificate.

Making a context parses some 140 root certificates (48 ms), so a prober keeps one for each (HTTP version,
CA file, verification); the version, because httpcore sets the ALPN offer on the context it is given.
Whether a chain is trusted is OpenSSL's decision alone; what is remembered of the certificate is in
`probes.http.identity`.
"""

from __future__ import annotations

import ssl
from typing import Any

import certifi

from probes.http.request import HttpRequest

_DER = 2  # _ssl.ENCODING_DER


class TlsContexts:
    """The contexts of one prober."""

    def __init__(self) -> None:
        self._contexts: dict[tuple[bool, str | None, bool], ssl.SSLContext] = {}

    def context(self, request: HttpRequest) -> ssl.SSLContext:
        """The context for `request`, made on its first use.

        :raises OSError: the CA file cannot be read; ssl.SSLError where it holds no certificate
        """
        key = (request.http2, request.ca_file, request.verify_tls)
        if key not in self._contexts:
            self._contexts[key] = _make(request)
        return self._contexts[key]


def _make(request: HttpRequest) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=request.ca_file or _fallback_roots())
    if not request.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _fallback_roots() -> str | None:
    """None where the system has roots of its own: what its other programs trust is what we trust."""
    paths = ssl.get_default_verify_paths()
    return None if paths.cafile or paths.capath else certifi.where()


def server_certificate(connection: ssl.SSLObject) -> bytes | None:
    """The server's own certificate as DER, also when its verification just failed; None: it sent none.

    `getpeercert` answers only after a good handshake. The chain as sent is public from Python 3.13; before
    it, the same call is on the object behind.
    """
    public = getattr(connection, "get_unverified_chain", None)
    chain: Any = public() if public else connection._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
    if not chain:
        return None
    first = chain[0]
    return bytes(first if isinstance(first, bytes) else first.public_bytes(_DER))
