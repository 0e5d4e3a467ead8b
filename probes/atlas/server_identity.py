"""Who answered, in the fields and by the names that an HTTP observation has for it. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Final

import msgspec

from probes.atlas.result import AtlasError
from probes.http.identity import identify
from probes.observation import HttpObservation

MAX_CHAIN: Final = 10
"""Certificates kept of a chain, as the HTTP probe does; chains of the Web PKI have two or three."""

_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)

_Hash = Annotated[str, msgspec.Meta(max_length=64)]
_Text = Annotated[str, msgspec.Meta(max_length=1000)]


class ServerIdentity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The identity in an observation: all of it None or empty where no certificate was seen."""

    spki_sha256: _Hash | None = None
    certificate_sha256: _Hash | None = None
    issuer: _Text | None = None
    not_before: float | None = None
    not_after: float | None = None
    certificate_names: Annotated[tuple[_Text, ...], msgspec.Meta(max_length=64)] = ()
    chain_sha256: Annotated[tuple[_Hash, ...], msgspec.Meta(max_length=64)] = ()

    @classmethod
    def seen_in(cls, seen: HttpObservation) -> ServerIdentity | None:
        """What an observation says; None where it saw no certificate."""
        if seen.certificate_sha256 is None:
            return None
        return cls(**{name: getattr(seen, name) for name in cls.__struct_fields__})

    @classmethod
    def of_chain(cls, pem: tuple[str, ...]) -> ServerIdentity:
        """What certificates say, the server's own first, each one as PEM (RFC 7468).

        :raises AtlasError: one of them is not PEM; whatever it holds is accepted
        """
        found = identify(tuple(_der(one) for one in pem[:MAX_CHAIN]))
        return cls(
            spki_sha256=found.spki_sha256,
            certificate_sha256=found.certificate_sha256,
            issuer=found.issuer,
            not_before=found.not_before,
            not_after=found.not_after,
            certificate_names=found.names,
            chain_sha256=found.chain_sha256,
        )

    def told_of(self, seen: HttpObservation) -> HttpObservation:
        """The same observation, with this identity."""
        return msgspec.structs.replace(seen, **msgspec.structs.asdict(self))


def _der(pem: str) -> bytes:
    found = _PEM.search(pem)
    if found is None:
        raise AtlasError("cert: no PEM certificate")
    try:
        return base64.b64decode("".join(found[1].split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise AtlasError(f"cert: a PEM certificate is no base64: {error}") from error
