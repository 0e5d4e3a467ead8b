"""The kernel's count of full listen queues, by which the laboratory knows that one really was."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from lab.listen_queue import parsed

# A queue of one: the second connection that nobody accepts finds it full.
_SHORT = 0


def test_real_queue_that_overflows_is_counted() -> None:
    """A SYN that found no room counts."""
    counts = Path("/proc/self/net/netstat")
    if not counts.exists():
        pytest.skip("this kernel shows no counts of its listen queues")
    before = parsed(counts.read_text(encoding="ascii"))
    with socket.create_server(("127.0.0.1", 0), backlog=_SHORT) as listening:
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), socket.socket() as late:
            late.settimeout(0.1)
            with pytest.raises(TimeoutError):
                late.connect(("127.0.0.1", port))

    assert parsed(counts.read_text(encoding="ascii")) > before


@pytest.mark.parametrize(
    "text",
    ["", "TcpExt: SyncookiesSent\nTcpExt: 0\n", "TcpExt: ListenOverflows\n", "IpExt: ListenOverflows\nIpExt: 7\n"],
)
def test_a_kernel_without_the_count_is_no_zero(text: str) -> None:
    """It is not known then."""
    with pytest.raises(ValueError, match="ListenOverflows"):
        parsed(text)


def test_the_count_is_found_by_its_name() -> None:
    """Between others, and after those of other kinds."""
    text = (
        "IpExt: ListenOverflows\nIpExt: 7\nTcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 1 23 24\n"
    )

    assert parsed(text) == 23
