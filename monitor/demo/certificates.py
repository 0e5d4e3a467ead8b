"""The demo's certificates: two certificate authorities that the vantages trust, and a certificate from each.

As in February 2022, when the hijackers had a fresh and *valid* certificate from another authority within
minutes: verification passes at the impostor, and only key and issuer are new.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Identity:
    """A server's certificate chain and private key, PEM files."""

    certificate: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Who shows which certificate; `trusted` is the file of authorities that vantages and crowd believe."""

    trusted: str
    service: Identity
    impostor: Identity
    control: Identity


def issue(folder: Path, *, name: str, control_name: str) -> Certificates:
    """Make both authorities and the three certificates, as files in `folder`."""
    usual = trustme.CA(organization_name="Everyday Trust", organization_unit_name="whydown demo")
    other = trustme.CA(organization_name="Quick Certificates", organization_unit_name="whydown demo")
    trusted = folder / "trusted.pem"
    trusted.write_bytes(usual.cert_pem.bytes() + other.cert_pem.bytes())

    def identity(authority: trustme.CA, host: str, stem: str) -> Identity:
        issued = authority.issue_cert(host, common_name=host)
        certificate, key = folder / f"{stem}.pem", folder / f"{stem}.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(key))
        key.chmod(0o600)
        return Identity(str(certificate), str(key))

    return Certificates(
        trusted=str(trusted),
        service=identity(usual, name, "service"),
        impostor=identity(other, name, "impostor"),
        control=identity(usual, control_name, "control"),
    )
