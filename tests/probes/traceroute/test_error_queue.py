"""Ancillary data of the error queue, as the kernel lays it out."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.traceroute.error_queue import QueuedError, queued_error

RECVERR4, RECVERR6 = (socket.IPPROTO_IP, 11), (socket.IPPROTO_IPV6, 25)
EHOSTUNREACH = 113


def entry(origin: int, kind: int, code: int, offender: bytes, *, length: int = 0, flags: int = 0) -> bytes:
    """`struct sock_extended_err` and the offender's address."""
    return struct.pack("=IBBBBIHBB", EHOSTUNREACH, origin, kind, code, 0, 0, length, flags, 0) + offender


OFFENDER4 = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton("198.18.1.1"))
OFFENDER6 = struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, socket.inet_pton(socket.AF_INET6, "2001:db8::1"), 0)


def test_an_icmp_error_says_who_answered_and_how() -> None:
    """IPv4 and IPv6 have their own layouts."""
    four = queued_error([(*RECVERR4, entry(2, 11, 0, OFFENDER4))])
    six = queued_error([(*RECVERR6, entry(3, 3, 0, OFFENDER6))])

    assert four == QueuedError(4, 11, 0, "198.18.1.1", None)
    assert six == QueuedError(6, 3, 0, "2001:db8::1", None)


@pytest.mark.parametrize(("flags", "extension"), [(0, 128), (1, None)])
def test_an_extension_is_given_only_when_the_kernel_found_it_sound(flags: int, extension: int | None) -> None:
    """SO_EE_RFC4884_FLAG_INVALID takes it away."""
    error = queued_error([(*RECVERR4, entry(2, 11, 0, OFFENDER4, length=128, flags=flags))])

    assert error is not None
    assert error.extension == extension


@pytest.mark.parametrize(
    ("where", "octets"),
    [
        pytest.param(RECVERR4, entry(1, 0, 0, OFFENDER4), id="a local error"),
        pytest.param(RECVERR4, entry(2, 11, 0, b""), id="without an offender"),
        pytest.param(RECVERR4, entry(2, 11, 0, bytes(16)), id="an offender of no family"),
        pytest.param((socket.IPPROTO_IP, 2), entry(2, 11, 0, OFFENDER4), id="another message"),
    ],
)
def test_other_ancillary_data_is_no_answer(where: tuple[int, int], octets: bytes) -> None:
    """Nothing is made up from it."""
    assert queued_error([(*where, octets)]) is None


@given(octets=st.binary(max_size=64), where=st.sampled_from([RECVERR4, RECVERR6]))
@settings(max_examples=200, derandomize=True)
def test_any_octets_give_an_error_or_none(octets: bytes, where: tuple[int, int]) -> None:
    """No length of ancillary data is trusted."""
    read = queued_error([(*where, octets)])

    assert read is None or read.family in (4, 6)
