"""A changed VRP as a line of JSON, beside the RIS Live messages of a routes file.

    {"type":"VRP","timestamp":1643855431.0,"added":true,"prefix":"203.0.113.0/24","maxLength":24,"asn":64500}

RIS Live has no such message: what it sends is not read here, so that no stranger can change what is valid.
"""

from __future__ import annotations

import math

import msgspec

from monitor.model import Vrp, VrpChange, parse_asn, parse_prefix

MAX_LINE_BYTES = 1000
_MARK = b'"VRP"'


class VrpLineError(ValueError):
    """The line says that it is a changed VRP, but is none."""


class _Line(msgspec.Struct, kw_only=True, tag_field="type", tag="VRP"):
    """Fields with the validators' spelling."""

    timestamp: float
    added: bool
    prefix: str
    maxLength: int  # noqa: N815
    asn: int


_DECODER = msgspec.json.Decoder(_Line)


def is_vrp_line(line: bytes) -> bool:
    """Whether a line may be one of these; cheap, for files of millions of other lines."""
    return len(line) <= MAX_LINE_BYTES and _MARK in line


def write_vrp_line(change: VrpChange) -> bytes:
    """The line, without its end."""
    vrp = change.vrp
    return msgspec.json.encode(
        _Line(
            timestamp=change.at, added=change.added, prefix=str(vrp.prefix), maxLength=vrp.max_length, asn=vrp.asn
        )
    )


def read_vrp_line(line: bytes) -> VrpChange:
    """The change that a line tells of.

    :raises VrpLineError: it is none; says why
    """
    try:
        told = _DECODER.decode(line)
        prefix = parse_prefix(told.prefix)
        if not prefix.prefixlen <= told.maxLength <= prefix.max_prefixlen:
            raise VrpLineError(f"maxLength {told.maxLength} not in {prefix.prefixlen}..{prefix.max_prefixlen}")
        if not math.isfinite(told.timestamp) or told.timestamp < 0:
            raise VrpLineError("timestamp out of range")
        return VrpChange(at=told.timestamp, vrp=Vrp(prefix, told.maxLength, parse_asn(told.asn)), added=told.added)
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise VrpLineError(f"no changed VRP: {str(error)[:120]!a}") from error
