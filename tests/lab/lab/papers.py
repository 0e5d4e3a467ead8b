"""The laboratory's certificates: two authorities that everybody trusts, one that nobody does, and who has what.

As in February 2022 the hijacker has a valid certificate for the service's name from another authority; it
also has one from an authority of its own. An expired one is the genuine server's own mistake.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from monitor.demo.certificates import Identity

SERVICE_NAME = "check-in.example"
AUTHORITY_NAME = "authority.example"
CONTROLS = ("control-1.example", "control-2.example")


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """Certificates by holder and kind; `trusted` is the file of authorities that vantages believe."""

    trusted: Path
    service: Identity
    service_expired: Identity
    impostor_valid: Identity
    impostor_untrusted: Identity
    authority: Identity
    controls: tuple[Identity, ...]


def issue(folder: Path) -> Papers:
    """Make all authorities and certificates, as files in `folder`."""
    usual = trustme.CA(organization_name="Everyday Trust", organization_unit_name="whydown lab")
    other = trustme.CA(organization_name="Quick Certificates", organization_unit_name="whydown lab")
    own = trustme.CA(organization_name="Nobody's Trust", organization_unit_name="whydown lab")
    trusted = folder / "trusted.pem"
    trusted.write_bytes(usual.cert_pem.bytes() + other.cert_pem.bytes())
    yesterday = datetime.now(UTC) - timedelta(days=1)

    def identity(authority: trustme.CA, name: str, stem: str, until: datetime | None = None) -> Identity:
        since = None if until is None else until - timedelta(days=90)
        issued = authority.issue_cert(name, common_name=name, not_before=since, not_after=until)
        certificate, key = folder / f"{stem}.pem", folder / f"{stem}.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(key))
        key.chmod(0o600)
        return Identity(str(certificate), str(key))

    return Papers(
        trusted=trusted,
        service=identity(usual, SERVICE_NAME, "service"),
        service_expired=identity(usual, SERVICE_NAME, "service-expired", yesterday),
        impostor_valid=identity(other, SERVICE_NAME, "impostor-valid"),
        impostor_untrusted=identity(own, SERVICE_NAME, "impostor-untrusted"),
        authority=identity(usual, AUTHORITY_NAME, "authority"),
        controls=tuple(identity(usual, name, name.partition(".")[0]) for name in CONTROLS),
    )
