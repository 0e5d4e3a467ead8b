"""The kernel's connection figures, read from its bytes and from a real socket."""

import socket
import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from probes.http import tcp_info


def kernel_bytes(*, rtt_us, total_retrans, min_rtt_us):
    """A `struct tcp_info` as Linux lays it out: 8 u8, 24 u32, 4 u64, then u32."""
    words = [0] * 24
    words[15], words[23] = rtt_us, total_retrans
    return struct.pack("=8B24I4Q4I", *([0] * 8), *words, *([0] * 4), 0, 0, 0, min_rtt_us)


def test_figures_are_found_at_their_offsets():
    """Microseconds become seconds; the count stays a count."""
    info = tcp_info.parse(kernel_bytes(rtt_us=22_000, total_retrans=3, min_rtt_us=20_500))

    assert (info.rtt_s, info.min_rtt_s, info.retransmits) == (0.022, 0.0205, 3)


def test_no_sample_yet_is_not_a_round_trip_of_zero():
    """Before the first sample the kernel says 0 and all ones."""
    info = tcp_info.parse(kernel_bytes(rtt_us=0, total_retrans=1, min_rtt_us=0xFFFFFFFF))

    assert (info.rtt_s, info.min_rtt_s, info.retransmits) == (None, None, 1)


def test_older_kernels_shorter_structure_lacks_the_later_fields():
    """Linux before 4.6 ends before the least round trip."""
    info = tcp_info.parse(kernel_bytes(rtt_us=22_000, total_retrans=3, min_rtt_us=20_500)[:104])

    assert (info.rtt_s, info.min_rtt_s, info.retransmits) == (0.022, None, 3)


@given(st.binary(max_size=300))
@settings(derandomize=True, max_examples=100, deadline=None)
def test_any_bytes_give_figures_or_none(data):
    """The parser never raises and never gives a negative or zero round trip."""
    info = tcp_info.parse(data)

    assert all(value is None or value > 0 for value in (info.rtt_s, info.min_rtt_s))


def test_socket_without_a_connection_has_no_figures():
    """A datagram socket is asked and says no."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        assert tcp_info.read(sock) is None
