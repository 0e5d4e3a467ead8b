"""Makes what a vantage and a hub know each other by: an Ed25519 key, a certificate. Files are never overwritten.

A private key is readable for its owner alone from the moment that it exists.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from monitor.model.vantage_key import VantageKey

CERTIFICATE_DAYS = 3650
"""A hub's own certificate is believed because agents have it, not because somebody vouches for a while."""


def make_vantage_key(path: Path) -> VantageKey:
    """Make a vantage's private key in `path`; the public one is what its hub needs.

    :raises FileExistsError: there is such a file; another key goes to another file
    :raises OSError: it cannot be written
    """
    private = Ed25519PrivateKey.generate()
    _write_secret(path, private)
    return VantageKey(private.public_key().public_bytes_raw())


def make_hub_certificate(certificate: Path, key: Path, names: Sequence[str], now: datetime) -> None:
    """Make a hub's key and a certificate of its own, for these names and addresses.

    :raises FileExistsError: one of the files is there
    :raises OSError: one cannot be written
    """
    if certificate.exists():
        raise FileExistsError(17, "File exists", str(certificate))
    # What every TLS library speaks; Ed25519 certificates are not that yet.
    private = ec.generate_private_key(ec.SECP256R1())
    number = x509.random_serial_number()
    # A vantage of two hubs has both certificates in one file, and an issuer is looked up there by its subject: the
    # number keeps two hubs of one name apart, as "localhost" and machines made from one image have it.
    subject = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0][:64]),
            x509.NameAttribute(x509.NameOID.SERIAL_NUMBER, f"{number:x}"),
        ]
    )
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(number)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .sign(private, hashes.SHA256())
    )
    _write_secret(key, private)
    certificate.write_bytes(built.public_bytes(Encoding.PEM))


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write_secret(path: Path, private: PrivateKeyTypes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
