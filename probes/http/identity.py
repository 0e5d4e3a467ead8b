"""Who answered: the server certificate's key, issuer, names and chain, also of a certificate that was rejected.

An impostor may hold a valid certificate; what it cannot hold is the genuine key. So the identity is kept
whatever verification says, and it is the hash of the key (SPKI, RFC 5280 section 4.1.2.7) that counts.
Trust is decided elsewhere (OpenSSL, `probes.http.tls`); this module only reads DER.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from probes.failure import printable

T = TypeVar("T")
_MAX_ISSUER = 300  # characters; CA names of the Web PKI stay below 120
_MAX_NAME = 260  # characters; a DNS name has at most 253
MAX_NAMES = 32
"""Names kept of one certificate: own services have a few, a CDN's shared certificate up to 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsIdentity:
    """SHA-256 in hex of the certificate and of its key, the issuer as RFC 4514 string, the validity, the names.

    All but the hashes of certificates are None where they cannot be read (it is hostile input).
    `not_before`, `not_after` are Unix seconds. `names`: DNS names and addresses of the subjectAltName
    extension, the first MAX_NAMES. `chain_sha256`: of the certificates sent after the server's own, in order.
    """

    certificate_sha256: str
    spki_sha256: str | None = None
    issuer: str | None = None
    not_before: float | None = None
    not_after: float | None = None
    names: tuple[str, ...] = ()
    chain_sha256: tuple[str, ...] = ()


_MAX_KNOWN = 1024
_KNOWN: dict[tuple[str, ...], TlsIdentity] = {}


def identify(chain: tuple[bytes, ...]) -> TlsIdentity:
    """The identity in DER certificates, the server's own first; any bytes give one.

    Remembered by the hashes, since a server shows the same every round, and not by the certificates, of
    which a hostile one sends 100 KB, others each time.
    """
    digests = tuple(hashlib.sha256(der).hexdigest() for der in chain)
    identity = _KNOWN.get(digests)
    if identity is None:
        if len(_KNOWN) >= _MAX_KNOWN:
            _KNOWN.clear()
        identity = _KNOWN[digests] = _read(chain[0], digests[0], digests[1:])
    return identity


def _read(der: bytes, fingerprint: str, above: tuple[str, ...]) -> TlsIdentity:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cryptography warns of certificates that bend RFC 5280; we only look
        certificate = _readable(lambda: x509.load_der_x509_certificate(der))
        if certificate is None:
            return TlsIdentity(certificate_sha256=fingerprint, chain_sha256=above)
        return TlsIdentity(
            certificate_sha256=fingerprint,
            spki_sha256=_readable(lambda: _spki_sha256(certificate)),
            issuer=_readable(lambda: printable(certificate.issuer.rfc4514_string(), _MAX_ISSUER)),
            not_before=_readable(lambda: certificate.not_valid_before_utc.timestamp()),
            not_after=_readable(lambda: certificate.not_valid_after_utc.timestamp()),
            names=_readable(lambda: _names(certificate)) or (),
            chain_sha256=above,
        )


def _readable(part: Callable[[], T]) -> T | None:
    """A part of a certificate, None where cryptography cannot read it: each part is read when it is asked for,
    and one that is broken on purpose must not hide the key. The library's exceptions are of many classes
    (a BIT STRING in a name is a TypeError), so all of them count."""
    try:
        return part()
    except Exception:
        return None


def _spki_sha256(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    listed = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return tuple(islice(_shown(listed), MAX_NAMES))


def _shown(listed: x509.SubjectAlternativeName) -> Iterator[str]:
    for name in listed:
        if isinstance(name, x509.DNSName | x509.IPAddress):
            yield printable(str(name.value), _MAX_NAME)
