"""Who answered: the server certificate's key and issuer, also of a certificate that was rejected.

An impostor may hold a valid certificate; what it cannot hold is the genuine key. So the identity is kept
whatever verification says, and it is the hash of the key (SPKI, RFC 5280 section 4.1.2.7) that counts.
Trust is decided elsewhere (OpenSSL, `probes.http.tls`); this module only reads DER.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from probes.failure import printable

_MAX_ISSUER = 300  # characters; CA names of the Web PKI stay below 120


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsIdentity:
    """SHA-256 in hex of the certificate and of its key, the issuer as RFC 4514 string, the end of validity.

    All but the certificate's hash are None where the certificate cannot be read (it is hostile input).
    `not_after` is Unix seconds.
    """

    certificate_sha256: str
    spki_sha256: str | None = None
    issuer: str | None = None
    not_after: float | None = None


@lru_cache(maxsize=1024)
def identify(der: bytes) -> TlsIdentity:
    """The identity in one DER certificate; any bytes give one. Cached: a server shows the same every round."""
    fingerprint = hashlib.sha256(der).hexdigest()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cryptography warns of certificates that bend RFC 5280; we only look
        try:
            certificate = x509.load_der_x509_certificate(der)
            issuer = printable(certificate.issuer.rfc4514_string(), _MAX_ISSUER)
            not_after = certificate.not_valid_after_utc.timestamp()
        except (ValueError, UnsupportedAlgorithm):
            return TlsIdentity(certificate_sha256=fingerprint)
    return TlsIdentity(
        certificate_sha256=fingerprint, spki_sha256=_spki_sha256(certificate), issuer=issuer, not_after=not_after
    )


def _spki_sha256(certificate: x509.Certificate) -> str | None:
    try:
        key = certificate.public_key()
        return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    except (ValueError, UnsupportedAlgorithm):
        return None
