"""What all RIPE Atlas results have in common: who measured, when, what for, and how to call it here. Pure."""

from __future__ import annotations

import ipaddress
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec

from probes import clock
from probes.failure import printable

FIRMWARE: Final = 5080
"""What our own results claim: the newest published format."""

_VANTAGE_PREFIX: Final = "atlas-"
_MAX_NAME: Final = 253  # characters; the longest DNS name in presentation form
_END_OF_TIME: Final = 253_402_300_799  # Unix seconds; the last second of the year 9999

Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=86_400_000)]
"""A duration as Atlas gives it; none is longer than a day."""

Timestamp = Annotated[int, msgspec.Meta(ge=0, le=_END_OF_TIME)]
Family = Annotated[int, msgspec.Meta(ge=4, le=6)]


class AtlasError(ValueError):
    """Bytes that are no RIPE Atlas result of a kind read here, or an observation that cannot become one.

    Trying again does not help. The text names the field, and what is wrong with it.
    """


class Extension(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The object `whydown` of a result that this program wrote: what the format has no place for."""

    vantage: str | None = None
    target: str | None = None
    at: Annotated[float, msgspec.Meta(ge=0, le=_END_OF_TIME)] | None = None


class AtlasResult(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """The fields of every result. `prb_id` is the probe, `msm_id` the measurement, `fw` the probe's firmware."""

    fw: int
    msm_id: int
    prb_id: Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]
    timestamp: Timestamp
    af: Family | None = None
    dst_addr: str | None = None
    dst_name: str | None = None
    msm_name: str | None = None
    whydown: Extension | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """How results are called here.

    `target`: the name of everything read; None chooses per result: by `names` (host name or address ->
    target), else the host itself. `question`: (name, type) that was asked, for DNS results that do not say
    it, as time-outs do not.
    """

    target: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    question: tuple[str, str] | None = None

    def vantage_of(self, result: AtlasResult) -> str:
        """`atlas-` and the probe's number, or the name that our own export carries."""
        if result.whydown is not None and result.whydown.vantage:
            return printable(result.whydown.vantage, _MAX_NAME)
        return f"{_VANTAGE_PREFIX}{result.prb_id}"

    def target_of(self, result: AtlasResult, *hosts: str | None) -> str:
        """The target that a result about `hosts` (the most telling first) belongs to.

        :raises AtlasError: neither the result nor this says
        """
        if self.target is not None:
            return self.target
        if result.whydown is not None and result.whydown.target:
            return printable(result.whydown.target, _MAX_NAME)
        known = [_canonical(host) for host in hosts if host]
        for host in known:
            if host in self.names:
                return self.names[host]
        if not known:
            raise AtlasError("the result names no destination, and no target was given")
        return printable(known[0], _MAX_NAME)


def _canonical(host: str) -> str:
    """A host as it is looked up: an address as ipaddress writes it, a name in lower case without final dot."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.rstrip(".").lower()


def at_of(result: AtlasResult) -> float:
    """When it was measured, Unix seconds."""
    if result.whydown is not None and result.whydown.at is not None:
        return round(result.whydown.at, 3)
    return float(result.timestamp)


def seconds(milliseconds: float | None) -> float | None:
    """A duration in seconds, to the microsecond."""
    return None if milliseconds is None else clock.duration(milliseconds / 1000)


def between(start_ms: float | None, end_ms: float | None) -> float | None:
    """Seconds from one point of a result's own clock to another; None unless both were measured."""
    return None if start_ms is None or end_ms is None else seconds(max(end_ms - start_ms, 0.0))


def milliseconds(*parts: float | None) -> float | None:
    """The sum of durations in seconds, in milliseconds; None unless all were measured."""
    known = [part for part in parts if part is not None]
    return round(math.fsum(known) * 1000, 6) if len(known) == len(parts) else None


def address_of(text: str | None, name: str) -> str | None:
    """An address as ipaddress writes it; `name` is its field's, for the error.

    :raises AtlasError: it is no IP address
    """
    if not text:
        return None
    try:
        address = str(ipaddress.ip_address(text))
    except ValueError as error:
        raise AtlasError(f"{name} is no IP address: {printable(text, 60)!r}") from error
    if not address.isprintable():  # ipaddress takes anything behind the % of an IPv6 zone
        raise AtlasError(f"{name} is no IP address: {printable(text, 60)!r}")
    return address


def probe_id_of(vantage: str) -> int:
    """The probe's number in an `atlas-` name; other vantages get one of their own, above all that RIPE gives out.

    It is made of the name, so that the same vantage has the same number in every export.
    """
    number = vantage.removeprefix(_VANTAGE_PREFIX)
    if number != vantage and number.isascii() and number.isdigit() and int(number) < 1 << 31:
        return int(number)
    return 1 << 31 | zlib.crc32(vantage.encode("utf-8", "surrogatepass"))


def host_of(url: str) -> str | None:
    """The host in a URL, or the whole text where it is none."""
    try:
        return urlsplit(url).hostname or url or None
    except ValueError:
        return url
